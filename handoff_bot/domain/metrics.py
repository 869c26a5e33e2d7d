"""Definitions of metrics: period, scope and values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median

from handoff_bot.domain.thread_syntax import zone

SOON = timedelta(minutes=5)
"""A wait up to this long counts as short."""
AGAIN = timedelta(hours=24)
"""A conversation escalated again within this time was not settled."""
LONGEST = 3660
"""Maximum days of a period."""
MOST_DAYS = timedelta(days=92)
"""A longer period is shown by month."""


class Choice(StrEnum):
    """The periods offered."""

    TODAY = "today"
    WEEK = "7d"
    DAYS_30 = "30d"
    THIS_MONTH = "month"
    LAST_MONTH = "last_month"


class Unit(StrEnum):
    """Unit of a chart."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True)
class Period:
    """From `since` until before `until`; days begin at midnight in `timezone` (IANA)."""

    since: datetime
    until: datetime
    timezone: str = "UTC"
    choice: Choice | None = None

    @classmethod
    def chosen(cls, choice: Choice, now: datetime, timezone: str = "UTC") -> Period:
        """Returns an offered period in the given time zone."""
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
        """Returns today and the days before it, `number` in total."""
        today = _midnight(now.astimezone(zone(timezone)))
        return cls(_days(today, 1 - min(max(1, number), LONGEST)), _days(today, 1), timezone)

    @property
    def unit(self) -> Unit:
        """Returns the unit for charts, so that the slices stay readable."""
        if self.until - self.since <= timedelta(days=1, hours=1):  # clocks are put back in autumn
            return Unit.HOUR
        return Unit.DAY if self.until - self.since <= MOST_DAYS else Unit.MONTH

    def slice_width(self, most: int) -> int:
        """Returns how many hours, days or months make one slice, if `most` slices are shown."""
        return math.ceil(sum(1 for _ in self._starts()) / most)

    def slices(self) -> Iterator[Period]:
        """Yields its hours, days or months; the first and last may be partial."""
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
    """Returns midnight `number` days later by the clock, also across days of 23 or 25 hours."""
    return midnight + timedelta(days=number)


@dataclass(frozen=True)
class Scope:
    """What to measure: a period, one channel or all (""), one agent or all (0)."""

    period: Period
    channel: str = ""
    agent_id: int = 0


@dataclass(frozen=True)
class Lengths:
    """Durations, one per escalation."""

    count: int = 0
    median: timedelta | None = None
    p90: timedelta | None = None

    @classmethod
    def of(cls, lengths: Sequence[timedelta]) -> Lengths:
        """Returns the median and the 90th percentile."""
        if not lengths:
            return cls()
        ordered = sorted(lengths)
        nine_in_ten = ordered[math.ceil(0.9 * len(ordered)) - 1]
        return cls(len(ordered), _median(ordered), nine_in_ten)


def _median(lengths: Sequence[timedelta]) -> timedelta:
    # Whole microseconds: their sums are exact, unlike those of float seconds.
    return timedelta(
        microseconds=round(median(one // timedelta(microseconds=1) for one in lengths))
    )


@dataclass(frozen=True)
class Slice:
    """One hour, day or month: number of new escalations, and waits of those claimed in it."""

    since: datetime
    escalations: int
    waited: timedelta | None


@dataclass(frozen=True)
class AgentNumbers:
    """One agent's metrics of the period.

    Attributes:
        taken: claimed or assigned escalations.
        replied: time from assignment to the agent's first reply.
    """

    agent_id: int
    name: str
    taken: int
    resolved: int
    replied: Lengths


@dataclass(frozen=True)
class Numbers:
    """All metrics; docs/metrics.md defines each.

    Attributes:
        reasons, priorities, channels: number of escalations, highest first.
        hours_known, out_of_hours: escalations with known business hours, and those outside of them.
        waited_briefly: ended waits of at most `SOON`.
        ratings: number of each rating from 1 to 5.
        model_turns, model_in_time: turns for the language model, and those answered in time.
        ai_rated, ai_helpful: agents' verdicts on the assistant's texts, and the positive ones.
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
    ai_rated: int = 0
    ai_helpful: int = 0
    agents: tuple[AgentNumbers, ...] = ()
    slices: tuple[Slice, ...] = ()

    @property
    def escalation_rate(self) -> float | None:
        """Share of conversations that were escalated."""
        return share(self.escalated, self.conversations)

    @property
    def briefly_rate(self) -> float | None:
        """Share of ended waits of at most `SOON`."""
        return share(self.waited_briefly, self.waited.count)

    @property
    def again_rate(self) -> float | None:
        """Share of escalations within `AGAIN` of the previous one's end."""
        return share(self.escalated_again, self.escalations)

    @property
    def not_needed_rate(self) -> float | None:
        """Share of closed escalations that were dismissed."""
        return share(self.not_needed, self.ended)

    @property
    def abandoned_rate(self) -> float | None:
        """Share of closed escalations that were never claimed."""
        return share(self.abandoned, self.ended)

    @property
    def out_of_hours_rate(self) -> float | None:
        """Share of escalations outside business hours, among those with known hours."""
        return share(self.out_of_hours, self.hours_known)

    @property
    def in_time_rate(self) -> float | None:
        """Share of the language model's turns that it answered in time."""
        return share(self.model_in_time, self.model_turns)

    @property
    def helpful_rate(self) -> float | None:
        """Share of agents' verdicts on the assistant's texts that are positive."""
        return share(self.ai_helpful, self.ai_rated)

    @property
    def rated(self) -> int:
        """Returns the number of CSAT answers."""
        return sum(self.ratings.values())

    @property
    def rating(self) -> float | None:
        """Returns the average CSAT rating."""
        return share(sum(score * often for score, often in self.ratings.items()), self.rated)


def share(part: int, whole: int) -> float | None:
    """Returns part / whole, None for an empty whole."""
    return part / whole if whole else None
