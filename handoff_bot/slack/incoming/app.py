"""Registers the listeners with a Bolt app. Building and running it makes no call to Slack."""

from __future__ import annotations

import logging
from concurrent.futures import Executor

from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web import WebClient

from handoff_bot.jobs.inbox import Inbox
from handoff_bot.slack.click import Tools
from handoff_bot.slack.incoming.arrivals import Arrivals
from handoff_bot.slack.incoming.register import register

logger = logging.getLogger(__name__)


def build_bolt(
    *,
    client: WebClient,
    signing_secret: str,
    tools: Tools,
    inbox: Inbox,
    executor: Executor,
) -> App:
    """Returns a Bolt app with all listeners.

    With a token, Bolt would call `auth.test` on every start. It gets none: the listeners call Slack
    through the desk.

    Args:
        client: has the Web API's address and the logger. Below WARNING, Bolt logs whole requests. Its
            token is not used.
        signing_secret: "" for Socket Mode only.
        tools: what the listeners work with.
        inbox: stores events before they are acknowledged.
        executor: runs the listeners; each occupies a thread until its last response is sent.
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
    """There is one installation, and the signature is already checked, so nothing is looked up."""
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)


def _failed(error: Exception) -> None:
    """Answers 500, so that Slack retries an event, or tells the user that the click failed."""
    logger.error("request failed", exc_info=error)
