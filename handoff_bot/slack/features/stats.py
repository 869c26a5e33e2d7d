"""Reports: in a modal, and as charts and tables in direct messages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice

from slack_bolt import Ack

from handoff_bot.domain import report
from handoff_bot.domain.metrics import Choice, Numbers, Period, Scope, share
from handoff_bot.domain.report import CHOICES, Fact, Topic
from handoff_bot.domain.roles import Action
from handoff_bot.domain.signals import Priority
from handoff_bot.domain.text import many, percent
from handoff_bot.services.reporting.metrics import FIGURES, order
from handoff_bot.slack.cards.card import PRIORITIES
from handoff_bot.slack.cards.thread import render_words
from handoff_bot.slack.feature import Click, Feature, SlashCommand, Tools, guarded, number
from handoff_bot.slack.kit.fields import ANY, labelled, menu, modal
from handoff_bot.slack.kit.form import one, word_of
from handoff_bot.slack.kit.text import (
    Block,
    SlackMessage,
    actions,
    bullets,
    context,
    header,
    line,
    named,
    plain,
    rich,
    section,
    shorten,
    spelled,
    strong,
    words,
)

NOT_KNOWN = "Unknown: “{word}”. Use one or more of: {words}."
STATS = "stats"
_MENTION = re.compile(r"<@([uw][a-z0-9]+)(?:\|[^>]*)?>")
ON_ITS_WAY = "You will get the chart as a direct message."
MOST_AGENTS = 10
MOST_AGENTS_OFFERED, NAME_OFFERED = 60, 40
MOST_CHANNELS_OFFERED = 20
MOST_REASONS = 8
MOST_CHANNELS = 8


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

    yield menu(StatsAction.PERIOD, "Period", CHOICES, scope.period.choice or "")
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
    for agent_id in dict.fromkeys((scope.agent_id, *busiest, *choices.agents)):
        if agent_id:
            yield (
                str(agent_id),
                named(choices.agents.get(agent_id, "") or report.FORMER_AGENT, NAME_OFFERED),
            )


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
        line(words(f"{named(one.name or report.FORMER_AGENT)}: {report.of_agent(one)}", 300))
        for one in numbers.agents[:MOST_AGENTS]
    ]
    rest = len(numbers.agents) - MOST_AGENTS
    if rest > 0:
        shown.append(line(words(f"… and {many(rest, 'agent')} more", 50)))
    yield rich(line(strong("Agents")), bullets(*shown))


def in_words(tools: Tools, asked: SlashCommand) -> SlackMessage | None:
    """`/handoff stats`, `/handoff stats today sms @agent`, in any order."""
    scope = Scope(_period(tools, Choice.WEEK, asked.desk_id))
    for word in asked.words.lower().split():
        known = _narrowed(tools, scope, word, asked.desk_id)
        if known is None:
            return render_words(NOT_KNOWN.format(word=shorten(word, 40), words=_words_known(tools)))
        scope = known
    _open(tools, asked.trigger_id, scope)
    return None


def _period(tools: Tools, choice: Choice, desk_id: str) -> Period:
    return tools.core.metrics.period(choice, tools.desk.person(desk_id).timezone)


def _narrowed(tools: Tools, scope: Scope, word: str, desk_id: str) -> Scope | None:
    """Narrows the scope by a word: a period, a channel or an agent; None for an unknown word."""
    choice = word_of(Choice, word)
    if choice:
        return replace(scope, period=_period(tools, choice, desk_id))
    if word in tools.core.metrics.channels():
        return replace(scope, channel=word)
    mentioned = _MENTION.fullmatch(word)
    agent_id = tools.core.metrics.agent_id(mentioned[1].upper()) if mentioned else None
    return replace(scope, agent_id=agent_id) if agent_id else None


def _words_known(tools: Tools) -> str:
    return ", ".join([*Choice, *tools.core.metrics.channels(), "@agent with conversations"])


def show(tools: Tools, click: Click, ack: Ack) -> None:
    """The button in the Home tab."""
    ack()
    _open(tools, click.trigger_id, Scope(_period(tools, Choice.WEEK, click.desk_id)))


def _open(tools: Tools, trigger_id: str, scope: Scope) -> None:
    view_id = tools.desk.open_view(trigger_id, modal("Reports", [section("Computing…")]))
    tools.desk.update_view(view_id, _rendered(tools, scope))


def filtered(tools: Tools, click: Click, ack: Ack) -> None:
    """Another period, channel or agent."""
    ack()
    tools.desk.update_view(click.view_id, _rendered(tools, _scope(tools, click)))


def picture(tools: Tools, click: Click, ack: Ack) -> None:
    """Sends the chart of the modal's scope."""
    ack()
    scope = _scope(tools, click)
    key = f"{click.desk_id}:{click.trigger_id}"
    tools.core.reports.order(click.desk_id, FIGURES, order(scope), key)
    tools.desk.update_view(click.view_id, _rendered(tools, scope, ON_ITS_WAY))


def _rendered(tools: Tools, scope: Scope, banner: str = "") -> Block:
    metrics = tools.core.metrics
    choices = Choices(metrics.channels(), metrics.agents())
    return render_stats(metrics.numbers(scope), scope, choices, banner)


def _scope(tools: Tools, click: Click) -> Scope:
    """Parses the menus of the modal; an unknown value means all."""
    choice = word_of(Choice, one(click.state, StatsAction.PERIOD)) or Choice.WEEK
    period = tools.core.metrics.period(choice, tools.desk.person(click.desk_id).timezone)
    channel = one(click.state, StatsAction.CHANNEL)
    agent_id = number(one(click.state, StatsAction.AGENT)) or 0
    return Scope(period, "" if channel == ANY else channel, agent_id)


FEATURE = Feature(
    clicks={
        StatsAction.SHOW: guarded(Action.USE, show),
        StatsAction.PICTURE: guarded(Action.USE, picture),
        StatsAction.PERIOD: guarded(Action.USE, filtered),
        StatsAction.CHANNEL: guarded(Action.USE, filtered),
        StatsAction.AGENT: guarded(Action.USE, filtered),
    },
    commands={"stats": guarded(Action.USE, in_words)},
    help=(
        "/handoff stats: reports on escalations, reasons and waiting times (today, sms, @agent)",
    ),
)
