"""Slack's stand-in: a whole workspace on loopback, for the unchanged slack_sdk and Bolt.

Words here are Slack's own, since this is Slack: a `channel` is the id of a slack_channel, a `user` the id of
somebody in the workspace. State is in `workspace`, what the app calls in the `*_methods`, what people do
in `talking`, `interacting` and `windows`; `links` and `deliveries` bring it to the bot.
"""

from handoff_sandbox.slack.deliveries import SLACKS_RETRIES, Delivery
from handoff_sandbox.slack.elements import Impossible
from handoff_sandbox.slack.files import Attachment
from handoff_sandbox.slack.herald import SUBSCRIPTIONS
from handoff_sandbox.slack.interacting import ClickResult
from handoff_sandbox.slack.stand_in import SlackStandIn
from handoff_sandbox.slack.suggesting import NoSuggestions
from handoff_sandbox.slack.windows import Submission

__all__ = [
    "SLACKS_RETRIES",
    "SUBSCRIPTIONS",
    "Attachment",
    "ClickResult",
    "Delivery",
    "Impossible",
    "NoSuggestions",
    "SlackStandIn",
    "Submission",
]
