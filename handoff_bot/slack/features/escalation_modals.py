"""Steps with a modal: a button opens it, and submitting it takes the step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import Ack

from handoff_bot.domain.action_result import ActionResult
from handoff_bot.domain.desk import AgentRef, Button
from handoff_bot.domain.escalations import DismissReason, Resolution, ResolvedAs, Step, tags_of
from handoff_bot.domain.roles import Action
from handoff_bot.slack.click import Click, Tools, ephemeral, sender, tell
from handoff_bot.slack.feature import (
    Body,
    ClickListener,
    Feature,
    Guarded,
    Shortcut,
    ShortcutCall,
    ShortcutListener,
    Subject,
    ViewListener,
    guarded,
)
from handoff_bot.slack.features.actions import OLD_BUTTON, on_card, step, view
from handoff_bot.slack.features.escalation_modals_blocks import (
    About,
    Field,
    Modal,
    assign,
    draft,
    give_back,
    not_needed,
    note,
    resolve,
    snooze,
)
from handoff_bot.slack.kit.fields import modal
from handoff_bot.slack.kit.form import filled_in, one, word_of
from handoff_bot.slack.kit.text import Block, section

CHOOSE_WHY = "Choose a reason."
CHOOSE_ONE = "Choose an agent, a group or the queue."
NOT_A_TIME = "Enter a time such as 45m, 2h, 1d, 14:30 or tomorrow."
OLD_MODAL = "This is from an older version. Close it and start again."
EMPTY = "Enter a text first."
NOT_OURS = "This message is not in the thread of a conversation."
CLOSED = "This conversation is already closed."

Opener = Callable[[Tools, About, str], Block]
"""Renders the modal of an escalation, for the person with this desk id."""
Decision = Callable[[Tools, About, AgentRef, Mapping[str, Any], str], tuple[str, str] | None]
"""Takes the step; returns the problem and its field."""


# -- opening


def _opens(render: Opener) -> ClickListener:
    """A button that opens the modal of the escalation whose id it carries."""

    def listener(tools: Tools, click: Click, ack: Ack) -> None:
        ack()
        if click.number is None or click.place is None:
            ephemeral(tools.desk, click, OLD_BUTTON)
            return
        shown = render(tools, About(click.number, click.place), click.desk_id)
        tools.desk.open_view(click.trigger_id, shown)

    return listener


def _assign(tools: Tools, about: About, _desk_id: str) -> Block:
    return assign(about, tools.desk.groups())


def _resolve(tools: Tools, about: About, desk_id: str) -> Block:
    agent = tools.desk.agent(desk_id)
    closing, asks = tools.core.escalations.closing(about.escalation_id, agent)
    return resolve(about, closing, asks=asks)


def open_draft(tools: Tools, click: Click, ack: Ack) -> None:
    """Opens the modal at once, and fills in the draft when the assistant has made it."""
    ack()
    if click.number is None or click.place is None:
        ephemeral(tools.desk, click, OLD_BUTTON)
        return
    _open_draft(tools, click.trigger_id, About(click.number, click.place))


def _open_draft(tools: Tools, trigger_id: str, about: About) -> None:
    loading = modal("Reply with draft", [section("The AI is writing a draft…")])
    view_id = tools.desk.open_view(trigger_id, loading)
    made = tools.core.drafting.draft(about.escalation_id)
    if made is None:
        tools.desk.update_view(view_id, modal("Reply with draft", [section(CLOSED)]))
        return
    shown = draft(about, made.text, made.sources, claims=made.claims)
    tools.desk.update_view(view_id, shown)


OPENERS: dict[Button, ClickListener] = {
    Button.ASSIGN: _opens(_assign),
    Button.SNOOZE: _opens(lambda _tools, about, _desk_id: snooze(about)),
    Button.RESOLVE: _opens(_resolve),
    Button.RETURN: _opens(lambda _tools, about, _desk_id: give_back(about)),
    Button.DISMISS: _opens(lambda _tools, about, _desk_id: not_needed(about)),
    Button.NOTE: _opens(lambda _tools, about, _desk_id: note(about)),
    Button.DRAFT: open_draft,
    Button.VIEW: view,
}


release = on_card(step(Step.RELEASE))

MORE = frozenset({*(kind.value for kind in OPENERS), Button.RELEASE.value})
"""The buttons of a card's menu "⋯"."""

