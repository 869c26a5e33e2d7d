"""A workspace with one app in it, on the wire as Slack is."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from handoff_bot.sandbox.server import Faults, Journal
from handoff_bot.sandbox.slack.herald import SUBSCRIPTIONS
from handoff_bot.sandbox.slack.inspection import Inspection
from handoff_bot.sandbox.slack.links import Courier, HttpLink, SocketLink
from handoff_bot.sandbox.slack.stage import Deliver
from handoff_bot.sandbox.slack.talking import Talking
from handoff_bot.sandbox.slack.tokens import Tokens
from handoff_bot.sandbox.slack.windows import Windows
from handoff_bot.sandbox.slack.workspace import App, Clock, Workspace

APP = App(app_id="A0SBXHANDOFF", bot_id="B0SBXHANDOFF", user_id="U0SBXHANDOFF", name="handoff")
TEAM = "T0SBXTEAM"
"""Ids that look like Slack's and can be told from real ones."""


class SlackStandIn(Talking, Windows, Inspection):
    """Slack, for the unchanged slack_sdk and Bolt: `WebClient(token=…, base_url=slack.api_url)`.

    Args:
        journal, faults: shared with other stand-ins; their own if None.
        port: 0 for any free one.
        bot_token, app_token, signing_secret: what the bot must use; nothing else is accepted.
        events_url: the bot's request URL for events, interactions and commands. "" lets everything go
            through Socket Mode. May be set later, as `events_url`.
        subscriptions: names as in a manifest's `bot_events`; other events are not sent.
        deliver: "sync" lets what people do return only when the bot has heard of it.
        retries: seconds after a failed delivery of an event until the next attempt, for each retry.
        enforce_limits: answer 429 as Slack's tiers say.
        now: seconds since the epoch.
    """

    def __init__(
        self,
        journal: Journal | None = None,
        faults: Faults | None = None,
        *,
        port: int = 0,
        bot_token: str = "xoxb-sandbox",  # noqa: S107 - opens nothing but this stand-in
        app_token: str = "xapp-sandbox",  # noqa: S107 - the same
        signing_secret: str = "sandbox-signing-secret",  # noqa: S107 - the same
        events_url: str = "",
        subscriptions: Iterable[str] = SUBSCRIPTIONS,
        deliver: Deliver = "queue",
        retries: Sequence[float] = (0.0, 0.2, 1.0),
        enforce_limits: bool = False,
        now: Clock = time.time,
    ) -> None:
        self.journal, self.faults = journal or Journal(), faults or Faults()
        self.bot_token, self.app_token, self.signing_secret = bot_token, app_token, signing_secret
        self.team_id, self.app_identity, self.bot_user = TEAM, APP, APP.user_id
        self.tokens = Tokens(bot_token, app_token)
        workspace = Workspace(TEAM, "sandbox", APP, now)
        self._http = HttpLink(signing_secret, events_url, self.journal)
        self._socket = SocketLink(APP.app_id, self.journal)
        courier = Courier(self._http, self._socket)
