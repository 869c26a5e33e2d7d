"""The forms of an escalation's steps: assign, snooze, resolve, return, dismiss, note."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from handoff_bot.domain.desk import Place
from handoff_bot.domain.escalations import LONGEST_WORDS, DismissReason, ResolvedAs, tags_of
from handoff_bot.services.tickets.tag_list import OfferedTags
from handoff_bot.slack.cards.card import SOLVED
from handoff_bot.slack.kit.fields import MOST_SHOWN, Number
from handoff_bot.slack.kit.form import (
    Form,
    Metadata,
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
