"""Tickets: which status may follow which, what a search asks for, and what a ticket shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.desk import AgentRef, Place
from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.signals import Priority, Signal

PAGE_ROWS = 20
TIMELINE_ROWS = 25
LONGEST_SUBJECT = 200

BY_HAND: dict[TicketStatus, frozenset[TicketStatus]] = {
    TicketStatus.OPEN: frozenset({TicketStatus.SOLVED}),
    TicketStatus.PENDING: frozenset({TicketStatus.SOLVED}),
    TicketStatus.SOLVED: frozenset({TicketStatus.CLOSED}),
    TicketStatus.CLOSED: frozenset({TicketStatus.SOLVED}),
}
"""Where somebody may put a ticket by hand; open and pending follow its conversation."""


def may_become(now: TicketStatus, then: TicketStatus) -> bool:
    """May a ticket be put there by hand (or stay)?"""
    return now is then or then in BY_HAND[now]


@dataclass(frozen=True)
class TicketQuery:
    """What to look for; None or "" for any.

    Attributes:
        words: a number ("#12", "12"), or words in the subject or the contact's name.
        assignee: an agent's desk id.
        before: only tickets with lower numbers: where the next page begins.
    """

    words: str = ""
    status: TicketStatus | None = None
    channel: str | None = None
    reason: Signal | None = None
    priority: Priority | None = None
    assignee: str | None = None
    tag: str = ""
    before: int | None = None

    @property
    def number(self) -> int | None:
        """The ticket's number, if that is what was typed."""
        digits = self.words.strip().removeprefix("#")
        is_number = digits.isascii() and digits.isdigit() and len(digits) <= 15
        return int(digits) if is_number else None


@dataclass(frozen=True)
class TicketRow:
    """One ticket in a list; `subject` and `contact` are hostile."""

    number: int
    subject: str
    contact: str
    channel: str
    status: TicketStatus
    priority: Priority
    assignee: AgentRef | None
    created_at: datetime


@dataclass(frozen=True)
class TicketPage:
    """Tickets that fit, newest first; `more` when there are others behind."""

    rows: tuple[TicketRow, ...]
    query: TicketQuery
    more: bool


@dataclass(frozen=True)
class Happened:
    """One line of a ticket's timeline, in our words; `quote` is somebody's own (hostile)."""

    at: datetime
    what: str
    who: str = ""
    quote: str = ""


@dataclass(frozen=True)
class TicketView:
    """Everything about one ticket; `older` when the timeline begins before what is shown."""

    row: TicketRow
    escalation_id: int
    reason: Signal
    outcome: str
    tags: tuple[str, ...]
    reopened: int
    solved_at: datetime | None
    thread: Place | None
    timeline: tuple[Happened, ...]
    page: int
    older: bool
    reply_due_at: datetime | None = None
    solve_due_at: datetime | None = None


@dataclass(frozen=True)
class Edit:
    """What somebody changes; the whole of what a window holds."""

    subject: str
    priority: Priority
    status: TicketStatus
    assignee: str
    tags: tuple[str, ...]
