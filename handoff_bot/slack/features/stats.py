"""Reports: in a modal, and their chart as a direct message."""

from __future__ import annotations

import re
from dataclasses import replace

from slack_bolt import Ack

from handoff_bot.domain.metrics import Choice, Period, Scope
from handoff_bot.domain.roles import Action
from handoff_bot.services.reporting import metrics as metrics_report
from handoff_bot.slack.cards.thread import render_words
from handoff_bot.slack.click import Click, Tools, number
from handoff_bot.slack.feature import Feature, SlashCommand, guarded
from handoff_bot.slack.features.stats_blocks import Choices, StatsAction, render_stats
from handoff_bot.slack.kit.fields import ANY, modal
from handoff_bot.slack.kit.form import one, word_of
from handoff_bot.slack.kit.text import Block, SlackMessage, section, shorten

NOT_KNOWN = "Unknown: “{word}”. Use one or more of: {words}."
_MENTION = re.compile(r"<@([uw][a-z0-9]+)(?:\|[^>]*)?>")
ON_ITS_WAY = "You will get the chart as a direct message."


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
    number_ = tools.core.metrics.agent_id(mentioned[1].upper()) if mentioned else None
    return replace(scope, agent_id=number_) if number_ else None


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
    tools.core.reports.order(
        click.desk_id, metrics_report.FIGURES, metrics_report.order(scope), key
    )
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
