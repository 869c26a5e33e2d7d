"""Tickets: manual status changes, search queries, views, and the record that connectors get."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum

from handoff_bot.domain.desk import AgentRef, Place
from handoff_bot.domain.escalations import MOST_TAGS, TicketStatus, tags_of
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.text import one_line

PAGE_ROWS = 20
EARLIER_ROWS = 5
TIMELINE_ROWS = 25
LONGEST_SUBJECT = 200

BY_HAND: dict[TicketStatus, frozenset[TicketStatus]] = {
    TicketStatus.OPEN: frozenset({TicketStatus.SOLVED}),
    TicketStatus.PENDING: frozenset({TicketStatus.SOLVED}),
    TicketStatus.SOLVED: frozenset({TicketStatus.CLOSED}),
    TicketStatus.CLOSED: frozenset({TicketStatus.SOLVED}),
}
"""Allowed manual status changes; open and pending follow the conversation."""


def may_become(now: TicketStatus, then: TicketStatus) -> bool:
    """Returns whether a manual change to `then` is allowed, including no change."""
    return now is then or then in BY_HAND[now]


class Period(StrEnum):
    """Maximum age of tickets."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"

    def start(self, now: datetime) -> datetime:
        """Returns the start of the period that ends now."""
        return now - timedelta(days=_DAYS[self])


_DAYS = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 30, Period.YEAR: 365}


@dataclass(frozen=True)
class TicketQuery:
    """A search; None or "" matches anything.

    Attributes:
        words: as typed: a number ("#12", "12"), tags ("#vip"), and words in the subject or the
            contact's name.
        assignee: an agent's Slack id.
        tag: one tag, in addition to typed ones.
        since, until: created at or after, and before.
        period: maximum age, while `since` is not set.
        before: only lower ticket numbers, for paging.
        no_number: True treats a number as a word.
        messages_from: words are also searched in the messages from this id on; None for no
            messages.
        slack_channels: only conversations in these channels; "" is the configured queue channel.
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
    messages_from: int | None = None
    slack_channels: frozenset[str] | None = None

    @property
    def number(self) -> int | None:
        """Returns the typed ticket number, or None."""
        typed = self.words.strip()
        is_number = _is_number(typed.removeprefix("#")) and not self.no_number
        return int(typed.removeprefix("#")) if is_number else None

    @property
    def may_be_words(self) -> bool:
        """Returns whether the typed number may be part of a subject."""
        return self.number is not None and not self.words.strip().startswith("#")

    @property
    def tags(self) -> tuple[str, ...]:
        """Returns the tags that a ticket must all have."""
        return tags_of([self.tag, *filter(_is_tag, self.words.split())])

    @property
    def terms(self) -> tuple[str, ...]:
        """Returns the lowercase words that must all occur."""
        return tuple(word.casefold() for word in self.typed)

    @property
    def typed(self) -> tuple[str, ...]:
        """Returns the words that must all occur, as typed."""
        return tuple(word for word in self.words.split() if not _is_tag(word))


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
    """Matching tickets, newest first; `more` is True if further ones exist."""

    rows: tuple[TicketRow, ...]
    query: TicketQuery
    more: bool


@dataclass(frozen=True)
class Happened:
    """One line of a ticket's timeline: a sentence of ours, or a speaker with a text.

    Attributes:
        what: the sentence; after `who` for a text.
        who: the speaker of a text (hostile).
        quote: the text (hostile).
        until: when a snooze ends.
    """

    at: datetime
    what: str
    who: str = ""
    quote: str = ""
    until: datetime | None = None


@dataclass(frozen=True)
class EarlierTicket:
    """An earlier conversation of the same customer.

    Attributes:
        status: of the ticket; `outcome` is "" while it is open.
        thread: where it is in Slack, None if unknown.
    """

    number: int
    created_at: datetime
    status: TicketStatus
    outcome: str
    thread: Place | None


@dataclass(frozen=True)
class TicketView:
    """A ticket with one page of its timeline; `older` is True if earlier entries exist."""

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
    """A ticket's editable fields, as shown or as wanted.

    Attributes:
        assignee: an agent's Slack id, or "".
    """

    subject: str
    priority: Priority
    status: TicketStatus
    assignee: str
    tags: tuple[str, ...]

    @classmethod
    def of(cls, view: TicketView) -> Edit:
        """Returns the current fields."""
        row = view.row
        assignee = row.assignee.desk_id if row.assignee else ""
        tags = view.tags[:MOST_TAGS]
        return cls(one_line(row.subject, LONGEST_SUBJECT), row.priority, row.status, assignee, tags)

    def changed(self, shown: Edit) -> frozenset[str]:
        """Returns the fields that the user changed.

        Untouched fields are not changed back: they may have been edited by others in the meantime.
        """
        names = (field.name for field in fields(self))
        return frozenset(name for name in names if getattr(self, name) != getattr(shown, name))


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
