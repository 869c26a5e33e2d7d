"""A ticket as other systems get to know it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.signals import Priority, Signal


@dataclass(frozen=True)
class TicketRecord:
    """The latest state of one ticket.

    Attributes:
        key: ours alone, also among other installations: what a ticket is looked up by elsewhere.
        revision: grows with each state of this ticket that is sent; the highest one is the latest.
        number: the ticket's.
        subject: one line (hostile).
        contact: the contact's name or address (hostile).
        address: the contact's address on the channel (hostile).
        channel: the channel's kind.
        reason: the signal that tipped it.
        priority, status: as they are now.
        assignee: the name of the agent who has it, "" for nobody.
        tags: in alphabetical order.
        outcome: what it came to, "" while nobody has said.
        summary: one line of the AI (hostile).
        created_at, updated_at, solved_at: aware UTC.
        link: the address of its thread at the desk, "" while it is not known.
    """

    key: str
    revision: int
    number: int
    subject: str
    contact: str
    address: str
    channel: str
    reason: Signal
    priority: Priority
    status: TicketStatus
    assignee: str
    tags: tuple[str, ...]
    outcome: str
    summary: str
    created_at: datetime
    updated_at: datetime
    solved_at: datetime | None = None
    link: str = ""

    @property
    def is_over(self) -> bool:
        """Is there nothing left to do?"""
        return self.status in (TicketStatus.SOLVED, TicketStatus.CLOSED)


def key_of(number: int, created_at: datetime) -> str:
    """A ticket's key: its number alone would come again in another installation, or after a fresh start."""
    return f"handoff-{number}-{int(created_at.timestamp() * 1_000_000)}"
