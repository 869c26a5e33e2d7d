"""Business hours, entered as lines such as "mon-fri 9:00-17:00", and holidays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from handoff_bot.domain.public_holidays import PublicHolidays
from handoff_bot.domain.time_phrases import zone

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AHEAD = 370
"""Days to search for the next opening."""

_LINE = re.compile(
    rf"({'|'.join(DAYS)})(?:\s*-\s*({'|'.join(DAYS)}))?\s+(\d{{1,2}}:\d\d)\s*-\s*(\d{{1,2}}:\d\d)"
)

Span = tuple[time, time]
"""From, until; `until` 00:00 is the end of the day."""


@dataclass(frozen=True)
class Hours:
    """Business hours; without any lines, always open.

    Attributes:
        days: time spans for each weekday from Monday, in order.
        zone: their time zone.
        holidays: closed dates in that zone.
        public: further closed dates, by country.
    """

    days: tuple[tuple[Span, ...], ...]
    zone: ZoneInfo
    holidays: frozenset[date] = frozenset()
    public: PublicHolidays | None = None

    @classmethod
    def parse(
        cls,
        lines: Sequence[str],
        timezone: str,
        holidays: Sequence[str] = (),
        public: PublicHolidays | None = None,
    ) -> Hours:
        """Parses lines as entered by admins.

        Raises:
            ValueError: a line is invalid; with a message for the user.
        """
        spans: list[set[Span]] = [set() for _ in DAYS]
        for line in lines:
            for day, span in _parsed(line):
                spans[day].add(span)
        free = frozenset(map(_date, holidays))
        return cls(tuple(tuple(_merged(day)) for day in spans), zone(timezone), free, public)

    def is_open(self, at: datetime) -> bool:
        return self._is_always or any(start <= at < end for start, end in self._spans(at, 2))

    def closed_since(self, at: datetime) -> datetime | None:
        """Returns when the last open time ended; None while it is open, and if there is none within
        a week.
        """
        if self.is_open(at):
            return None
        ended = (end for _, end in self._spans(at - timedelta(days=8), 9) if end <= at)
        return max(ended, default=None)

    def opens(self, at: datetime) -> datetime | None:
        """Returns the next opening at or after this time; None if there is none within a year."""
        if self.is_open(at):
            return at
        return next((start for start, _ in self._spans(at, AHEAD) if start > at), None)

    def after(self, at: datetime, length: timedelta) -> datetime:
        """Returns the time at which `length` of business time has passed."""
        if self._is_always:
            return at + length
        left = length
        for start, end in self._spans(at, AHEAD):
            begin = max(start, at)
            if end <= begin:
                continue
            if end - begin >= left:
                return begin + left
            left -= end - begin
        return at + length

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Returns the business time between two times at most a year apart."""
        if self._is_always:
            return max(end - start, timedelta())
        worked = timedelta()
        for opens, closes in self._spans(start, AHEAD):
            if opens >= end:
                break
            worked += max(min(closes, end) - max(opens, start), timedelta())
        return worked

    @property
    def _is_always(self) -> bool:
        return not any(self.days) and not self.holidays and not self.public

    def _spans(self, at: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
        """Yields the open spans from the day before on, in UTC, in order."""
        first = at.astimezone(self.zone).date() - timedelta(days=1)
        for number in range(days + 1):
            day = first + timedelta(days=number)
            if not self._is_holiday(day):
                for start, end in self.days[day.weekday()] if any(self.days) else _WHOLE:
                    yield self._at(day, start), self._until(day, end)

    def _is_holiday(self, day: date) -> bool:
        return day in self.holidays or (self.public is not None and day in self.public)

    def _at(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self.zone).astimezone(UTC)

    def _until(self, day: date, clock: time) -> datetime:
        ends = day + timedelta(days=1) if clock == time(0) else day
        return self._at(ends, clock)


_WHOLE: tuple[Span, ...] = ((time(0), time(0)),)
ALWAYS = Hours(((),) * 7, ZoneInfo("UTC"))


def _parsed(line: str) -> Iterator[tuple[int, Span]]:
    found = _LINE.fullmatch(line.strip().casefold())
    if found is None:
        raise ValueError(f"“{line[:40]}” is not valid. Use the format mon-fri 9:00-17:00.")
    first = DAYS.index(found[1])
    last = DAYS.index(found[2]) if found[2] else first
    start, end = _clock(found[3]), _clock(found[4])
    if end == start != time(0):
        raise ValueError(f"“{line[:40]}” starts and ends at the same time.")
    for number in range((last - first) % 7 + 1):
        day = (first + number) % 7
        if end < start and end != time(0):  # past midnight
            yield day, (start, time(0))
            yield (day + 1) % 7, (time(0), end)
        else:
            yield day, (start, end)


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    """Yields spans in order, with touching and overlapping ones merged."""
    begun: Span | None = None
    for start, end in sorted(spans):
        if begun is None:
            begun = start, end
        elif begun[1] == time(0) or start <= begun[1]:
            begun = begun[0], max(begun[1], end, key=_as_end)
        else:
            yield begun
            begun = start, end
    if begun:
        yield begun


def _as_end(clock: time) -> tuple[bool, time]:
    """Sort key for span ends: midnight is the end of the day."""
    return clock == time(0), clock


def _clock(words: str) -> time:
    hour, minute = map(int, words.split(":"))
    if minute > 59 or hour > 24 or (hour == 24 and minute):
        raise ValueError(f"{words} is not a valid time.")
    return time(hour % 24, minute)


def _date(words: str) -> date:
    try:
        return date.fromisoformat(words.strip())
    except ValueError:
        raise ValueError(
            f"“{words[:40]}” is not a valid date. Use the format 2026-12-25."
        ) from None
