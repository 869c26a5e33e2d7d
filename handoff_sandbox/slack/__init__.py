"""Slack's stand-in: a workspace on loopback, for the unmodified slack_sdk and Bolt.

Terms here are Slack's own: a `channel` is the id of a slack_channel, a `user` the id of a person in the
workspace. `state` holds the workspace, `api` answers the app's calls, and `ui` acts for people. `delivery`
brings all of it to the bot, and `validation` knows what Slack accepts.
"""

from handoff_sandbox.slack.delivery.deliveries import SLACKS_RETRIES, Delivery
from handoff_sandbox.slack.stand_in import SlackStandIn
from handoff_sandbox.slack.state.files import Attachment
from handoff_sandbox.slack.state.herald import SUBSCRIPTIONS
from handoff_sandbox.slack.ui.elements import Impossible
from handoff_sandbox.slack.ui.interacting import ClickResult
from handoff_sandbox.slack.ui.modals import Submission
from handoff_sandbox.slack.ui.suggesting import NoSuggestions

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
