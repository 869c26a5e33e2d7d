"""Puts the listeners into a Bolt app. Building it, and running it, needs no call to Slack."""

from __future__ import annotations

import logging
from concurrent.futures import Executor

from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web import WebClient

from handoff_bot.slack.actions import Inbox
from handoff_bot.slack.listeners.arrivals import Arrivals
from handoff_bot.slack.listeners.click import Tools
from handoff_bot.slack.listeners.register import register

logger = logging.getLogger(__name__)


def build_bolt(
    *,
    client: WebClient,
    signing_secret: str,
    tools: Tools,
    inbox: Inbox,
    executor: Executor,
) -> App:
    """A Bolt app with all our listeners.

    Bolt would ask Slack who it is (`auth.test`) as soon as it had a token; so it gets none, and our
    listeners call Slack through the desk alone.

    Args:
        client: says where the Web API is, and which logger to use: below WARNING, Bolt logs whole
            requests. Its token is not used.
        signing_secret: "" when only Socket Mode is used.
        tools: what the listeners work with.
        inbox: where events are stored before they are acknowledged.
        executor: runs the listeners; each holds a thread until its last answer is out.
    """
    app = App(
        name="handoff",
        logger=client.logger,
        signing_secret=signing_secret,
        client=WebClient(base_url=client.base_url, timeout=client.timeout, retry_handlers=[]),
        authorize=_authorize,
        before_authorize=Arrivals(inbox),
        listener_executor=executor,
    )
    register(app, tools)
    app.error(_failed)
    return app


def _authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
    """Nobody to look up: there is one installation, and the signature was checked before."""
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)


def _failed(error: Exception) -> None:
    """Something broke, and Bolt answers 500: Slack sends events again, and says that a click failed."""
    logger.error("request failed", exc_info=error)
