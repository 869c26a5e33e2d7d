"""Working hours, as people write them: "mon-fri 9:00-17:00" a line, and dates on which nobody works."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from handoff_bot.domain.until import zone

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AHEAD = 370
"""Days that are looked through for the next opening."""

_LINE = re.compile(
    rf"({'|'.join(DAYS)})(?:\s*-\s*({'|'.join(DAYS)}))?\s+(\d{{1,2}}:\d\d)\s*-\s*(\d{{1,2}}:\d\d)"
)

Span = tuple[time, time]
"""From, until; `until` 00:00 is the end of the day."""


@dataclass(frozen=True)
class Hours:
    """When somebody works; no lines at all: always.

    Attributes:
        days: spans of each weekday from Monday on, in order.
        zone: whose clock they are read from.
        holidays: dates there on which nobody works.
    """

    days: tuple[tuple[Span, ...], ...]
    zone: ZoneInfo
    holidays: frozenset[date] = frozenset()

    @classmethod
    def parse(cls, lines: Sequence[str], timezone: str, holidays: Sequence[str] = ()) -> Hours:
        """From lines as admins write them.

        Raises:
            ValueError: a line is not understood, with words for whoever wrote it.
        """
        spans: list[set[Span]] = [set() for _ in DAYS]
        for line in lines:
            for day, span in _parsed(line):
                spans[day].add(span)
        free = frozenset(map(_date, holidays))
        return cls(tuple(tuple(_merged(day)) for day in spans), zone(timezone), free)

    def is_open(self, at: datetime) -> bool:
        """Does somebody work at that moment?"""
        return self._is_always or any(start <= at < end for start, end in self._spans(at, 2))

    def opens(self, at: datetime) -> datetime | None:
        """When they next work, at that moment or later; None when never within a year."""
        if self.is_open(at):
            return at
        return next((start for start, _ in self._spans(at, AHEAD) if start > at), None)

    def after(self, at: datetime, length: timedelta) -> datetime:
        """The moment at which so much working time has passed since then."""
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
        """How much working time lies between two moments, at most a year apart."""
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
        return not any(self.days) and not self.holidays

    def _spans(self, at: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
        """The working spans from the day before on, in UTC, in order."""
        first = at.astimezone(self.zone).date() - timedelta(days=1)
        for number in range(days + 1):
            day = first + timedelta(days=number)
            if day not in self.holidays:
                for start, end in self.days[day.weekday()] if any(self.days) else _WHOLE:
                    yield self._at(day, start), self._until(day, end)

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
        if end < start and end != time(0):  # over midnight
            yield day, (start, time(0))
            yield (day + 1) % 7, (time(0), end)
        else:
            yield day, (start, end)


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    """In order, those that touch or overlap as one."""
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
    """Of two ends of a span the later one is the greater: midnight is the end of the day."""
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
