"""Renders the modals of an escalation's steps: assign, snooze, resolve, return, dismiss, note, draft."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import TypeAdapter

from handoff_bot.domain.desk import Place
from handoff_bot.domain.escalations import LONGEST_WORDS, DismissReason, ResolvedAs
from handoff_bot.slack.kit.fields import (
    Number,
    asking,
    menu,
    modal,
    options,
    person_menu,
    read,
    text_field,
)
from handoff_bot.slack.kit.text import Block, context, plain, section


class Modal(StrEnum):
    """Callback ids of the modals."""

    ASSIGN = "assign"
    SNOOZE = "snooze"
    RESOLVE = "resolve"
    RETURN = "return"
    DISMISS = "dismiss"
    NOTE = "note"
    DRAFT = "draft"


class Field(StrEnum):
    """Fields of the modals; the value is block id and action id."""

    AGENT = "assignee"
    GROUP = "group"
    QUEUE = "queue"
    NOTE = "note"
    HOW_LONG = "how_long"
    UNTIL = "until"
    SOLVED_AS = "solved_as"
    TAGS = "tags"
    CLOSING = "closing"
    ASK = "ask"
    MEMORY = "memory"
    WHY = "why"
    WORDS = "words"


@dataclass(frozen=True)
class About:
    """The escalation of a modal, and the thread for the result."""

    escalation_id: int
    thread: Place

    def dump(self) -> str:
        """Returns the `private_metadata` of a modal."""
        place = {"slack_channel": self.thread.slack_channel, "ts": self.thread.ts}
        return json.dumps({"escalation_id": self.escalation_id} | place)

    @classmethod
    def parse(cls, metadata: str) -> About | None:
        """Parses `private_metadata`; None if it is not valid."""
        held = read(_ABOUT, metadata)
        return cls(held.escalation_id, Place(held.slack_channel, held.ts)) if held else None


@dataclass(frozen=True)
class _About:
    escalation_id: Number
    slack_channel: str
    ts: str


_ABOUT = TypeAdapter(_About)

SOLVED: dict[ResolvedAs, str] = {
    ResolvedAs.SOLVED: "Solved",
    ResolvedAs.ANSWERED: "Question answered",
    ResolvedAs.WORKAROUND: "Workaround provided",
    ResolvedAs.PASSED_ON: "Passed on to another team",
    ResolvedAs.NO_REPLY: "Customer did not reply",
}

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


def assign(about: About, groups: Mapping[str, str]) -> Block:
    """Asks for an agent, a user group (id -> name) or the queue, with a note for the new assignee."""
    people = person_menu(Field.AGENT, "Choose an agent")
    blocks = [asking("An agent", people, optional=True)]
    if groups:
        chooser = menu(Field.GROUP, "Choose a group", groups)
        hint = "It goes back to the queue, and the group is mentioned."
        blocks.append(asking("Or a group", chooser, hint=hint, optional=True))
    blocks.append(asking("Or", _box(Field.QUEUE, "Back to the queue"), optional=True))
    note = text_field(Field.NOTE, many_lines=True, most=LONGEST_WORDS)
    hint = "Internal. The new assignee gets it as a direct message, with the latest messages."
    blocks.append(asking("Note", note, hint=hint, optional=True))
    return _modal(Modal.ASSIGN, "Assign conversation", blocks, "Assign", about)


def _box(name: Field, label: str, *, checked: bool = False) -> Block:
    shown = options({"yes": label})
    box: Block = {"type": "checkboxes", "action_id": name, "options": shown}
    return box | ({"initial_options": shown} if checked else {})


def snooze(about: About) -> Block:
    """Asks for the end of the snooze."""
    blocks = [
        section("Reminders are paused until then. It comes back when the customer writes."),
        asking("For how long?", menu(Field.HOW_LONG, "Choose", SNOOZES, "1h"), optional=True),
        asking(
            "Or",
            text_field(Field.UNTIL, hint="45m, 2h, 1d, 14:30", most=40),
            hint="In your time zone",
            optional=True,
        ),
    ]
    return _modal(Modal.SNOOZE, "Snooze", blocks, "Snooze", about)


def resolve(about: About, closing: str, *, asks: bool) -> Block:
    """Asks for the outcome.

    Args:
        about: the escalation.
        closing: the closing message, "" for none; the agent may edit it.
        asks: True if customers get a satisfaction survey.
    """
    outcomes = {outcome.value: label for outcome, label in SOLVED.items()}
    blocks = [
        asking("Outcome", menu(Field.SOLVED_AS, "Choose", outcomes, ResolvedAs.SOLVED)),
        asking(
            "Tags",
            text_field(Field.TAGS, hint="refund, delivery", most=300),
            hint="Separate tags with commas or spaces.",
            optional=True,
        ),
        asking(
            "Closing message",
            text_field(Field.CLOSING, initial=closing, many_lines=True, most=LONGEST_WORDS),
            optional=not closing,
        ),
    ]
    if asks:
        box = _box(Field.ASK, "Send satisfaction survey", checked=True)
        blocks.append(asking("Afterwards", box, optional=True))
    return _modal(Modal.RESOLVE, "Resolve", blocks, "Resolve", about)


def give_back(about: About) -> Block:
    """Asks for a line that the assistant will remember."""
    memory = text_field(
        Field.MEMORY, hint="Refund of 20 € promised by Friday", many_lines=True, most=LONGEST_WORDS
    )
    hint = "What you did and promised. The AI uses it but never quotes it."
    blocks = [asking("What should the AI know?", memory, hint=hint, optional=True)]
    return _modal(Modal.RETURN, "Return to AI", blocks, "Return", about)


def not_needed(about: About) -> Block:
    """Asks why no agent was needed."""
    reasons = {why.value: label for why, label in NOT_NEEDED.items()}
    chooser: Block = {"type": "radio_buttons", "action_id": Field.WHY, "options": options(reasons)}
    blocks = [
        section("No agent needed. The AI keeps answering."),
        asking("Why was no agent needed?", chooser, hint="The detector learns from your choice."),
    ]
    return _modal(Modal.DISMISS, "Dismiss", blocks, "Dismiss", about)


def note(about: About) -> Block:
    """Asks for a note."""
    words = text_field(Field.NOTE, many_lines=True)
    blocks = [asking("Note for the team", words, hint="The customer never sees it.")]
    return _modal(Modal.NOTE, "Add a note", blocks, "Save", about)


def draft(about: About, words: str, sources: tuple[str, ...], *, claims: bool) -> Block:
    """Shows a drafted reply to edit and send.

    Args:
        about: the escalation.
        words: the draft, "" if the assistant has no suggestion.
        sources: the articles it is based on.
        claims: True if sending it claims the conversation.
    """
    blocks: list[Block] = []
    if not words:
        blocks.append(section("The AI has no suggestion. Write the reply yourself."))
    blocks.append(
        asking(
            "Reply to the customer",
            text_field(Field.WORDS, initial=words, many_lines=True),
            hint="Nothing is sent until you press the button.",
        )
    )
    if sources:
        blocks.append(context(plain(f"From: {', '.join(sources)}", 300)))
    label = "Take over & send" if claims else "Send"
    return _modal(Modal.DRAFT, "Reply with draft", blocks, label, about)


def _modal(kind: Modal, title: str, blocks: list[Block], submit: str, about: About) -> Block:
    return modal(
        title,
        blocks,
        callback_id=kind.value,
        submit=submit,
        close="Cancel",
        metadata=about.dump(),
    )