_TAKES: dict[Button, Action] = {
    Button.ASSIGN: Action.ASSIGN,
    Button.SNOOZE: Action.SNOOZE,
    Button.RESOLVE: Action.RESOLVE,
    Button.RETURN: Action.RETURN,
    Button.DISMISS: Action.DISMISS,
    Button.NOTE: Action.NOTE,
    Button.DRAFT: Action.REPLY,
}


# -- message shortcuts in a thread


def _on_message(
    name: str,
    description: str,
    action: Action,
    open_it: Callable[[Tools, ShortcutCall, About], None],
) -> Shortcut:
    def listener(tools: Tools, called: ShortcutCall) -> None:
        if called.place is None:
            return
        found = tools.core.relay.escalation_at(called.place)
        if found is None:
            tell(tools.desk, called.desk_id, called.place, NOT_OURS)
            return
        open_it(tools, called, About(found, called.place))

    rule: Guarded[ShortcutListener] = guarded(action, listener, Subject.THREAD)
    return Shortcut(name, description, on_message=True, rule=rule)


def _modal(render: Opener) -> Callable[[Tools, ShortcutCall, About], None]:
    def open_it(tools: Tools, called: ShortcutCall, about: About) -> None:
        tools.desk.open_view(called.trigger_id, render(tools, about, called.desk_id))

    return open_it


SHORTCUTS = {
    "add_note": _on_message(
        "Add a note",
        "A note for the team; the customer never sees it",
        Action.NOTE,
        _modal(lambda _tools, about, _desk_id: note(about)),
    ),
    "reply_with_draft": _on_message(
        "Reply with draft",
        "The AI drafts a reply; you edit and send it",
        Action.REPLY,
        lambda tools, called, about: _open_draft(tools, called.trigger_id, about),
    ),
    "assign": _on_message(
        "Assign",
        "Give the conversation to an agent, a group or the queue",
        Action.ASSIGN,
        _modal(_assign),
    ),
    "resolve": _on_message(
        "Resolve",
        "End the conversation, with its outcome and tags",
        Action.RESOLVE,
        _modal(_resolve),
    ),
}


# -- submissions


def _sends(decide: Decision) -> ViewListener:
    """A submitted modal: problems are reported next to the field, success closes it."""

    def listener(tools: Tools, body: Body, ack: Ack) -> None:
        sent = body["view"]
        about = About.parse(str(sent.get("private_metadata") or ""))
        if about is None:
            ack(response_action="update", view=modal("Handoff", [section(OLD_MODAL)]))
            return
        agent = tools.agent(sender(body))
        problem = decide(tools, about, agent, filled_in(body), str(sent.get("id", "")))
        if problem:
            field, words = problem
            ack(response_action="errors", errors={field: words})
            return
        ack()

    return listener


def _sent(action: Action, decide: Decision) -> Guarded[ViewListener]:
    return guarded(action, _sends(decide), Subject.ESCALATION)


def _done(
    tools: Tools, about: About, agent: AgentRef, field: Field, outcome: ActionResult
) -> tuple[str, str] | None:
    """None on success; the result's text is sent as an ephemeral message."""
    if not outcome.done:
        return field, outcome.text
    if outcome.text:
        tell(tools.desk, agent.desk_id, about.thread, outcome.text)
    return None


def assigned(
    tools: Tools, about: About, agent: AgentRef, state: Mapping[str, Any], _view_id: str
) -> tuple[str, str] | None:
    """Assigns the conversation."""
    to, group, queue = (one(state, f) for f in (Field.AGENT, Field.GROUP, Field.QUEUE))
    words = one(state, Field.NOTE)
    if sum(map(bool, (to, group, queue))) != 1:
        return Field.AGENT, CHOOSE_ONE
    if to and (problem := tools.why_not_to(to, about.escalation_id)):
        return Field.AGENT, problem
    core = tools.core.escalations
    if to:
        outcome = core.reassign(about.escalation_id, agent, tools.desk.agent(to), words)
    else:
        outcome = core.hand_back(about.escalation_id, agent, group, words)
    return _done(tools, about, agent, Field.AGENT, outcome)


