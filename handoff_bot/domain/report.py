"""Renders the metrics as text, charts and tables, for reports and messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from handoff_bot.domain.metrics import (
    AgentNumbers,
    Choice,
    Lengths,
    Numbers,
    Period,
    Scope,
    Unit,
    share,
)
from handoff_bot.domain.text import NONE, length, many, percent, spelled
from handoff_bot.domain.thread_syntax import zone

REASONS = {
    "request": "Asked for an agent",
    "sentiment": "Upset or confused",
    "complexity": "Complex or going in circles",
    "confidence": "The AI was not sure",
}
CHOICES = {
    Choice.TODAY: "Today",
    Choice.WEEK: "Last 7 days",
    Choice.DAYS_30: "Last 30 days",
    Choice.THIS_MONTH: "This month",
    Choice.LAST_MONTH: "Last month",
}


FORMER_AGENT = "Former agent"


@dataclass(frozen=True)
class Fact:
    """One metric; `more` is a detail shown beside it."""

    label: str
    value: str
    more: str = ""


@dataclass(frozen=True)
class Topic:
    """Metrics that belong together."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Point:
    """One bar of a chart; `shown` is its value as text."""

    label: str
    value: float
    shown: str


@dataclass(frozen=True)
class Chart:
    """Bars with one title; `unit` says what the values count, as "Minutes"."""

    title: str
    unit: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Cell:
    """One cell of a table. `text` may be a person's name (hostile); `value` sorts, None for text."""

    text: str
    value: float | None = None


@dataclass(frozen=True)
class Table:
    """A table whose rows have one cell for each column."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


MOST_POINTS = 20
"""Points of a chart: as many as Slack draws."""


def title(scope: Scope) -> str:
    """Returns the scope on one line, only in our own terms, so that it can also be drawn."""
    channel = spelled(scope.channel) if scope.channel else "All channels"
    whose = " · one agent" if scope.agent_id else ""
    return f"{dates(scope.period)} · {channel}{whose}"


def dates(period: Period) -> str:
    """Formats like "23 Nov 2026", "17 to 23 Nov 2026", "30 Dec 2026 to 2 Jan 2027"."""
    here = zone(period.timezone)
    first = period.since.astimezone(here)
    last = (period.until - timedelta(microseconds=1)).astimezone(here)
    end = f"{last.day} {last:%b %Y}"
    if first.date() == last.date():
        return end
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {end}"
    year = f" {first.year}" if first.year != last.year else ""
    return f"{first.day} {first:%b}{year} to {end}"


def reason_words(reason: str) -> str:
    """Returns the label of a reason; old events may have none."""
    return REASONS.get(reason, reason or "Unknown")


def headline(numbers: Numbers) -> str:
    """Returns the summary in one sentence."""
    if not numbers.escalations:
        return f"No escalations in {many(numbers.conversations, 'conversation')}."
    parts = [
        f"{many(numbers.escalations, 'escalation')} in "
        f"{many(numbers.conversations, 'conversation')} ({percent(numbers.escalation_rate)} of them)"
    ]
    if numbers.waited.count:
        parts.append(f"median wait {length(numbers.waited.median)}")
    if numbers.resolution.count:
        parts.append(f"median time to resolve {length(numbers.resolution.median)}")
    return f"{', '.join(parts)}."


def topics(numbers: Numbers) -> tuple[Topic, ...]:
    """Returns all metrics except lists."""
    return (
        Topic("Escalations", tuple(_escalations(numbers))),
        Topic("Waiting", tuple(_waiting(numbers))),
        Topic("Endings", tuple(_endings(numbers))),
        Topic("Quality", tuple(_quality(numbers))),
    )


def _escalations(numbers: Numbers) -> Iterator[Fact]:
    yield Fact("Conversations with messages", f"{numbers.conversations:,}")
    yield Fact("Escalations", f"{numbers.escalations:,}")
    rate = f"{numbers.escalated:,} of {many(numbers.conversations, 'conversation')}"
    yield Fact("Escalation rate", percent(numbers.escalation_rate), rate)
    again = f"{numbers.escalated_again:,} of {numbers.escalations:,}"
    yield Fact("Escalated again within 24 hours", percent(numbers.again_rate), again)
    hours = f"{numbers.out_of_hours:,} of {numbers.hours_known:,}"
    yield Fact("Outside business hours", percent(numbers.out_of_hours_rate), hours)


def _waiting(numbers: Numbers) -> Iterator[Fact]:
    yield _lengths("Time in queue", numbers.waited)
    soon = f"{numbers.waited_briefly:,} of {numbers.waited.count:,}"
    yield Fact("Claimed within 5 minutes", percent(numbers.briefly_rate), soon)
    yield _lengths("First human reply", numbers.replied)


def _endings(numbers: Numbers) -> Iterator[Fact]:
    yield Fact("Resolved", f"{numbers.resolved:,}", f"of {numbers.ended:,} closed")
    yield _lengths("Time to resolve", numbers.resolution)
    yield Fact("Returned to the AI", f"{numbers.returned:,}")
    needless = percent(numbers.not_needed_rate)
    yield Fact("Dismissed", f"{numbers.not_needed:,}", f"{needless} of closed")
    left = percent(numbers.abandoned_rate)
    yield Fact("Never claimed", f"{numbers.abandoned:,}", f"{left} of closed")


def _quality(numbers: Numbers) -> Iterator[Fact]:
    average = NONE if numbers.rating is None else f"{numbers.rating:.1f} of 5"
    yield Fact("CSAT rating", average, many(numbers.rated, "answer"))
    yield Fact("Undelivered messages", f"{numbers.undelivered:,}")
    if numbers.model_turns:
        turns = f"{numbers.model_in_time:,} of {numbers.model_turns:,} turns"
        yield Fact("Answered by the AI in time", percent(numbers.in_time_rate), turns)
    if numbers.ai_rated:
        verdicts = f"{numbers.ai_helpful:,} of {many(numbers.ai_rated, 'verdict')}"
        yield Fact("Helpful AI texts", percent(numbers.helpful_rate), verdicts)


def _lengths(label: str, lengths: Lengths) -> Fact:
    if not lengths.count:
        return Fact(label, NONE)
    return Fact(label, f"median {length(lengths.median)}", f"9 in 10 within {length(lengths.p90)}")


def of_agent(agent: AgentNumbers) -> str:
    """Returns one agent's metrics without the name."""
    parts = [f"{agent.taken:,} taken", f"{agent.resolved:,} resolved"]
    if agent.replied.count:
        parts.append(f"first reply after {length(agent.replied.median)} (median)")
    return " · ".join(parts)


