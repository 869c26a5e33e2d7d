"""Steps with a modal: a button opens it, and submitting it takes the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slack_bolt import Ack

from handoff_bot.domain.action_result import ActionResult
from handoff_bot.domain.desk import AgentRef, Button
from handoff_bot.domain.escalations import Resolution, Step, tags_of
from handoff_bot.domain.roles import Action
from handoff_bot.slack.click import Click, Tools, ephemeral, tell
from handoff_bot.slack.feature import (
    ClickListener,
    Feature,
    Guarded,
    Shortcut,
    ShortcutCall,
    ShortcutListener,
    Subject,
    ViewListener,
    guarded,
    submits,
)
from handoff_bot.slack.features import draft
from handoff_bot.slack.features import escalation_modals_blocks as forms
from handoff_bot.slack.features.actions import OLD_BUTTON, on_card, step, view
from handoff_bot.slack.features.escalation_modals_blocks import About
from handoff_bot.slack.kit.form import Field, Form, Submission
from handoff_bot.slack.kit.text import Block

CHOOSE_WHY = "Choose a reason."
CHOOSE_ONE = "Choose an agent, a group or the queue."
NOT_A_TIME = "Enter a time such as 45m, 2h, 1d, 14:30 or tomorrow."
EMPTY = "Enter a text first."
NOT_OURS = "This message is not in the thread of a conversation."

Opener = Callable[[Tools, About, str], Block]
"""Renders the modal of an escalation, for the person with this desk id."""
Decision = Callable[[Tools, Submission[About], AgentRef], ActionResult]
"""Takes the step; raises Invalid if the input is not valid."""


# -- opening


def _opens(render: Opener) -> ClickListener:
    """A button that opens the modal of the escalation whose id it carries."""

    def listener(tools: Tools, click: Click, ack: Ack) -> None:
        ack()
        if click.number is None or click.place is None:
            ephemeral(tools.desk, click, OLD_BUTTON)
            return
        shown = render(tools, About.of(click.number, click.place), click.desk_id)
        tools.desk.open_view(click.trigger_id, shown)

    return listener


def _assign(tools: Tools, about: About, _desk_id: str) -> Block:
    return forms.assign(about, tools.desk.groups())


def _resolve(tools: Tools, about: About, desk_id: str) -> Block:
    agent = tools.desk.agent(desk_id)
    closing, asks = tools.core.escalations.closing(about.escalation_id, agent)
    return forms.resolve(about, closing, tools.core.tags.offered(), asks=asks)


OPENERS: dict[Button, ClickListener] = {
    Button.ASSIGN: _opens(_assign),
    Button.SNOOZE: _opens(lambda _tools, about, _desk_id: forms.snooze(about)),
    Button.RESOLVE: _opens(_resolve),
    Button.RETURN: _opens(lambda _tools, about, _desk_id: forms.RETURN.render(about)),
    Button.DISMISS: _opens(lambda _tools, about, _desk_id: forms.DISMISS.render(about)),
    Button.NOTE: _opens(lambda _tools, about, _desk_id: forms.ADD_NOTE.render(about)),
    Button.DRAFT: draft.open_draft,
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
        open_it(tools, called, About.of(found, called.place))

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
        _modal(lambda _tools, about, _desk_id: forms.ADD_NOTE.render(about)),
    ),
    "reply_with_draft": _on_message(
        "Reply with draft",
        "The AI drafts a reply; you edit and send it",
        Action.REPLY,
        lambda tools, called, about: draft.open_for(
            tools, called.trigger_id, about.escalation_id, about.thread
        ),
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


def _sent(
    action: Action, form: Form[About], at: Field[Any], decide: Decision
) -> dict[str, Guarded[ViewListener]]:
    """A submitted form: a result that is not done is reported at the field `at`, success closes the modal."""

    def save(tools: Tools, entered: Submission[About], ack: Ack) -> None:
        agent = tools.agent(entered.by)
        outcome = decide(tools, entered, agent)
        if not outcome.done:
            raise at.invalid(outcome.text)
        if outcome.text:
            tell(tools.desk, agent.desk_id, entered.about.thread, outcome.text)
        ack()

    return {form.callback_id: guarded(action, submits(form, save), Subject.ESCALATION)}


def assigned(tools: Tools, entered: Submission[About], agent: AgentRef) -> ActionResult:
    """Assigns the conversation."""
    about, note = entered.about, entered[forms.NOTE_FOR_ASSIGNEE]
    to, group, queue = entered[forms.AGENT], entered[forms.GROUP], entered[forms.QUEUE]
    if sum(map(bool, (to, group, queue))) != 1:
        raise forms.AGENT.invalid(CHOOSE_ONE)
    if to and (problem := tools.why_not_to(to, about.escalation_id)):
        raise forms.AGENT.invalid(problem)
    core = tools.core.escalations
    if to:
        return core.reassign(about.escalation_id, agent, tools.desk.agent(to), note)
    return core.hand_back(about.escalation_id, agent, group, note)


def snoozed(tools: Tools, entered: Submission[About], agent: AgentRef) -> ActionResult:
    """Snoozes the conversation."""
    said = entered[forms.UNTIL] or entered[forms.HOW_LONG]
    at = tools.moment_meant(said, agent.desk_id)
    if at is None:
        raise forms.UNTIL.invalid(NOT_A_TIME)
    return tools.core.snoozing.snooze(entered.about.escalation_id, agent, at)


def resolved(tools: Tools, entered: Submission[About], agent: AgentRef) -> ActionResult:
    """Resolves the conversation, with its outcome."""
    usual, asks = tools.core.escalations.closing(entered.about.escalation_id, agent)
    closing = entered[forms.CLOSING]
    typed = entered[forms.NEW_TAGS]
    if refused := tools.core.tags.refusal(typed):
        raise forms.NEW_TAGS.invalid(refused)
    ending = Resolution(
        solved_as=entered[forms.OUTCOME],
        tags=tags_of((*entered[forms.TAGS], *typed)),
        closing="" if closing == usual else closing,
        ask=asks and entered[forms.ASK],
    )
    return _ended(Step.RESOLVE, tools, entered, agent, ending)


def returned(tools: Tools, entered: Submission[About], agent: AgentRef) -> ActionResult:
    """Returns the conversation to the AI, with a note for it."""
    ending = Resolution(memory=entered[forms.MEMORY])
    return _ended(Step.RETURN, tools, entered, agent, ending)


def dismissed(tools: Tools, entered: Submission[About], agent: AgentRef) -> ActionResult:
    """Dismisses the escalation."""
    why = entered[forms.WHY]
    if why is None:
        raise forms.WHY.invalid(CHOOSE_WHY)
    return _ended(Step.DISMISS, tools, entered, agent, Resolution(why=why))


def _ended(
    step: Step, tools: Tools, entered: Submission[About], agent: AgentRef, ending: Resolution
) -> ActionResult:
    return tools.core.escalations.take(step, entered.about.escalation_id, agent, ending)


def noted(tools: Tools, entered: Submission[About], agent: AgentRef) -> ActionResult:
    """Saves a note; the thread shows it."""
    words = _text_of(entered, forms.NOTE)
    return tools.core.composed.note(entered.about.escalation_id, agent, words, entered.view_id)


def _text_of(entered: Submission[About], field: Field[str]) -> str:
    if not entered[field]:
        raise field.invalid(EMPTY)
    return entered[field]


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
    views=_sent(Action.ASSIGN, forms.ASSIGN, forms.AGENT, assigned)
    | _sent(Action.SNOOZE, forms.SNOOZE, forms.UNTIL, snoozed)
    | _sent(Action.RESOLVE, forms.RESOLVE, forms.CLOSING, resolved)
    | _sent(Action.RETURN, forms.RETURN, forms.MEMORY, returned)
    | _sent(Action.DISMISS, forms.DISMISS, forms.WHY, dismissed)
    | _sent(Action.NOTE, forms.ADD_NOTE, forms.NOTE, noted),
    shortcuts=SHORTCUTS,
)
"""Submitting a modal twice is harmless: steps are taken once, and messages carry the modal's id."""
