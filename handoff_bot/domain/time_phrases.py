"""Parses typed times: "30m", "2h", "1d", "14:30", "tomorrow", "until 9:15"."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

START_OF_DAY = time(9)
_AMOUNT = re.compile(r"(\d{1,4})\s*(m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?)(?![a-z])")
_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})")
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,40}(?:/[A-Za-z0-9_+-]{1,40}){0,2}")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def zone(name: str) -> ZoneInfo:
    """Returns the time zone of an IANA name; UTC if unknown."""
    if not _ZONE.fullmatch(name):  # ZoneInfo would look for a package of this name.
        return ZoneInfo("UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def parse_time(words: str, now: datetime, timezone: str) -> datetime | None:
    """Returns the time, always after `now`; None if it cannot be parsed.

    Args:
        words: as typed.
        now: aware.
        timezone: the user's IANA time zone.
    """
    said = words.strip().casefold().removeprefix("until ").removeprefix("for ").strip()
    amounts = _AMOUNT.findall(said)
    if amounts and not _AMOUNT.sub("", said).strip():
        return _ahead(now, amounts)
    here = now.astimezone(zone(timezone))
    if said == "tomorrow":
        return _at(here + timedelta(days=1), START_OF_DAY).astimezone(now.tzinfo)
    clock = _CLOCK.fullmatch(said)
    if clock and int(clock[1]) < 24 and int(clock[2]) < 60:
        return _next(here, time(int(clock[1]), int(clock[2]))).astimezone(now.tzinfo)
    return None


def _ahead(now: datetime, amounts: list[tuple[str, str]]) -> datetime | None:
    """Returns now plus the amounts; None for zero and for dates out of range."""
    try:
        length = sum((_length(*amount) for amount in amounts), timedelta())
        return now + length if length else None
    except (OverflowError, ValueError):
        return None


def _length(number: str, unit: str) -> timedelta:
    return timedelta(**{_UNITS[unit[0].lower()]: int(number)})


def _next(here: datetime, clock: time) -> datetime:
    """Returns the next time with this clock reading; when clocks go back, it occurs twice."""
    today, again = _at(here, clock), _at(here, clock).replace(fold=1)
    ahead = (moment for moment in (today, again) if moment.timestamp() > here.timestamp())
    return next(ahead, _at(here + timedelta(days=1), clock))


def _at(day: datetime, clock: time) -> datetime:
    return datetime.combine(day.date(), clock, tzinfo=day.tzinfo)