def charts(numbers: Numbers, period: Period) -> Iterator[Chart]:
    """Yields escalations and median waits over the period; none without escalations.

    The slices of `numbers` may be several hours, days or months each.
    """
    per = _per(period)
    slices = [(_label(one.since, period.unit), one) for one in numbers.slices]
    if any(one.escalations for _, one in slices):
        yield Chart(
            f"Escalations per {per}",
            "Escalations",
            tuple(Point(at, one.escalations, f"{one.escalations:,}") for at, one in slices),
        )
    if any(one.waited is not None for _, one in slices):
        yield Chart(
            f"Median time in queue, per {per}",
            "Minutes",
            tuple(Point(at, _minutes(one.waited), length(one.waited)) for at, one in slices),
        )


def _label(at: datetime, unit: Unit) -> str:
    """Returns the start of a slice, unique within a period: a month with its year."""
    return {
        Unit.HOUR: f"{at:%H:%M}",
        Unit.DAY: f"{at.day} {at:%b}",
        Unit.MONTH: f"{at:%b %Y}",
    }[unit]


def _minutes(of: timedelta | None) -> float:
    return round(of.total_seconds() / 60, 1) if of else 0.0


def breakdown(numbers: Numbers) -> Table | None:
    """Returns the escalations by reason, priority and channel; None without escalations."""
    kinds = {
        "Reason": {reason_words(key): often for key, often in numbers.reasons.items()},
        "Priority": {key.capitalize(): often for key, often in numbers.priorities.items()},
        "Channel": {spelled(key): often for key, often in numbers.channels.items()},
    }
    rows = [
        (
            Cell(kind),
            Cell(name or "Unknown"),
            Cell(f"{often:,}", often),
            _part(often, numbers.escalations),
        )
        for kind, counts in kinds.items()
        for name, often in counts.items()
    ]
    columns = ("By", "Name", "Escalations", "Share")
    return (
        Table("Escalations by reason, priority and channel", columns, tuple(rows)) if rows else None
    )


