"""Business hours as admins and agents write them, holidays, and an agent's availability."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

from handoff_bot.domain.public_holidays import PublicHolidays
from handoff_bot.domain.thread_syntax import zone

# -- an agent's availability


@dataclass(frozen=True)
class Availability:
    """An agent's availability as the agent sees it.

    Attributes:
        until: end of the absence; None if open-ended or available.
        load, capacity: current and maximum number of conversations; capacity 0 means no limit.
        own_capacity: the agent's own limit, 0 if the team's limit applies.
        by_presence: True if the agent has never set it, and gets offers while active in Slack.
        hours: lines such as "mon-fri 9:00-17:00".
    """

    on_roster: bool
    is_away: bool
    until: datetime | None
    in_hours: bool
    load: int
    capacity: int
    hours: tuple[str, ...]
    timezone: str
    own_capacity: int = 0
    by_presence: bool = False


# -- business hours in their stored form, such as "mon-fri 9:00-17:00", and holidays

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


# -- business hours as people write them: "9-17", "9am-5pm", "closed"

DAY_NAMES: dict[str, str] = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
CLOSED = "closed"
WHOLE_DAY = "0:00-24:00"
EXAMPLE = "Use times such as “9-17”, “9am-5pm”, “9-12, 13-17”, “24 h” or “closed”."
MOST_SPANS = 6
LONGEST = 100
"""Characters of one day or line."""

_DASHES = re.compile("[\u2010-\u2015\u2212\u2043\u301c~\u223c]|\\b(?:to|till|until|bis)\\b")
_CLOSED = frozenset(("closed", "off", "none", "no", "-", "free", "day off", "not open"))
_OPEN = re.compile(r"(?:open )?(?:24 ?(?:h|hrs|hours|/7)|all day|always)|open|round the clock")
_NAMED = {"noon": "12:00", "midday": "12:00", "midnight": "24:00"}
_TIME = r"(\d{1,2})(?:[:.h](\d\d)|h)? ?(?:([ap])\.?m?\.?|uhr|o'clock|hrs)?"
_SPAN = re.compile(rf"(?:from )?{_TIME} ?- ?{_TIME}")
_COMPACT = re.compile(r"(?<![\d:.])([01]\d|2[0-4])([0-5]\d)(?![\d:.])")
"""Times such as 0900."""
_STORED = re.compile(r"\d.*")
_SEPARATOR = re.compile(r"[,;/&+\n]|\band\b")
_GROUPS = {
    "weekdays": "mon-fri",
    "working days": "mon-fri",
    "weekends": "sat-sun",
    "weekend": "sat-sun",
    "daily": "mon-sun",
    "every day": "mon-sun",
}
_WORD = r"[a-z]{3,10}\.?"
_DAYS = re.compile(rf"({'|'.join(_GROUPS)}|{_WORD}(?: ?(?:-|,|&|and) ?{_WORD})*) ?:? ?(.*)")
_DAY_MINUTES = 24 * 60
_EARLY = 7 * 60
"""Shifts that start before this are rare, and times without am and pm often mean the afternoon."""


def day_times(text: str) -> str:
    """Returns the times of one day as "9:00-12:00, 13:00-17:00"; "closed", or "" for an empty text.

    Raises:
        ValueError: they are not understood; with a message for the user.
    """
    said = _plain(text)
    if not said or said in _CLOSED:
        return CLOSED if said else ""
    if _OPEN.fullmatch(said):
        return WHOLE_DAY
    if len(said) > LONGEST:
        raise ValueError(f"At most {LONGEST} characters.")
    pieces = [piece.strip() for piece in _SEPARATOR.split(said) if piece.strip()]
    spans = [_span(piece) for piece in pieces]
    if not 0 < len(spans) <= MOST_SPANS:
        raise _not_understood(said)
    _require_order(spans, pieces)
    return ", ".join(dict.fromkeys(spans))


def hours_lines(text: str) -> list[str]:
    """Returns lines such as "mon-fri 9:00-17:00" from lines of days and times in any spelling.

    Raises:
        ValueError: a line is not understood; with a message for the user.
    """
    times = dict.fromkeys(DAYS, "")
    for line in filter(str.strip, text.splitlines()):
        if len(line) > LONGEST:
            raise ValueError(f"At most {LONGEST} characters per line.")
        found = _DAYS.fullmatch(_plain(line))
        days = list(_each_day(found[1])) if found else []
        if found is None or not days or not found[2]:
            raise ValueError(f"“{line[:40]}” is not understood. For example: Mon-Fri 9-17.")
        for day in days:
            known = [each for each in (times[day], day_times(found[2])) if each not in ("", CLOSED)]
            times[day] = ", ".join(known)
    if text.strip() and not any(times.values()):
        raise ValueError(
            "All days are closed. Enter times for a day, or leave this empty for 24/7."
        )
    return lines_of(times)


def times_by_day(lines: Sequence[str]) -> dict[str, str]:
    """Returns the times of each day to show, from stored lines; "closed" for days without any,
    and "" everywhere if there are no lines.
    """
    spans: dict[str, list[str]] = {day: [] for day in DAYS}
    for line in lines:
        named, times = _STORED.sub("", line.casefold()), "".join(_STORED.findall(line))
        for day in _each_day("".join(named.split())):
            spans[day].append(_shown("".join(times.split()), is_first=not spans[day]))
    closed = CLOSED if lines else ""
    return {day: ", ".join(dict.fromkeys(found)) or closed for day, found in spans.items()}


def lines_of(times: Mapping[str, str]) -> list[str]:
    """Returns the lines to store, neighbouring days with the same times as one range."""
    lines: list[str] = []
    for spans, days in groupby(DAYS, key=lambda day: _spans(times[day])):
        first, *others = days
        named = f"{first}-{others[-1]}" if others else first
        lines += [f"{named} {span}" for span in spans]
    return lines


def _require_order(spans: Sequence[str], pieces: Sequence[str]) -> None:
    """Refuses "9-12, 1-5": read literally, its second span is at night."""
    for (before, _), (after, piece) in pairwise(zip(spans, pieces, strict=True)):
        goes_back = _is_early(after) and _minutes(after) < _minutes(before)
        if goes_back and not re.search(r"[ap]\.?m", piece):
            raise ValueError(
                f"“{piece[:40]}” would be at night. Use 13-17 or 1pm-5pm; for the night, 1am-5am."
            )


def _is_early(span: str) -> bool:
    """True for spans that start at night on a clock of 24 hours, and in the afternoon on one of 12."""
    return 60 <= _minutes(span) < _EARLY


def _minutes(span: str) -> int:
    hours, _, minutes = span.partition("-")[0].partition(":")
    return int(hours) * 60 + int(minutes)


def _spans(times: str) -> tuple[str, ...]:
    """Splits what `day_times` returns; none for a closed day."""
    return () if times in ("", CLOSED) else tuple(times.split(", "))


def _each_day(named: str) -> Iterator[str]:
    """Yields the days of "mon-fri", "mon, wed" or "weekends"; none if one is unknown."""
    days: list[str] = []
    for part in re.split(r" ?(?:,|&|\band\b) ?", _GROUPS.get(named, named)):
        ends = [_day(word.strip(" .")) for word in part.split("-")]
        if "" in ends or len(ends) > 2:
            return
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        days += [DAYS[(first + number) % 7] for number in range((last - first) % 7 + 1)]
    yield from dict.fromkeys(days)


def _day(word: str) -> str:
    """Returns the day that a word names, shortened or not; "" for none."""
    full = DAY_NAMES.get(word[:3], "").casefold()
    return word[:3] if full and f"{full}s".startswith(word) else ""


def _shown(span: str, *, is_first: bool) -> str:
    """Returns a stored span so that `day_times` understands it: with am and pm where it must be."""
    start, _, end = span.partition("-")
    has_halves = (not is_first and _is_early(span)) or _needs_halves(start, end)
    return f"{_with_half(start)}-{_with_half(end)}" if has_halves else span


def _plain(text: str) -> str:
    said = unicodedata.normalize("NFKC", text).casefold().strip().strip(".")
    said = _DASHES.sub("-", said)
    for name, clock in _NAMED.items():
        said = said.replace(name, clock)
    return " ".join(said.split())


def _span(said: str) -> str:
    found = _SPAN.fullmatch(_COMPACT.sub(r"\1:\2", said).strip())
    if found is None:
        raise _not_understood(said)
    hour, minute, half, end_hour, end_minute, end_half = found.groups()
    starts = _clocks(hour, minute, half, said)
    ends = _clocks(end_hour, end_minute, end_half, said)
    if half and not end_half:
        end = min(ends, key=lambda clock: (clock - starts[0] - 1) % _DAY_MINUTES)
        return _written(starts[0], end, said)
    if end_half and not half:
        start = min(starts, key=lambda clock: (ends[0] - clock - 1) % _DAY_MINUTES)
        return _written(start, ends[0], said)
    if not half and _needs_halves(_clock_text(starts[0]), _clock_text(ends[0])):
        raise ValueError(
            f"“{said[:40]}” ends before it starts. Use 9-17 or 9am-5pm; for a night, 22-6 or 10pm-6am."
        )
    return _written(starts[0], ends[0], said)


def _clocks(hour: str, minute: str | None, half: str | None, said: str) -> list[int]:
    """Returns the minutes of the day that a time can mean, the most literal one first."""
    hours, minutes = int(hour), int(minute or 0)
    if minutes > 59 or hours > 24 or (hours == 24 and minutes):
        raise _not_understood(said)
    if half:
        if not 1 <= hours <= 12:
            raise _not_understood(said)
        return [(hours % 12 + (12 if half == "p" else 0)) * 60 + minutes]
    literal = hours * 60 + minutes
    other = (hours % 12 + 12) * 60 + minutes
    return [literal, other] if 1 <= hours < 12 else [literal]


def _written(start: int, end: int, said: str) -> str:
    if start % _DAY_MINUTES == end % _DAY_MINUTES and start != 0:
        raise ValueError(f"“{said[:40]}” starts and ends at the same time.")
    return f"{_clock_text(start % _DAY_MINUTES)}-{_clock_text(end or _DAY_MINUTES)}"


def _clock_text(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"


def _needs_halves(start: str, end: str) -> bool:
    """True for spans such as 9-5 and 12-2: over midnight, or an afternoon on a clock of 12 hours."""
    first, last = (int(clock.replace(":", "") or 0) for clock in (start, end))
    return last < first <= 1200 and last != 0


def _with_half(clock: str) -> str:
    hour, _, minute = clock.partition(":")
    half = "am" if int(hour) % 24 < 12 else "pm"
    return f"{int(hour) % 12 or 12}:{minute}{half}"


def _not_understood(said: str) -> ValueError:
    return ValueError(f"“{said[:40]}” is not understood. {EXAMPLE}")