def snoozed(
    tools: Tools, about: About, agent: AgentRef, state: Mapping[str, Any], _view_id: str
) -> tuple[str, str] | None:
    """Snoozes the conversation."""
    said = one(state, Field.UNTIL) or one(state, Field.HOW_LONG)
    at = tools.moment_meant(said, agent.desk_id)
    if at is None:
        return Field.UNTIL, NOT_A_TIME
    outcome = tools.core.snoozing.snooze(about.escalation_id, agent, at)
    return _done(tools, about, agent, Field.UNTIL, outcome)


def resolved(
    tools: Tools, about: About, agent: AgentRef, state: Mapping[str, Any], _view_id: str
) -> tuple[str, str] | None:
    """Resolves the conversation, with its outcome."""
    usual, asks = tools.core.escalations.closing(about.escalation_id, agent)
    closing = one(state, Field.CLOSING)
    ending = Resolution(
        solved_as=word_of(ResolvedAs, one(state, Field.SOLVED_AS)) or ResolvedAs.SOLVED,
        tags=tags_of(one(state, Field.TAGS)),
        closing="" if closing == usual else closing,
        ask=asks and bool(one(state, Field.ASK)),
    )
    outcome = tools.core.escalations.take(Step.RESOLVE, about.escalation_id, agent, ending)
    return _done(tools, about, agent, Field.CLOSING, outcome)


def returned(
    tools: Tools, about: About, agent: AgentRef, state: Mapping[str, Any], _view_id: str
) -> tuple[str, str] | None:
    """Returns the conversation to the AI, with a note for it."""
    ending = Resolution(memory=one(state, Field.MEMORY))
    outcome = tools.core.escalations.take(Step.RETURN, about.escalation_id, agent, ending)
    return _done(tools, about, agent, Field.MEMORY, outcome)


def dismissed(
    tools: Tools, about: About, agent: AgentRef, state: Mapping[str, Any], _view_id: str
) -> tuple[str, str] | None:
    """Dismisses the escalation."""
    why = word_of(DismissReason, one(state, Field.WHY))
    if why is None:
        return Field.WHY, CHOOSE_WHY
    ending = Resolution(why=why)
    outcome = tools.core.escalations.take(Step.DISMISS, about.escalation_id, agent, ending)
    return _done(tools, about, agent, Field.WHY, outcome)


def noted(
    tools: Tools, about: About, agent: AgentRef, state: Mapping[str, Any], view_id: str
) -> tuple[str, str] | None:
    """Saves a note; the thread shows it."""
    words = one(state, Field.NOTE)
    if not words:
        return Field.NOTE, EMPTY
    outcome = tools.core.composed.note(about.escalation_id, agent, words, view_id)
    return _done(tools, about, agent, Field.NOTE, outcome)


def drafted(
    tools: Tools, about: About, agent: AgentRef, state: Mapping[str, Any], view_id: str
) -> tuple[str, str] | None:
    """Sends the edited draft."""
    words = one(state, Field.WORDS)
    if not words:
        return Field.WORDS, EMPTY
    outcome = tools.core.composed.send(about.escalation_id, agent, words, view_id)
    return _done(tools, about, agent, Field.WORDS, outcome)


FEATURE = Feature(
    clicks={
        **{
            kind.value: guarded(_TAKES[kind], opener, Subject.ESCALATION)
            for kind, opener in OPENERS.items()
            if kind is not Button.VIEW
        },
        Button.RELEASE.value: guarded(Action.RELEASE, release, Subject.ESCALATION),
    },
    menus={Button.MORE.value: MORE},
    views={
        Modal.ASSIGN.value: _sent(Action.ASSIGN, assigned),
        Modal.SNOOZE.value: _sent(Action.SNOOZE, snoozed),
        Modal.RESOLVE.value: _sent(Action.RESOLVE, resolved),
        Modal.RETURN.value: _sent(Action.RETURN, returned),
        Modal.DISMISS.value: _sent(Action.DISMISS, dismissed),
        Modal.NOTE.value: _sent(Action.NOTE, noted),
        Modal.DRAFT.value: _sent(Action.REPLY, drafted),
    },
    shortcuts=SHORTCUTS,
)
"""Submitting a modal twice is harmless: steps are taken once, and messages carry the modal's id."""
