"""Steps with a modal: assign, snooze, resolve, return, dismiss, note."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from slack_bolt import Ack

from handoff_bot.domain.desk import AgentRef, Button, Place
from handoff_bot.domain.escalations import (
    LONGEST_WORDS,
    DismissReason,
    Resolution,
    ResolvedAs,
    Step,
    tags_of,
)
from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.roles import Action
from handoff_bot.services.tickets.ticket_edits import OfferedTags
from handoff_bot.slack.cards.card import SOLVED
from handoff_bot.slack.feature import (
    Click,
    ClickListener,
    Feature,
    Guarded,
    Shortcut,
    ShortcutCall,
    ShortcutListener,
    Subject,
    Tools,
    ViewListener,
    ephemeral,
    guarded,
    submits,
    tell,
)
from handoff_bot.slack.features import draft
from handoff_bot.slack.features.actions import OLD_BUTTON, on_card, step, view
from handoff_bot.slack.kit.fields import MOST_SHOWN, Number
from handoff_bot.slack.kit.form import (
    Field,
    Form,
    Metadata,
    Submission,
    choice,
    member,
    person,
    radio,
    several,
    stripped,
    text,
    tick,
)
from handoff_bot.slack.kit.text import Block, section

# -- the forms

NOT_NEEDED: dict[DismissReason, str] = {
    DismissReason.AI_COULD: "The AI could have answered",
    DismissReason.ALREADY_ANSWERED: "Already answered",
    DismissReason.SPAM: "Spam or a test",
    DismissReason.MISTAKE: "Customer did not want an agent",
}
SNOOZES = {
    "30m": "30 minutes",
    "1h": "1 hour",
    "3h": "3 hours",
    "tomorrow": "Until tomorrow, 9:00",
    "3d": "3 days",
}


@dataclass(frozen=True)
class About:
    """The escalation of a modal, and the thread for the result."""

    escalation_id: Number
    slack_channel: str
    ts: str

    @classmethod
    def of(cls, escalation_id: int, thread: Place) -> About:
        return cls(escalation_id, thread.slack_channel, thread.ts)

    @property
    def thread(self) -> Place:
        return Place(self.slack_channel, self.ts)


ABOUT = Metadata(About)

# -- assign

AGENT = person("assignee", "An agent", "Choose an agent", optional=True)
GROUP = choice(
    "group",
    "Or a group",
    {},
    placeholder="Choose a group",
    hint="It goes back to the queue, and the group is mentioned.",
    optional=True,
)
QUEUE = tick("queue", "Or", "Back to the queue", optional=True)
NOTE_FOR_ASSIGNEE = text(
    "note",
    "Note",
    many_lines=True,
    most=LONGEST_WORDS,
    hint="Internal. The new assignee gets it as a direct message, with the latest messages.",
    optional=True,
)
ASSIGN = Form(
    "Assign conversation",
    "assign",
    (AGENT, GROUP, QUEUE, NOTE_FOR_ASSIGNEE),
    ABOUT,
    submit="Assign",
)


def assign(about: About, groups: Mapping[str, str]) -> Block:
    """Asks for an agent, a user group (id -> name) or the queue, with a note for the new assignee."""
    form = ASSIGN.having(GROUP.offering(groups)) if groups else ASSIGN.without(GROUP)
    return form.render(about)


# -- snooze

HOW_LONG = choice("how_long", "For how long?", SNOOZES, optional=True, current=lambda _about: "1h")
UNTIL = text(
    "until",
    "Or",
    placeholder="45m, 2h, 1d, 14:30",
    most=40,
    hint="In your time zone",
    optional=True,
)
SNOOZE = Form(
    "Snooze",
    "snooze",
    (
        section("Reminders are paused until then. It comes back when the customer writes."),
        HOW_LONG,
        UNTIL,
    ),
    ABOUT,
    submit="Snooze",
)


def snooze(about: About) -> Block:
    """Asks for the end of the snooze."""
    return SNOOZE.render(about, about)


# -- resolve

OUTCOME = choice("solved_as", "Outcome", SOLVED, current=lambda _closing: ResolvedAs.SOLVED).parsed(
    member(ResolvedAs, ResolvedAs.SOLVED)
)
TAGS = several("known_tags", "Tags", "Choose tags", {}, optional=True)
NEW_TAGS = text(
    "tags",
    "Tags",
    placeholder="refund, delivery",
    most=300,
    hint="Separate tags with commas or spaces.",
    optional=True,
).parsed(lambda entered: tags_of(stripped(entered)))
OTHERS = "Tags that are not in the list yet. Separate them with commas or spaces."
CLOSING = text(
    "closing",
    "Closing message",
    many_lines=True,
    most=LONGEST_WORDS,
    current=lambda closing: closing,
)
ASK = tick(
    "ask",
    "Afterwards",
    "Send satisfaction survey",
    optional=True,
    current=lambda _closing: True,
)
RESOLVE = Form(
    "Resolve", "resolve", (OUTCOME, TAGS, NEW_TAGS, CLOSING, ASK), ABOUT, submit="Resolve"
)


def resolve(about: About, closing: str, tags: OfferedTags, *, asks: bool) -> Block:
    """Asks for the outcome.

    Args:
        about: the escalation.
        closing: the closing message, "" for none; the agent may edit it.
        tags: the team's. A menu shows 500; others are typed.
        asks: True if customers get a satisfaction survey.
    """
    form = RESOLVE.having(replace(CLOSING, optional=not closing))
    if not tags.names:
        form = form.without(TAGS)
    else:
        typed = replace(NEW_TAGS, label="Other tags", hint=OTHERS)
        form = form.having(TAGS.offering({one: f"#{one}" for one in tags.names}), typed)
    if not tags.may_add and len(tags.names) <= MOST_SHOWN:
        form = form.without(typed if tags.names else NEW_TAGS)
    return (form if asks else form.without(ASK)).render(about, closing)


# -- return, dismiss

MEMORY = text(
    "memory",
    "What should the AI know?",
    placeholder="Refund of 20 € promised by Friday",
    many_lines=True,
    most=LONGEST_WORDS,
    hint="What you did and promised. The AI uses it but never quotes it.",
    optional=True,
)
RETURN = Form("Return to AI", "return", (MEMORY,), ABOUT, submit="Return")

WHY = radio(
    "why", "Why was no agent needed?", NOT_NEEDED, hint="The detector learns from your choice."
).parsed(member(DismissReason, None))
DISMISS = Form(
    "Dismiss",
    "dismiss",
    (section("No agent needed. The AI keeps answering."), WHY),
    ABOUT,
    submit="Dismiss",
)

# -- note

NOTE = text("note", "Note for the team", many_lines=True, hint="The customer never sees it.")
ADD_NOTE = Form("Add a note", "note", (NOTE,), ABOUT)


# -- the steps: a button opens the modal, and submitting it takes the step

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
    return assign(about, tools.desk.groups())


def _resolve(tools: Tools, about: About, desk_id: str) -> Block:
    agent = tools.desk.agent(desk_id)
    closing, asks = tools.core.escalations.closing(about.escalation_id, agent)
    return resolve(about, closing, tools.core.tags.offered(), asks=asks)


OPENERS: dict[Button, ClickListener] = {
    Button.ASSIGN: _opens(_assign),
    Button.SNOOZE: _opens(lambda _tools, about, _desk_id: snooze(about)),
    Button.RESOLVE: _opens(_resolve),
    Button.RETURN: _opens(lambda _tools, about, _desk_id: RETURN.render(about)),
    Button.DISMISS: _opens(lambda _tools, about, _desk_id: DISMISS.render(about)),
    Button.NOTE: _opens(lambda _tools, about, _desk_id: ADD_NOTE.render(about)),
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
        _modal(lambda _tools, about, _desk_id: ADD_NOTE.render(about)),
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
    about, note = entered.about, entered[NOTE_FOR_ASSIGNEE]
    to, group, queue = entered[AGENT], entered[GROUP], entered[QUEUE]
    if sum(map(bool, (to, group, queue))) != 1:
        raise AGENT.invalid(CHOOSE_ONE)
    if to and (problem := tools.why_not_to(to, about.escalation_id)):
        raise AGENT.invalid(problem)
    core = tools.core.escalations
    if to:
        return core.reassign(about.escalation_id, agent, tools.desk.agent(to), note)
    return core.hand_back(about.escalation_id, agent, group, note)


def snoozed(tools: Tools, entered: Submission[About], agent: AgentRef) -> ActionResult:
    """Snoozes the conversation."""
    said = entered[UNTIL] or entered[HOW_LONG]
    at = tools.moment_meant(said, agent.desk_id)
    if at is None:
        raise UNTIL.invalid(NOT_A_TIME)
    return tools.core.snoozing.snooze(entered.about.escalation_id, agent, at)


def resolved(tools: Tools, entered: Submission[About], agent: AgentRef) -> ActionResult:
    """Resolves the conversation, with its outcome."""
    usual, asks = tools.core.escalations.closing(entered.about.escalation_id, agent)
    closing = entered[CLOSING]
    typed = entered[NEW_TAGS]
    if refused := tools.core.tags.refusal(typed):
        raise NEW_TAGS.invalid(refused)
    ending = Resolution(
        solved_as=entered[OUTCOME],
        tags=tags_of((*entered[TAGS], *typed)),
        closing="" if closing == usual else closing,
        ask=asks and entered[ASK],
    )
    return _ended(Step.RESOLVE, tools, entered, agent, ending)


def returned(tools: Tools, entered: Submission[About], agent: AgentRef) -> ActionResult:
    """Returns the conversation to the AI, with a note for it."""
    ending = Resolution(memory=entered[MEMORY])
    return _ended(Step.RETURN, tools, entered, agent, ending)


def dismissed(tools: Tools, entered: Submission[About], agent: AgentRef) -> ActionResult:
    """Dismisses the escalation."""
    why = entered[WHY]
    if why is None:
        raise WHY.invalid(CHOOSE_WHY)
    return _ended(Step.DISMISS, tools, entered, agent, Resolution(why=why))


def _ended(
    step: Step, tools: Tools, entered: Submission[About], agent: AgentRef, ending: Resolution
) -> ActionResult:
    return tools.core.escalations.take(step, entered.about.escalation_id, agent, ending)


def noted(tools: Tools, entered: Submission[About], agent: AgentRef) -> ActionResult:
    """Saves a note; the thread shows it."""
    words = _text_of(entered, NOTE)
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
    views=_sent(Action.ASSIGN, ASSIGN, AGENT, assigned)
    | _sent(Action.SNOOZE, SNOOZE, UNTIL, snoozed)
    | _sent(Action.RESOLVE, RESOLVE, CLOSING, resolved)
    | _sent(Action.RETURN, RETURN, MEMORY, returned)
    | _sent(Action.DISMISS, DISMISS, WHY, dismissed)
    | _sent(Action.NOTE, ADD_NOTE, NOTE, noted),
    shortcuts=SHORTCUTS,
)
"""Submitting a modal twice is harmless: steps are taken once, and messages carry the modal's id."""
