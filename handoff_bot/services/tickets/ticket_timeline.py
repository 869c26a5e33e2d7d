"""Ticket timeline: events, messages and notes in one order, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from handoff_bot.domain.messages import Author
from handoff_bot.domain.tickets import TIMELINE_ROWS, Happened
from handoff_bot.services.outbox import message_content
from handoff_bot.storage import tickets as store
from handoff_bot.storage.models import Message, Ticket
from handoff_bot.storage.transaction import Transaction

EVENTS: dict[str, str] = {
    "escalation.opened": "escalated",
    "escalation.claim": "taken",
    "escalation.release": "released to the queue",
    "escalation.reassign": "assigned",
    "escalation.resolve": "resolved",
    "escalation.return": "returned to the AI",
    "escalation.dismiss": "dismissed",
    "escalation.snoozed": "snoozed",
    "escalation.woken": "snooze ended",
    "escalation.offered": "offered",
    "escalation.priority": "priority raised",
    "ticket.created": "ticket created",
    "ticket.reopened": "reopened: the customer wrote again",
    "ticket.edited": "ticket edited",
    "sla.near": "SLA warning",
    "sla.late": "SLA breached",
    "csat.answered": "rated by the customer",
    "message.failed": "a message was not delivered",
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
    if kind == "csat.answered":
        return f"{happened}: {data.get('score')} of 5"
    if kind == "escalation.priority":
        return f"{happened}: {data.get('priority')}"
    if kind in ("sla.near", "sla.late"):
        return f"{happened} ({_PROMISED.get(str(data.get('promise')), 'SLA')})"
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
