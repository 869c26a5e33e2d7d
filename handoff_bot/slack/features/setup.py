"""Onboarding in Slack: invited to a channel, the bot asks how to use it."""

from __future__ import annotations

from slack_bolt import Ack

from handoff_bot.domain.desk import Button
from handoff_bot.domain.roles import Action
from handoff_bot.services.outbox.slack_channels import Purpose
from handoff_bot.slack.cards.thread import settled
from handoff_bot.slack.click import Click, Tools, replace
from handoff_bot.slack.client.scopes import missing
from handoff_bot.slack.feature import Body, ClickListener, Feature, guarded
from handoff_bot.slack.features.admins import by_admins


def invited(tools: Tools, body: Body) -> None:
    """A person joined a channel; if it is the bot, it asks how to use the channel."""
    event = body["event"]
    tools.desk.directory.forget_channel(str(event["channel"]))
    if event.get("user") != tools.desk.own_id():
        return
    granted = tools.desk.scopes()
    lacking = missing(granted) if granted else []
    event_id = str(body.get("event_id") or event.get("event_ts") or "")
    by = str(event.get("inviter") or "")
    tools.core.desk_channels.joined(str(event["channel"]), by, lacking, event_id)


def _chosen(purpose: Purpose) -> ClickListener:
    def listener(tools: Tools, click: Click, ack: Ack) -> None:
        outcome = tools.core.desk_channels.choose(click.value, purpose, click.desk_id)
        ack()
        replace(tools.desk, click, settled(click.blocks, outcome.text))

    return listener


FEATURE = Feature(
    clicks={
        Button.QUEUE_HERE.value: by_admins(_chosen(Purpose.QUEUE)),
        Button.URGENT_HERE.value: by_admins(_chosen(Purpose.URGENT)),
        Button.NOT_HERE.value: by_admins(_chosen(Purpose.NONE)),
    },
    events={"member_joined_channel": guarded(Action.REPORT, invited)},
)
