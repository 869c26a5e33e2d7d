"""Tickets: SLA targets, status changes, search queries, views, export, and the record for connectors."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum

from handoff_bot.domain.desk import AgentRef, Place
from handoff_bot.domain.escalations import MOST_TAGS, TicketStatus, tags_of
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.text import duration, one_line

# -- SLA targets by priority: first reply and resolution

SLA_NEAR = 0.8
"""Share of the target's time at which the warning is posted."""
LONGEST_SLA_MINUTES = 30 * 24 * 60


class SlaTarget(StrEnum):
    """Kinds of SLA targets."""

    REPLY = "reply"
    SOLVE = "solve"


SLA_MINUTES: dict[Priority, dict[SlaTarget, int]] = {
    Priority.URGENT: {SlaTarget.REPLY: 15, SlaTarget.SOLVE: 4 * 60},
    Priority.HIGH: {SlaTarget.REPLY: 30, SlaTarget.SOLVE: 8 * 60},
    Priority.NORMAL: {SlaTarget.REPLY: 60, SlaTarget.SOLVE: 24 * 60},
    Priority.LOW: {SlaTarget.REPLY: 4 * 60, SlaTarget.SOLVE: 48 * 60},
}
"""Default minutes."""

SLA_LABELS = {SlaTarget.REPLY: "first reply", SlaTarget.SOLVE: "resolution"}


def sla_name(priority: Priority, promise: SlaTarget) -> str:
    """Returns a target's key: "urgent.reply"."""
    return f"{priority.value}.{promise.value}"


def sla_length(
    stored: Mapping[str, object], priority: Priority, promise: SlaTarget
) -> timedelta | None:
    """Returns the target's duration, None for no target. A value that is stored wrongly counts as
    not set.
    """
    minutes = stored.get(sla_name(priority, promise))
    if not isinstance(minutes, int) or not 0 <= minutes <= LONGEST_SLA_MINUTES:
        minutes = SLA_MINUTES[priority][promise]
    return timedelta(minutes=minutes) if minutes else None


def sla_in_words(promise: SlaTarget, due: datetime, now: datetime) -> str:
    """Returns the thread's text of a warning or a breach."""
    what = SLA_LABELS[promise]
    if now >= due:
        return f"⏱️ SLA breached: {what}."
    return f"⏱️ SLA warning: {_spoken(due - now)} left for {what}."


def _spoken(left: timedelta) -> str:
    minutes = max(1, round(left / timedelta(minutes=1)))
    if minutes < 120:
        return duration(minutes, "minute")
    return duration(round(minutes / 60), "hour")


# -- changes by hand, search queries, views, and the record that connectors get

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
    """Matching tickets, newest first.

    `more` is True if further ones exist, `is_bounded` if older texts were not searched because they
    are encrypted.
    """

    rows: tuple[TicketRow, ...]
    query: TicketQuery
    more: bool
    is_bounded: bool = False


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


# -- export: CSV for spreadsheets, JSON for programs

BYTE_ORDER_MARK = "\ufeff"
_FORMULA = frozenset("=+-@\t\r\n")
"""Characters that start a formula (https://owasp.org/www-community/attacks/CSV_Injection)."""
_BEFORE = frozenset("\"'`")
"""Quotes that some spreadsheets strip before parsing."""


_DASHES = frozenset("\u2212\u2010\u2011\u2012\u2013\u2014")
"""Minus signs and dashes that spreadsheets convert to a minus when typed."""
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me", "Zs", "Zl", "Zp"})
"""Unicode categories of invisible characters that may precede a formula."""


@dataclass(frozen=True)
class TicketExport:
    """The exported columns of one ticket, in order. Times are aware UTC.

    `subject`, `contact`, `address` and `tags` are hostile.
    """

    number: int
    subject: str
    contact: str
    address: str
    channel: str
    reason: str
    priority: str
    status: str
    assignee: str
    tags: tuple[str, ...]
    outcome: str
    reopened: int
    created_at: datetime
    updated_at: datetime
    solved_at: datetime | None
    reply_due_at: datetime | None
    replied_at: datetime | None
    solve_due_at: datetime | None


COLUMNS = tuple(field.name for field in fields(TicketExport))


def csv_lines(tickets: Iterable[TicketExport]) -> Iterator[str]:
    """Yields the CSV lines, header first, with a byte order mark: without it, Excel assumes
    Windows-1252.
    """
    yield BYTE_ORDER_MARK + _csv_line(COLUMNS)
    for ticket in tickets:
        yield _csv_line(_cell(getattr(ticket, column)) for column in COLUMNS)


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerow(cells)
    return line.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return harmless(" ".join(value))
    return harmless(value) if isinstance(value, str) else str("" if value is None else value)


def harmless(text: str) -> str:
    """Returns a cell that no spreadsheet treats as a formula: adds an apostrophe where needed.

    Full-width signs count as their ASCII forms. Preceding invisible characters, blanks and quotes
    are ignored.
    """
    for sign in text:
        plain = unicodedata.normalize("NFKC", sign)
        if plain[:1] in _FORMULA or sign in _DASHES:
            return f"'{text}"
        if sign not in _BEFORE and not _is_unseen(sign):
            return text
    return text


def as_written(cell: str) -> str:
    """Reverses `harmless`."""
    return cell[1:] if cell.startswith("'") and harmless(cell[1:]) == cell else cell


def _is_unseen(sign: str) -> bool:
    return sign.isspace() or unicodedata.category(sign) in _UNSEEN


def json_lines(tickets: Iterable[TicketExport]) -> Iterator[str]:
    """Yields one JSON array, one ticket per line."""
    before = "[\n"
    for ticket in tickets:
        yield before + json.dumps(asdict(ticket), default=datetime.isoformat, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"
