"""Socket Mode: Slack's requests come over a connection that we open, so no public address is needed."""

from __future__ import annotations

import logging
import threading

from slack_bolt import App
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.web import WebClient

logger = logging.getLogger(__name__)

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
