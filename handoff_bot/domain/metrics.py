"""What is measured: a period, whose and which channel's figures, and the figures themselves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median

from handoff_bot.domain.until import zone

SOON = timedelta(minutes=5)
"""A wait up to this long counts as short."""
AGAIN = timedelta(hours=24)
"""A conversation that is escalated within this time of its last end was not settled."""
LONGEST = 3660
"""Days of the longest period."""
MOST_DAYS = timedelta(days=92)
"""A longer period is shown by months."""


class Choice(StrEnum):
    """The periods that are offered."""

    TODAY = "today"
    WEEK = "7d"
    DAYS_30 = "30d"
    THIS_MONTH = "month"
    LAST_MONTH = "last_month"


class Unit(StrEnum):
    """What a period is divided into."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True)
class Period:
    """From `since` on, up to before `until`; days begin at midnight in `timezone` (IANA)."""

    since: datetime
    until: datetime
    timezone: str = "UTC"
    choice: Choice | None = None

    @classmethod
    def chosen(cls, choice: Choice, now: datetime, timezone: str = "UTC") -> Period:
        """One of the offered periods, as it lies now where somebody is."""
        today = _midnight(now.astimezone(zone(timezone)))
        tomorrow, first = _days(today, 1), today.replace(day=1)
        since, until = {
            Choice.TODAY: (today, tomorrow),
            Choice.WEEK: (_days(today, -6), tomorrow),
            Choice.DAYS_30: (_days(today, -29), tomorrow),
            Choice.THIS_MONTH: (first, tomorrow),
            Choice.LAST_MONTH: (_days(first, -1).replace(day=1), first),
        }[choice]
        return cls(since, until, timezone, choice)

    @classmethod
    def last_days(cls, number: int, now: datetime, timezone: str = "UTC") -> Period:
        """Today and the days before it, so many in all."""
        today = _midnight(now.astimezone(zone(timezone)))
        return cls(_days(today, 1 - min(max(1, number), LONGEST)), _days(today, 1), timezone)

    @property
    def unit(self) -> Unit:
        """What its figures are shown by: few enough to be told apart."""
        if self.until - self.since <= timedelta(days=1, hours=1):  # clocks are put back in autumn
            return Unit.HOUR
        return Unit.DAY if self.until - self.since <= MOST_DAYS else Unit.MONTH

    def slices(self) -> Iterator[Period]:
        """Its hours, days or months, the first and the last as much of one as is in it."""
        for start, end in pairwise([*self._starts(), self.until]):
            yield Period(start, end, self.timezone)

    def _starts(self) -> Iterator[datetime]:
        start, step = self.since.astimezone(zone(self.timezone)), _NEXT[self.unit]
        while start < self.until:
            yield start
            start = step(start)


def _next_hour(at: datetime) -> datetime:
    return (at.astimezone(UTC) + timedelta(hours=1)).astimezone(at.tzinfo)


def _next_day(at: datetime) -> datetime:
    return _days(_midnight(at), 1)


def _next_month(at: datetime) -> datetime:
    return _days(_midnight(at).replace(day=1), 32).replace(day=1)


_NEXT = {Unit.HOUR: _next_hour, Unit.DAY: _next_day, Unit.MONTH: _next_month}


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _days(midnight: datetime, number: int) -> datetime:
    """So many midnights later on the same clock, also where a day has 23 or 25 hours."""
    return midnight + timedelta(days=number)


@dataclass(frozen=True)
class Scope:
    """What to measure: a period, of one channel or all (""), of one agent or all (0)."""

    period: Period
    channel: str = ""
    agent_id: int = 0


