"""Formats durations, shares and counts for messages, reports and charts."""

from __future__ import annotations

from datetime import timedelta

NONE = "-"


def length(of: timedelta | None) -> str:
    """Formats like "45 s", "4 min", "2 h 5 min", "3 d 4 h"; "-" for None."""
    if of is None:
        return NONE
    seconds = round(of.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def percent(of: float | None) -> str:
    """Formats like "12 %"; "-" for None. A small share is never shown as 0 %, a large one never as
    100 %.
    """
    if of is None:
        return NONE
    if 0 < of < 0.01:
        return "< 1 %"
    if 0.99 < of < 1:
        return "> 99 %"
    return f"{of:.0%}".replace("%", " %")


def many(number: int, one: str, more: str = "") -> str:
    """Formats like "1 escalation", "1,204 escalations". `more` is an irregular plural."""
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"
