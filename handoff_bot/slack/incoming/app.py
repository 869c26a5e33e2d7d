"""The Bolt app, and its doors: HTTP and Socket Mode. Building it makes no call to Slack."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Executor

from flask import Blueprint, Response, request
from slack_bolt import App
from slack_bolt.adapter.flask.handler import to_flask_response
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request import BoltRequest
from slack_sdk.errors import SlackClientError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.builtin import SocketModeClient
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


_LONGEST_TIMESTAMP = 20


def slack_events(bolt: App, signing_secret: str) -> Blueprint:
    """Returns the route. It checks the signature before anything is parsed; Bolt checks it again.

    Args:
        bolt: handles the requests.
        signing_secret: "" refuses every request, because Socket Mode is in use.
    """
    blueprint = Blueprint("slack", __name__)

    @blueprint.post("/slack/events")
    def receive() -> Response:
        body = _readable(request.get_data(cache=False))
        if body is None:
            return _refused(400, "The body must be UTF-8.")
        if not _is_signed(body, signing_secret):
            return _refused(401, "The signature is not valid.")
        parsed = _parsed(body)
        if parsed is None:
            return _refused(400, "The body cannot be read.")
        return to_flask_response(bolt.dispatch(parsed))

    return blueprint


def _readable(body: bytes) -> str | None:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _is_signed(body: str, signing_secret: str) -> bool:
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    signature = request.headers.get("X-Slack-Signature", "")
    is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < _LONGEST_TIMESTAMP
    if not (signing_secret and is_number and signature.isascii()):
        return False
    return SignatureVerifier(signing_secret).is_valid(body, timestamp, signature)


def _parsed(body: str) -> BoltRequest | None:
    """Returns Bolt's request; None if the body is neither a JSON object nor a form with one."""
    try:
        return BoltRequest(
            body=body,
            query=request.query_string.decode("latin-1"),
            headers=dict(request.headers),
        )
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return None


def _refused(status: int, words: str) -> Response:
    logger.warning("slack request refused", extra={"status": status})
    return Response(f"{words}\n", status, mimetype="text/plain")


TIMEOUT = 10
LONGEST_PAUSE = 60.0


class SocketMode:
    """Keeps one connection. The SDK reconnects a broken one;

    the first attempt is repeated until it succeeds.
    """

    def __init__(self, client: SocketModeClient, first_pause: float) -> None:
        self._client = client
        self._first_pause = first_pause
        self._closing = threading.Event()
        self._opening = threading.Thread(target=self._open, name="slack-socket", daemon=True)

    def start(self) -> None:
        """Connects in the background."""
        self._opening.start()

    def is_connected(self) -> bool:
        """Whether the connection is open."""
        return bool(self._client.is_connected())

    def close(self) -> None:
        """Disconnects, and ends every thread."""
        self._closing.set()
        self._opening.join(TIMEOUT)
        self._client.close()

    def _open(self) -> None:
        pause = self._first_pause
        while not self._closing.is_set():
            try:
                self._client.connect_to_new_endpoint()
            except (OSError, SlackClientError) as error:
                logger.warning("socket mode not connected", extra={"why": type(error).__name__})
            if self._client.is_connected():
                logger.info("socket mode connected")
                return
            self._closing.wait(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)


def start_socket_mode(
    app: App,
    app_token: str,
    base_url: str,
    *,
    sdk_logger: logging.Logger | None = None,
    concurrency: int = 16,
    first_pause: float = 1.0,
) -> SocketMode:
    """Connects an app to Slack by Socket Mode; requests arrive as over HTTP.

    Args:
        app: handles the requests.
        app_token: `xapp-…`, with the scope connections:write.
        base_url: the Web API's address.
        sdk_logger: the SDK's; below WARNING it logs whole requests.
        concurrency: how many requests are handled at once.
        first_pause: seconds until the second attempt to connect; each later pause is twice as long.
    """
    client = WebClient(base_url=base_url, timeout=TIMEOUT, logger=sdk_logger, retry_handlers=[])
    handler = SocketModeHandler(
        app, app_token, logger=sdk_logger, web_client=client, concurrency=concurrency
    )
    mode = SocketMode(handler.client, first_pause)
    mode.start()
    return mode
