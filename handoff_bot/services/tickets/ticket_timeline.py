"""Ticket timeline: events, messages and notes in one order, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from handoff_bot.domain.events import EventKind, Rated, SlaReminded
from handoff_bot.domain.messages import Author
from handoff_bot.domain.tickets import TIMELINE_ROWS, Happened
from handoff_bot.services.outbox import message_content
from handoff_bot.storage import tickets as store
from handoff_bot.storage.models import Message, Ticket
from handoff_bot.storage.transaction import Transaction

EVENTS: dict[str, str] = {
    EventKind.ESCALATION_OPENED: "escalated",
    EventKind.ESCALATION_CLAIM: "taken",
    EventKind.ESCALATION_RELEASE: "released to the queue",
    EventKind.ESCALATION_REASSIGN: "assigned",
    EventKind.ESCALATION_RESOLVE: "resolved",
    EventKind.ESCALATION_RETURN: "returned to the AI",
    EventKind.ESCALATION_DISMISS: "dismissed",
    EventKind.ESCALATION_SNOOZED: "snoozed",
    EventKind.ESCALATION_WOKEN: "snooze ended",
    EventKind.ESCALATION_OFFERED: "offered",
    EventKind.ESCALATION_PRIORITY: "priority raised",
    EventKind.TICKET_CREATED: "ticket created",
    EventKind.TICKET_REOPENED: "reopened: the customer wrote again",
    EventKind.TICKET_EDITED: "ticket edited",
    EventKind.SLA_WARNING: "SLA warning",
    EventKind.SLA_BREACH: "SLA breached",
    EventKind.CSAT_ANSWERED: "rated by the customer",
    EventKind.MESSAGE_FAILED: "a message was not delivered",
}
"""Events shown in the timeline, with their labels."""

_SPEAKERS = {Author.ASSISTANT: "Assistant (AI)", Author.SYSTEM: "Automatic message"}
_PROMISED = {"reply": "first reply", "solve": "solving it"}


def page(
    tx: Transaction, ticket: Ticket, contact: str, number: int
) -> tuple[tuple[Happened, ...], bool]:
    """Returns one page, oldest first, and whether earlier entries exist; page 0 is the end of the
    timeline.
    """
    most = (number + 1) * TIMELINE_ROWS
    lines = sorted(_newest(tx, ticket, contact, most + 1), key=lambda line: line.at)
    end = max(0, len(lines) - number * TIMELINE_ROWS)
    return tuple(lines[max(0, len(lines) - most) : end]), len(lines) > most


def _newest(tx: Transaction, ticket: Ticket, contact: str, most: int) -> Iterator[Happened]:
    """Yields the newest entries of each kind, which include the newest of all."""
    for event, name in store.events(tx, ticket.id, EVENTS, most):
        yield Happened(event.at, _in_words(event.kind, event.data), name or "")
    for message, name in store.messages(tx, ticket, most):
        yield Happened(
            message.created_at,
            "",
            _speaker(message, name, contact),
            message_content.in_words(message),
        )
    for note, name in store.notes(tx, ticket.id, most):
        yield Happened(note.created_at, "note", name, note.text)


def _speaker(message: Message, agent: str | None, contact: str) -> str:
    author = Author(message.author)
    if author is Author.CONTACT:
        return contact
    return agent or _SPEAKERS.get(author, "Agent")


def _in_words(kind: str, data: Mapping[str, Any]) -> str:
    happened = EVENTS[kind]
    if kind == EventKind.CSAT_ANSWERED:
        return f"{happened}: {Rated.model_validate(data).score} of 5"
    if kind == EventKind.ESCALATION_PRIORITY:
        return f"{happened}: {data.get('priority')}"
    if kind in (EventKind.SLA_WARNING, EventKind.SLA_BREACH):
        return f"{happened} ({_PROMISED.get(SlaReminded.model_validate(data).promise, 'SLA')})"
    return f"{happened}{_changes(data)}"


def _changes(data: Mapping[str, Any]) -> str:
    """Returns the changed fields, with new values that are our own terms."""
    values = data.get("values") or {}
    after = {name: both[1] for name, both in values.items() if isinstance(both[1], str)}
    named = (
        f"{name} {after[name]}" if name in after else name for name in data.get("fields") or ()
    )
    listed = ", ".join(named)
    return f": {listed}" if listed else ""
