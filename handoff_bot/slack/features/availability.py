"""Agents' availability, and events about people who join, leave, or lose their rights."""

from __future__ import annotations

from slack_bolt import Ack

from handoff_bot.domain.desk import Button, Post, PostKind
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.roles import Action
from handoff_bot.domain.settings import number, time_zone, working_hours
from handoff_bot.services.escalations.availability import YOURS
from handoff_bot.services.escalations.offers import DECLINED
from handoff_bot.slack.cards.thread import render_post, render_words, settled
from handoff_bot.slack.feature import (
    Body,
    Click,
    Feature,
    SlashCommand,
    Subject,
    Tools,
    ephemeral,
    guarded,
    replace_message,
    submits,
)
from handoff_bot.slack.features import home
from handoff_bot.slack.features.home import Presence
from handoff_bot.slack.kit.fields import Entered
from handoff_bot.slack.kit.form import Form, Submission, stripped, text
from handoff_bot.slack.kit.text import SlackMessage

# -- commands

NOT_A_TIME = "Try /handoff off 30m, 2h, 14:30 or tomorrow."


AWAY, AWAY_UNTIL = "You're away.", "You're away until {moment}."


def on(tools: Tools, asked: SlashCommand) -> SlackMessage:
    """`/handoff on`."""
    agent = tools.desk.agent(asked.desk_id)
    tools.core.availability.come(agent, tools.desk.person(asked.desk_id).timezone)
    return render_words("You're available.")


def off(tools: Tools, asked: SlashCommand) -> SlackMessage:
    """`/handoff off`, `/handoff off 2h`."""
    return render_post(set_away(tools, asked.desk_id, asked.words))


def set_away(tools: Tools, desk_id: str, words: str) -> Post:
    """Sets an agent away until the time that these words say, "" for no end; returns the answer."""
    timezone = tools.desk.person(desk_id).timezone
    back = tools.moment_meant(words, desk_id)
    if words and back is None:
        return Post(PostKind.TOLD, NOT_A_TIME)
    tools.core.availability.leave(tools.desk.agent(desk_id), timezone, back)
    return Post(PostKind.TOLD, "").ended(AWAY_UNTIL, back) if back else Post(PostKind.TOLD, AWAY)


# -- hours and capacity


def _capacity(entered: Entered) -> int:
    """A number; empty means the team's default."""
    return int(number(0, 99)((stripped(entered) or "0",)))


CAPACITY = text(
    "my_capacity",
    "Capacity (open conversations)",
    most=3,
    hint="0 = the team's default",
    optional=True,
    current=lambda mine: str(mine.own_capacity),
).parsed(_capacity)
HOURS = text(
    "my_hours",
    "My hours",
    many_lines=True,
    most=600,
    hint="One per line, e.g. Mon-Fri 9-17 or Sat 10am-2pm. Leave empty for 24/7.",
    optional=True,
    current=lambda mine: "\n".join(mine.hours),
).parsed(working_hours)
TIMEZONE = text(
    "my_timezone",
    "My time zone",
    most=60,
    hint="E.g. Europe/Berlin",
    optional=True,
    current=lambda mine: mine.timezone,
).parsed(time_zone)
FORM: Form[None] = Form("Hours and capacity", "availability", (CAPACITY, HOURS, TIMEZONE))


def arrange(tools: Tools, click: Click, ack: Ack) -> None:
    """Opens the modal for hours and capacity."""
    ack()
    mine = tools.core.availability.of(tools.desk.agent(click.desk_id))
    tools.desk.open_view(click.trigger_id, FORM.render(None, mine))


def arranged(tools: Tools, entered: Submission[None], ack: Ack) -> None:
    """Saves hours and capacity, unless a value is not valid."""
    values = FORM.values(entered)
    agent = tools.desk.agent(entered.by)
    tools.core.availability.arrange(
        agent, values[CAPACITY.id], values[HOURS.id], values[TIMEZONE.id]
    )
    ack()
    home.publish(tools, agent.desk_id)


# -- Home


def come(tools: Tools, click: Click, ack: Ack) -> None:
    """The button "Set available"."""
    ack()
    agent = tools.desk.agent(click.desk_id)
    tools.core.availability.come(agent, tools.desk.person(click.desk_id).timezone)
    home.publish(tools, click.desk_id)


def leave(tools: Tools, click: Click, ack: Ack) -> None:
    """The button "Set away"."""
    ack()
    agent = tools.desk.agent(click.desk_id)
    tools.core.availability.leave(agent, tools.desk.person(click.desk_id).timezone, None)
    home.publish(tools, click.desk_id)


# -- offers


def accept(tools: Tools, click: Click, ack: Ack) -> None:
    """Accepts an offer, if no other agent has taken the conversation."""
    agent = tools.desk.agent(click.desk_id)
    outcome = tools.core.escalations.take(Step.CLAIM, click.number or 0, agent)
    ack()
    words = outcome.text or YOURS
    if outcome.done:
        replace_message(tools.desk, click, settled(click.blocks, words))
    else:
        ephemeral(tools.desk, click, words)


def decline(tools: Tools, click: Click, ack: Ack) -> None:
    """Declines an offer, so that the next agent gets it."""
    tools.core.offers.decline(click.number or 0, click.desk_id)
    ack()
    replace_message(tools.desk, click, settled(click.blocks, DECLINED))


# -- events about people who join, leave, or lose their rights


def changed(tools: Tools, body: Body) -> None:
    """A person was deactivated or became a guest; other changes are not stored."""
    user = body["event"].get("user")
    if isinstance(user, dict) and isinstance(user.get("id"), str):
        tools.core.owners.changed(user["id"])


def left(tools: Tools, body: Body) -> None:
    """A person left a Slack channel."""
    event = body["event"]
    user, slack_channel = event.get("user"), event.get("channel")
    if isinstance(user, str) and isinstance(slack_channel, str):
        tools.core.owners.changed(user, slack_channel)


FEATURE = Feature(
    clicks={
        Presence.COME: guarded(Action.USE, come),
        Presence.LEAVE: guarded(Action.USE, leave),
        Presence.ARRANGE: guarded(Action.USE, arrange),
        Button.ACCEPT.value: guarded(Action.CLAIM, accept, Subject.ESCALATION),
        Button.DECLINE.value: guarded(Action.CLAIM, decline, Subject.ESCALATION),
    },
    views={FORM.callback_id: guarded(Action.USE, submits(FORM, arranged))},
    commands={"on": guarded(Action.USE, on), "off": guarded(Action.USE, off)},
    help=(
        "/handoff on: set yourself as available",
        "/handoff off: set yourself as away (30m, 2h, 14:30, tomorrow)",
    ),
    events={
        "user_change": guarded(Action.REPORT, changed),
        "member_left_channel": guarded(Action.REPORT, left),
    },
)
