"""A ticket as synced to other systems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.signals import Priority, Signal


@dataclass(frozen=True)
class TicketRecord:
    """The latest state of one ticket.

    Attributes:
        key: unique across installations; used to look the ticket up elsewhere.
        revision: increases with each state that is sent; the highest is the latest.
        number: the ticket number.
        subject: one line (hostile).
        contact: the contact's name or address (hostile).
        address: the contact's address on the channel (hostile).
        channel: the channel's kind.
        reason: the decisive signal.
        priority, status: current values.
        assignee: the agent's name, or "".
        tags: in alphabetical order.
        outcome: the outcome, "" if none was given.
        summary: one line by the AI (hostile).
        created_at, updated_at, solved_at: aware UTC.
        link: URL of its Slack thread, "" if unknown.
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
        """Returns whether the ticket needs no more work."""
        return self.status in (TicketStatus.SOLVED, TicketStatus.CLOSED)


def key_of(number: int, created_at: datetime) -> str:
    """Returns a ticket's key. The number is not enough: it would repeat in another installation or
    after a reset.
    """
    return f"handoff-{number}-{int(created_at.timestamp() * 1_000_000)}"
