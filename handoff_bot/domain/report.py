"""Renders the metrics as text, for reports, messages and a picture's alternative text."""

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
from handoff_bot.domain.time_phrases import zone

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


def alt_text(numbers: Numbers, title: str, unit: Unit) -> str:
    """Returns the picture's alternative text."""
    said = [f"{title}. {headline(numbers)}"]
    busiest = max(numbers.slices, key=lambda one: one.escalations, default=None)
    if busiest and busiest.escalations:
        said.append(f"Busiest {unit}: {busiest.escalations:,}, {moment(busiest.since, unit)}.")
    waits = [one for one in numbers.slices if one.waited is not None]
    if len(waits) > 1:
        longest = max(waits, key=lambda one: one.waited or timedelta())
        said.append(
            f"Longest median wait: {length(longest.waited)}, {moment(longest.since, unit)}."
        )
    if numbers.reasons:
        said.append(f"Reasons: {_listed(numbers.reasons)}.")
    return " ".join(said)


def moment(at: datetime, unit: Unit) -> str:
    """Returns the label of an hour, a day or a month."""
    return {
        Unit.HOUR: f"at {at:%H:%M}",
        Unit.DAY: f"on {at.day} {at:%b}",
        Unit.MONTH: f"in {at:%b %Y}",
    }[unit]


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
