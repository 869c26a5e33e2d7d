"""Stores an agent's resolution details and provides the handback notes for the assistant."""

from __future__ import annotations

from datetime import datetime

from handoff_bot.domain.escalations import Status
from handoff_bot.domain.resolutions import Resolution
from handoff_bot.storage import conversations, log, tickets
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.models import Agent, Escalation, Note, Ticket
from handoff_bot.storage.transaction import Transaction

MEMORY = "memory"
"""Marks a note as a handback note for the assistant."""
MOST_MEMORIES = 3


def keep(
    tx: Transaction,
    escalation: Escalation,
    ticket: Ticket,
    agent: Agent,
    ending: Resolution,
    now: datetime,
) -> None:
    """Stores the details in the ticket, the escalation and the handback notes."""
    ticket.outcome = _outcome(Status(escalation.status), ending)
    tickets.add_tags(tx, id_of(ticket), ending.tags)
    if ending.why:
        escalation.dismissed_why = ending.why.value
        log.record(
            tx,
            "escalation.not_needed",
            now,
            escalation=escalation,
            agent_id=id_of(agent),
            why=ending.why.value,
        )
    if ending.memory:
        tx.add(
            Note(
                conversation_id=escalation.conversation_id,
                escalation_id=id_of(escalation),
                agent_id=id_of(agent),
                text=ending.memory,
                desk_channel="",
                desk_ts=f"{MEMORY}:{id_of(escalation)}",
                revision=MEMORY,
                created_at=now,
            )
        )


def _outcome(status: Status, ending: Resolution) -> str:
    if status is Status.RESOLVED:
        return ending.solved_as.value
    return "returned" if status is Status.RETURNED else "not_needed"


def memories(tx: Transaction, conversation_id: int) -> list[str]:
    """Returns the latest handback notes, oldest first."""
    notes = conversations.last_notes(tx, conversation_id, MEMORY, MOST_MEMORIES)
    return [note.text for note in notes]
