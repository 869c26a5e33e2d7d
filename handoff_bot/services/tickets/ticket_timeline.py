"""Ticket timeline: events, messages and notes in one order, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from handoff_bot.domain.audit import ACTS, act
from handoff_bot.domain.events import OF_ESCALATIONS, EventKind
from handoff_bot.domain.messages import Author
from handoff_bot.domain.sla import LABELS
from handoff_bot.domain.text import REASONS
from handoff_bot.domain.tickets import TIMELINE_ROWS, Happened
from handoff_bot.services.outbox import message_content
from handoff_bot.storage import escalations
from handoff_bot.storage import tickets as store
from handoff_bot.storage.models import Event, Message, Ticket
from handoff_bot.storage.transaction import Transaction

HAPPENED: dict[str, str] = {
    EventKind.ESCALATION_OPENED: "{it} was escalated: {reason}",
    EventKind.ESCALATION_WOKEN: "The snooze of {it} ended",
    EventKind.ESCALATION_OFFERED: "{it} was offered to {who}",
    EventKind.ESCALATION_PRIORITY: "The priority of {it} was raised to {priority}",
    EventKind.TICKET_CREATED: "{it} was created",
    EventKind.TICKET_REOPENED: "{it} was reopened: the customer wrote again",
    EventKind.SLA_WARNING: "The {target} of {it} is due soon",
    EventKind.SLA_BREACH: "The {target} of {it} is overdue",
    EventKind.CSAT_ANSWERED: "The customer rated {it}: {score} of 5",
    EventKind.MESSAGE_FAILED: "A message to the customer was not delivered",
}
"""Event kind -> its sentence, for events without an author."""
ACTIONS = (
    *(kind for kind in ACTS if kind.startswith(OF_ESCALATIONS)),
    EventKind.TICKET_EDITED,
)
EVENTS = (*HAPPENED, *ACTIONS)
"""Events shown in the timeline."""
AUTOMATIC = "Handoff"
"""Author of automatic actions."""

_SPEAKERS = {Author.ASSISTANT: "Assistant (AI)", Author.SYSTEM: "Automatic message"}
_TARGETS: dict[object, str] = {target.value: label for target, label in LABELS.items()}


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
        until = event.data.get("until") if event.kind == EventKind.ESCALATION_SNOOZED else None
        yield Happened(
            event.at,
            _sentence(tx, ticket, event, name or ""),
            until=datetime.fromisoformat(until) if until else None,
        )
    for message, name in store.messages(tx, ticket, most):
        yield Happened(
            message.created_at,
            "",
            _speaker(message, name, contact),
            message_content.in_words(message),
        )
    for note, name in store.notes(tx, ticket.id, most):
        yield Happened(note.created_at, "wrote a note:", name, note.text)


def _speaker(message: Message, agent: str | None, contact: str) -> str:
    author = Author(message.author)
    if author is Author.CONTACT:
        return contact
    return agent or _SPEAKERS.get(author, "Agent")


def _sentence(tx: Transaction, ticket: Ticket, event: Event, who: str) -> str:
    it, data = f"#{ticket.id}", event.data
    if event.kind in HAPPENED:
        return HAPPENED[event.kind].format(
            it=it,
            who=who or AUTOMATIC,
            reason=_reason(data.get("reason")),
            priority=data.get("priority"),
            target=_TARGETS.get(data.get("promise"), "SLA target"),
            score=data.get("score"),
        )
    tags = store.tags(tx, ticket.id) if event.kind == EventKind.ESCALATION_RESOLVE else ()
    did = act(event.kind, it, tags=tags, data=data)
    whom = _whom(tx, data) if event.kind == EventKind.ESCALATION_REASSIGN else ""
    return " ".join(filter(None, (who or AUTOMATIC, did, whom)))


def _reason(value: object) -> str:
    return next(
        (words for reason, words in REASONS.items() if reason == value), "an agent is needed"
    )


def _whom(tx: Transaction, data: Mapping[str, Any]) -> str:
    owner = escalations.agent(tx, data.get("owner"))
    return owner.name if owner else "an agent"