def _part(part: int, whole: int) -> Cell:
    found = share(part, whole)
    return Cell(percent(found), round(100 * (found or 0.0), 1))


def of_agents(numbers: Numbers) -> Table | None:
    """Returns each agent's metrics; None without agents."""
    rows = [
        (
            Cell(agent.name or FORMER_AGENT),
            Cell(f"{agent.taken:,}", agent.taken),
            Cell(f"{agent.resolved:,}", agent.resolved),
            Cell(length(agent.replied.median), _minutes(agent.replied.median)),
        )
        for agent in numbers.agents
    ]
    columns = ("Agent", "Claimed", "Resolved", "First reply (median)")
    return Table("Agents", columns, tuple(rows)) if rows else None


def summary(numbers: Numbers, title: str, period: Period) -> str:
    """Returns the content of the charts in sentences."""
    per = _per(period)
    said = [f"{title}. {headline(numbers)}"]
    busiest = max(numbers.slices, key=lambda one: one.escalations, default=None)
    if busiest and busiest.escalations:
        said.append(f"Busiest {per}: {busiest.escalations:,}, {_moment(busiest.since, period)}.")
    waits = [one for one in numbers.slices if one.waited is not None]
    if len(waits) > 1:
        longest = max(waits, key=lambda one: one.waited or timedelta())
        said.append(
            f"Longest median wait: {length(longest.waited)}, {_moment(longest.since, period)}."
        )
    if numbers.reasons:
        said.append(f"Reasons: {_listed(numbers.reasons)}.")
    return " ".join(said)


def _per(period: Period) -> str:
    """Returns what one bar is: "day", "2 days"."""
    width = period.slice_width(MOST_POINTS)
    return f"{period.unit}" if width == 1 else f"{width} {period.unit}s"


def _moment(at: datetime, period: Period) -> str:
    label = _label(at, period.unit)
    if period.slice_width(MOST_POINTS) > 1:
        return f"from {label}"
    before = {Unit.HOUR: "at", Unit.DAY: "on", Unit.MONTH: "in"}
    return f"{before[period.unit]} {label}"


def _listed(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{reason_words(reason)} {often:,}" for reason, often in reasons.items())


def lines(numbers: Numbers, title: str) -> Iterator[str]:
    """Yields a report for a terminal."""
    yield f"{title}. {headline(numbers)}"
    for topic in topics(numbers):
        yield from ("", topic.title)
        for fact in topic.facts:
            yield f"  {fact.label:<28}{fact.value:>16}   {fact.more}".rstrip()
    reasons = {reason_words(reason): often for reason, often in numbers.reasons.items()}
    for name, counts in (
        ("Reasons", reasons),
        ("Priorities", numbers.priorities),
        ("Channels", numbers.channels),
    ):
        yield from _counted(name, counts, numbers.escalations)
    if numbers.agents:
        yield from ("", "Agents")
    for agent in numbers.agents:
        yield f"  {agent.name or f'Agent {agent.agent_id}':<28}{of_agent(agent)}"


def _counted(name: str, counts: Mapping[str, int], whole: int) -> Iterator[str]:
    if counts:
        yield from ("", name)
    for key, often in counts.items():
        yield f"  {key or 'Unknown':<28}{often:>16,}   {percent(share(often, whole))}"


def data(numbers: Numbers, title: str) -> dict[str, Any]:
    """Returns all metrics for programs: durations in seconds, shares from 0 to 1, null for no value."""
    rates = {name: getattr(numbers, name) for name in RATES}
    known = {key: _plain(value) for key, value in asdict(numbers).items()}
    return {"title": title} | known | rates


RATES = (
    "escalation_rate",
    "again_rate",
    "out_of_hours_rate",
    "briefly_rate",
    "not_needed_rate",
    "abandoned_rate",
    "in_time_rate",
    "helpful_rate",
    "rated",
    "rating",
)


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple | list) else value
