"""Renders reports as text, for a period, a channel and an agent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

from handoff_bot.domain import report
from handoff_bot.domain.metrics import Numbers, Scope, share
from handoff_bot.domain.report import CHOICES, Fact, Topic
from handoff_bot.domain.signals import Priority
from handoff_bot.domain.text import many, percent
from handoff_bot.slack.cards.card import PRIORITIES
from handoff_bot.slack.kit.fields import ANY, labelled, menu, modal
from handoff_bot.slack.kit.text import (
    Block,
    actions,
    bullets,
    context,
    header,
    line,
    named,
    plain,
    rich,
    section,
    spelled,
    strong,
    words,
)

STATS = "stats"
MOST_AGENTS = 10
MOST_AGENTS_OFFERED, NAME_OFFERED = 60, 40
MOST_CHANNELS_OFFERED = 20
MOST_REASONS = 8
MOST_CHANNELS = 8
_NO_AGENT = "Former agent"


class StatsAction(StrEnum):
    """Action ids. A choice is its option's value, ANY for all."""

    SHOW = "stats_show"
    PICTURE = "stats_picture"
    PERIOD = "stats_period"
    CHANNEL = "stats_channel"
    AGENT = "stats_agent"


@dataclass(frozen=True)
class Choices:
    """The choices: channels by kind, agents by our number."""

    channels: tuple[str, ...] = ()
    agents: Mapping[int, str] = field(default_factory=dict)


NONE_KNOWN = Choices()


def render_stats(
    numbers: Numbers, scope: Scope, choices: Choices = NONE_KNOWN, banner: str = ""
) -> Block:
    """Renders the modal; `banner` is the result of the last click."""
    blocks = [*([section(banner)] if banner else ()), *_blocks(numbers, scope, choices)]
    return modal("Reports", blocks, callback_id=STATS)


def _blocks(numbers: Numbers, scope: Scope, choices: Choices) -> Iterator[Block]:
    yield actions(*_filters(numbers, scope, choices))
    yield header(report.title(scope))
    yield section(report.headline(numbers))
    for topic in report.topics(numbers):
        yield _topic(topic)
    yield from _lists(numbers)
    yield from _agents(numbers)
    yield actions(labelled(StatsAction.PICTURE, "Send me the chart", "chart"))
    yield context(plain(f"Based on the event log. Days start at midnight, {_zone(scope)}."))


def _zone(scope: Scope) -> str:
    return scope.period.timezone.replace("_", " ")


def _filters(numbers: Numbers, scope: Scope, choices: Choices) -> Iterator[Block]:
    periods = {choice.value: label for choice, label in CHOICES.items()}
    yield menu(StatsAction.PERIOD, "Period", periods, scope.period.choice or "")
    kinds = (*choices.channels[:MOST_CHANNELS_OFFERED], scope.channel)
    channels = {one: spelled(one) for one in kinds if one}
    every = {ANY: "All channels"}
    yield menu(StatsAction.CHANNEL, "All channels", every | channels, scope.channel or ANY)
    agents = dict(islice(_agents_offered(numbers, scope, choices), MOST_AGENTS_OFFERED))
    whose = str(scope.agent_id) if scope.agent_id else ANY
    yield menu(StatsAction.AGENT, "All agents", {ANY: "All agents"} | agents, whose)


def _agents_offered(numbers: Numbers, scope: Scope, choices: Choices) -> Iterator[tuple[str, str]]:
    """Lists the chosen agent, then the busiest ones, then the others: a menu has limited room."""
    busiest = (one.agent_id for one in numbers.agents)
    for number in dict.fromkeys((scope.agent_id, *busiest, *choices.agents)):
        if number:
            yield str(number), named(choices.agents.get(number, "") or _NO_AGENT, NAME_OFFERED)


def _topic(topic: Topic) -> Block:
    return rich(line(strong(topic.title)), bullets(*map(_fact, topic.facts)))


def _fact(fact: Fact) -> Block:
    more = f" ({fact.more})" if fact.more else ""
    return line(strong(f"{fact.label}: "), words(f"{fact.value}{more}", 300))


def _lists(numbers: Numbers) -> Iterator[Block]:
    if not numbers.escalations:
        return
    reasons = {report.reason_words(key): often for key, often in numbers.reasons.items()}
    yield _shares("Reasons", reasons, numbers.escalations, MOST_REASONS)
    priorities = {_priority(key): often for key, often in numbers.priorities.items()}
    yield _shares("Priorities", priorities, numbers.escalations, MOST_REASONS)
    channels = {spelled(key) or "Unknown": often for key, often in numbers.channels.items()}
    yield _shares("Channels", channels, numbers.escalations, MOST_CHANNELS)


def _priority(key: str) -> str:
    return PRIORITIES[Priority(key)] if key in set(Priority) else "Unknown"


def _shares(label: str, counts: Mapping[str, int], whole: int, most: int) -> Block:
    shown = [
        line(words(f"{key}: {often:,} · {percent(share(often, whole))}", 200))
        for key, often in list(counts.items())[:most]
    ]
    if len(counts) > most:
        shown.append(line(words(f"… and {len(counts) - most} more", 50)))
    return rich(line(strong(label)), bullets(*shown))


def _agents(numbers: Numbers) -> Iterator[Block]:
    if not numbers.agents:
        return
    shown = [
        line(words(f"{named(one.name or _NO_AGENT)}: {report.of_agent(one)}", 300))
        for one in numbers.agents[:MOST_AGENTS]
    ]
    rest = len(numbers.agents) - MOST_AGENTS
    if rest > 0:
        shown.append(line(words(f"… and {many(rest, 'agent')} more", 50)))
    yield rich(line(strong("Agents")), bullets(*shown))
