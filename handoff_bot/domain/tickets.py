"""Tickets: which status may follow which, what a search asks for, and what a ticket shows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum

from handoff_bot.domain.desk import AgentRef, Place
from handoff_bot.domain.endings import MOST_TAGS, tags_of
from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.words import one_line

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


class Period(StrEnum):
    """How long ago tickets were made, at most."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"

    def start(self, now: datetime) -> datetime:
        """When it began, if it is now that it ends."""
        return now - timedelta(days=_DAYS[self])


_DAYS = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 30, Period.YEAR: 365}


@dataclass(frozen=True)
class TicketQuery:
    """What to look for; None or "" for any.

    Attributes:
        words: as they were typed: a number ("#12", "12"), tags ("#vip"), and words in the subject or the
            contact's name.
        assignee: an agent's desk id.
        tag: one tag, besides those that were typed.
        since, until: made at that time or later, and before.
        period: made so long ago at most, where `since` is not known yet.
        before: only tickets with lower numbers: where the next page begins.
        no_number: what looks like a number is a word.
        slack_channels: held in one of these; "" stands for the queue channel of the deployment's settings.
    """

    words: str = ""
    status: TicketStatus | None = None
    channel: str | None = None
    reason: Signal | None = None
    priority: Priority | None = None
    assignee: str | None = None
    tag: str = ""
    since: datetime | None = None
    until: datetime | None = None
    period: Period | None = None
    before: int | None = None
    no_number: bool = False
    slack_channels: frozenset[str] | None = None

    @property
    def number(self) -> int | None:
        """The ticket's number, if that is what was typed."""
        typed = self.words.strip()
        is_number = _is_number(typed.removeprefix("#")) and not self.no_number
        return int(typed.removeprefix("#")) if is_number else None

    @property
    def may_be_words(self) -> bool:
        """Was a number typed that may as well be part of a subject?"""
        return self.number is not None and not self.words.strip().startswith("#")

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags, all of which a ticket must have."""
        return tags_of([self.tag, *filter(_is_tag, self.words.split())])

    @property
    def terms(self) -> tuple[str, ...]:
        """The words, all of which must be there, in lower case."""
        return tuple(word for word in self.words.casefold().split() if not _is_tag(word))


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 15


def _is_tag(word: str) -> bool:
    return word.startswith("#")


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
    """The fields of a ticket that somebody may change, as they were shown or as they are to be.

    Attributes:
        assignee: an agent's desk id, "" for nobody.
    """

    subject: str
    priority: Priority
    status: TicketStatus
    assignee: str
    tags: tuple[str, ...]

    @classmethod
    def of(cls, view: TicketView) -> Edit:
        """The fields as they are."""
        row = view.row
        assignee = row.assignee.desk_id if row.assignee else ""
        tags = view.tags[:MOST_TAGS]
        return cls(one_line(row.subject, LONGEST_SUBJECT), row.priority, row.status, assignee, tags)

    def changed(self, shown: Edit) -> frozenset[str]:
        """Which fields are to change, given what they were when it was shown.

        What somebody did not touch is not theirs to change back: others may have changed it meanwhile.
        """
        names = (field.name for field in fields(self))
        return frozenset(name for name in names if getattr(self, name) != getattr(shown, name))
