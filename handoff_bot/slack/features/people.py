"""Events about people who join, leave, or lose their rights."""

from __future__ import annotations

from handoff_bot.domain.roles import Action
from handoff_bot.slack.click import Tools
from handoff_bot.slack.feature import Body, Feature, guarded


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
    events={
        "user_change": guarded(Action.REPORT, changed),
        "member_left_channel": guarded(Action.REPORT, left),
    }
)
