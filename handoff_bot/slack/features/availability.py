"""Agents' availability: commands, buttons in the Home tab, and answers to offers."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack

from handoff_bot.domain.desk import Button
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.roles import Action
from handoff_bot.domain.settings import Parse, number, time_zone, working_hours
from handoff_bot.slack.cards.thread import render_words, settled
from handoff_bot.slack.click import Click, Tools, ephemeral, replace, sender
from handoff_bot.slack.feature import Body, Feature, SlashCommand, Subject, guarded
from handoff_bot.slack.features import queue
from handoff_bot.slack.features.availability_blocks import (
    ARRANGE,
    CAPACITY,
    HOURS,
    TIMEZONE,
    Presence,
    render_arrangement,
)
from handoff_bot.slack.kit.form import filled_in, held
from handoff_bot.slack.kit.text import SlackMessage, context, moment, mrkdwn

NOT_A_TIME = "Try /handoff off 30m, 2h, 14:30 or tomorrow."
TAKEN = "This conversation is now assigned to you."
DECLINED = "Declined. The next agent is asked."


def on(tools: Tools, asked: SlashCommand) -> SlackMessage:
    """`/handoff on`."""
    agent = tools.desk.agent(asked.desk_id)
    tools.core.availability.come(agent, tools.desk.person(asked.desk_id).timezone)
    return render_words("You're available.")


def off(tools: Tools, asked: SlashCommand) -> SlackMessage:
    """`/handoff off`, `/handoff off 2h`."""
    timezone = tools.desk.person(asked.desk_id).timezone
    back = tools.moment_meant(asked.words, asked.desk_id)
    if asked.words and back is None:
        return render_words(NOT_A_TIME)
    tools.core.availability.leave(tools.desk.agent(asked.desk_id), timezone, back)
    if back is None:
        return render_words("You're away.")
    words = f"You're away until {moment(back)}."
    return SlackMessage(words, [context(mrkdwn(words))])


# -- Home


def come(tools: Tools, click: Click, ack: Ack) -> None:
    """The button "Set available"."""
    ack()
    agent = tools.desk.agent(click.desk_id)
    tools.core.availability.come(agent, tools.desk.person(click.desk_id).timezone)
    queue.publish(tools, click.desk_id)


def leave(tools: Tools, click: Click, ack: Ack) -> None:
    """The button "Set away"."""
    ack()
    agent = tools.desk.agent(click.desk_id)
    tools.core.availability.leave(agent, tools.desk.person(click.desk_id).timezone, None)
    queue.publish(tools, click.desk_id)


def arrange(tools: Tools, click: Click, ack: Ack) -> None:
    """Opens the modal for hours and capacity."""
    ack()
    mine = tools.core.availability.of(tools.desk.agent(click.desk_id))
    tools.desk.open_view(click.trigger_id, render_arrangement(mine))


def arranged(tools: Tools, body: Body, ack: Ack) -> None:
    """Saves hours and capacity, unless a value is not valid."""
    state = filled_in(body)
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for field, parse in _FIELDS.items():
        try:
            values[field] = parse(held(state, field))
        except ValueError as error:
            errors[field] = str(error)
    if errors:
        ack(response_action="errors", errors=errors)
        return
    agent = tools.desk.agent(sender(body))
    tools.core.availability.arrange(agent, values[CAPACITY], values[HOURS], values[TIMEZONE])
    ack()
    queue.publish(tools, agent.desk_id)


def _capacity(typed: tuple[str, ...]) -> int:
    """A number; empty means the team's default."""
    return int(number(0, 99)(("".join(typed).strip() or "0",)))


_FIELDS: dict[str, Parse] = {CAPACITY: _capacity, HOURS: working_hours, TIMEZONE: time_zone}


# -- offers


def accept(tools: Tools, click: Click, ack: Ack) -> None:
    """Accepts an offer, if no other agent has taken the conversation."""
    agent = tools.desk.agent(click.desk_id)
    outcome = tools.core.escalations.take(Step.CLAIM, click.number or 0, agent)
    ack()
    words = outcome.text or TAKEN
    if outcome.done:
        replace(tools.desk, click, settled(click.blocks, words))
    else:
        ephemeral(tools.desk, click, words)


def decline(tools: Tools, click: Click, ack: Ack) -> None:
    """Declines an offer, so that the next agent gets it."""
    tools.core.offers.decline(click.number or 0, click.desk_id)
    ack()
    replace(tools.desk, click, settled(click.blocks, DECLINED))


FEATURE = Feature(
    clicks={
        Presence.COME: guarded(Action.USE, come),
        Presence.LEAVE: guarded(Action.USE, leave),
        Presence.ARRANGE: guarded(Action.USE, arrange),
        Button.ACCEPT.value: guarded(Action.CLAIM, accept, Subject.ESCALATION),
        Button.DECLINE.value: guarded(Action.CLAIM, decline, Subject.ESCALATION),
    },
    views={ARRANGE: guarded(Action.USE, arranged)},
    commands={"on": guarded(Action.USE, on), "off": guarded(Action.USE, off)},
    help=(
        "/handoff on: set yourself as available",
        "/handoff off: set yourself as away (30m, 2h, 14:30, tomorrow)",
    ),
)