@dataclass(frozen=True)
class Lengths:
    """Lengths of time, each of one escalation."""

    count: int = 0
    median: timedelta | None = None
    p90: timedelta | None = None

    @classmethod
    def of(cls, lengths: Sequence[timedelta]) -> Lengths:
        """The middle one (or between the middle two), and the one that nine in ten do not exceed."""
        if not lengths:
            return cls()
        ordered = sorted(lengths)
        nine_in_ten = ordered[math.ceil(0.9 * len(ordered)) - 1]
        return cls(len(ordered), _median(ordered), nine_in_ten)


def _median(lengths: Sequence[timedelta]) -> timedelta:
    # Whole microseconds: sums of them are exact, where seconds as floats are not.
    return timedelta(
        microseconds=round(median(one // timedelta(microseconds=1) for one in lengths))
    )


@dataclass(frozen=True)
class Slice:
    """One hour, day or month: how many escalations began, how long those taken in it had waited."""

    since: datetime
    escalations: int
    waited: timedelta | None


@dataclass(frozen=True)
class AgentNumbers:
    """What one agent did in the period.

    Attributes:
        taken: escalations that became theirs, by claim or by assignment.
        replied: from having it to their own first reply.
    """

    agent_id: int
    name: str
    taken: int
    resolved: int
    replied: Lengths


@dataclass(frozen=True)
class Numbers:
    """The figures; docs/metrics.md says of each what it means.

    Attributes:
        reasons, priorities, channels: how many escalations, most first.
        hours_known, out_of_hours: escalations of which we know whether the team worked; when it did not.
        waited_briefly: of those whose wait ended, how many had waited at most `SOON`.
        ratings: how often each number from 1 to 5 was given.
        model_turns, model_in_time: customers' turns that the language model was to answer; did in time.
    """

    conversations: int = 0
    escalated: int = 0
    escalations: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    priorities: Mapping[str, int] = field(default_factory=dict)
    channels: Mapping[str, int] = field(default_factory=dict)
    hours_known: int = 0
    out_of_hours: int = 0
    escalated_again: int = 0
    waited: Lengths = Lengths()
    waited_briefly: int = 0
    replied: Lengths = Lengths()
    ended: int = 0
    resolved: int = 0
    returned: int = 0
    not_needed: int = 0
    abandoned: int = 0
    resolution: Lengths = Lengths()
    undelivered: int = 0
    ratings: Mapping[int, int] = field(default_factory=dict)
    model_turns: int = 0
    model_in_time: int = 0
    agents: tuple[AgentNumbers, ...] = ()
    slices: tuple[Slice, ...] = ()

    @property
    def escalation_rate(self) -> float | None:
        """Of the conversations, the share that was escalated."""
        return share(self.escalated, self.conversations)

    @property
    def briefly_rate(self) -> float | None:
        """Of those whose wait ended, the share that waited at most `SOON`."""
        return share(self.waited_briefly, self.waited.count)

    @property
    def again_rate(self) -> float | None:
        """Of the escalations, the share that came within `AGAIN` of the last one's end."""
        return share(self.escalated_again, self.escalations)

    @property
    def not_needed_rate(self) -> float | None:
        """Of the ended ones, the share that an agent marked as not needed."""
        return share(self.not_needed, self.ended)

    @property
    def abandoned_rate(self) -> float | None:
        """Of the ended ones, the share that nobody ever took."""
        return share(self.abandoned, self.ended)

    @property
    def out_of_hours_rate(self) -> float | None:
        """Of the escalations whose hours are known, the share that came when nobody worked."""
        return share(self.out_of_hours, self.hours_known)

    @property
    def in_time_rate(self) -> float | None:
        """Of the turns that the language model was to answer, the share that it answered in time."""
        return share(self.model_in_time, self.model_turns)

    @property
    def rated(self) -> int:
        """How many customers answered the question at the end."""
        return sum(self.ratings.values())

    @property
    def rating(self) -> float | None:
        """The average of their answers."""
        return share(sum(score * often for score, often in self.ratings.items()), self.rated)


def share(part: int, whole: int) -> float | None:
    """A part of the whole, None where there is nothing."""
    return part / whole if whole else None
