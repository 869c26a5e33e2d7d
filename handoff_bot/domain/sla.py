"""SLA targets by priority: first reply and resolution."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from handoff_bot.domain.signals import Priority
from handoff_bot.domain.text import duration

NEAR = 0.8
"""Share of the target's time at which the warning is posted."""
LONGEST_MINUTES = 30 * 24 * 60


class SlaTarget(StrEnum):
    """Kinds of SLA targets."""

    REPLY = "reply"
    SOLVE = "solve"


DEFAULT: dict[Priority, dict[SlaTarget, int]] = {
    Priority.URGENT: {SlaTarget.REPLY: 15, SlaTarget.SOLVE: 4 * 60},
    Priority.HIGH: {SlaTarget.REPLY: 30, SlaTarget.SOLVE: 8 * 60},
    Priority.NORMAL: {SlaTarget.REPLY: 60, SlaTarget.SOLVE: 24 * 60},
    Priority.LOW: {SlaTarget.REPLY: 4 * 60, SlaTarget.SOLVE: 48 * 60},
}
"""Default minutes."""

LABELS = {SlaTarget.REPLY: "first reply", SlaTarget.SOLVE: "resolution"}


def name_of(priority: Priority, promise: SlaTarget) -> str:
    """Returns a target's key: "urgent.reply"."""
    return f"{priority.value}.{promise.value}"


def length(
    stored: Mapping[str, object], priority: Priority, promise: SlaTarget
) -> timedelta | None:
    """Returns the target's duration, None for no target. A value that is stored wrongly counts as
    not set.
    """
    minutes = stored.get(name_of(priority, promise))
    if not isinstance(minutes, int) or not 0 <= minutes <= LONGEST_MINUTES:
        minutes = DEFAULT[priority][promise]
    return timedelta(minutes=minutes) if minutes else None


def in_words(promise: SlaTarget, due: datetime, now: datetime) -> str:
    """Returns the thread's text of a warning or a breach."""
    what = LABELS[promise]
    if now >= due:
        return f"⏱️ SLA breached: {what}."
    return f"⏱️ SLA warning: {_spoken(due - now)} left for {what}."


def _spoken(left: timedelta) -> str:
    minutes = max(1, round(left / timedelta(minutes=1)))
    if minutes < 120:
        return duration(minutes, "minute")
    return duration(round(minutes / 60), "hour")
