"""Calls of Slack's Web API: keep-alive, scopes, and the first layout that Slack accepts."""

from __future__ import annotations

import io
import json
import logging
import socket
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from email.message import Message
from functools import lru_cache
from typing import Any, Protocol, TypeVar
from urllib.error import HTTPError, URLError
from urllib.request import Request

import urllib3
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError as TransportError
from urllib3.util import parse_url

from handoff_bot import spans
from handoff_bot.domain.errors import DeskLayout
from handoff_bot.slack.kit.text import ALERT, BASIC, Block, Form, without_alerts

logger = logging.getLogger(__name__)

# -- the app's scopes, with the purpose of each

NEEDED: dict[str, str] = {
    "channels:history": "to receive agents' messages in public channels",
    "channels:read": "to know when it is invited into a channel, and who is in it",
    "chat:write": "to post cards and messages",
    "commands": "for /handoff and the shortcuts",
    "files:read": "to send agents' files to customers",
    "files:write": "to show customers' files in threads",
    "groups:history": "to receive agents' messages in private channels",
    "groups:read": "to know when it is invited into a private channel, and who is in it",
    "pins:write": "to pin the board",
    "reactions:write": "to show the delivery status of replies",
    "users:read": "to know agents' names and roles",
}

OPTIONAL: dict[str, str] = {
    "chat:write.customize": "to show customers' messages under their names",
    "dnd:read": "to offer to agents in do-not-disturb last",
    "im:history": "to answer direct messages to the app",
    "usergroups:read": "to assign conversations to user groups, and to know their members",
}
"""Scopes that an installation may leave out."""


def missing(granted: Iterable[str], wanted: dict[str, str] = NEEDED) -> list[str]:
    """Returns a line for each scope that was not granted."""
    given = set(granted)
    return [f"{scope} ({why})" for scope, why in wanted.items() if scope not in given]


# -- keep-alive: the SDK opens a connection for each call by default

MOST_IDLE = 16
"""Idle connections to keep: as many as threads that call Slack."""
_PROBE_SECONDS = 20
"""Interval of keep-alive probes: routers drop silent connections without notice."""
_ALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, option), value)
        for option, value in (
            ("TCP_KEEPIDLE", _PROBE_SECONDS),
            ("TCP_KEEPINTVL", 5),
            ("TCP_KEEPCNT", 3),
        )
        if hasattr(socket, option)  # the option's name depends on the system
    ),
)
# One pool for all clients of the process: Bolt creates a client for each request.
_CONNECTIONS = urllib3.PoolManager(
    maxsize=MOST_IDLE,
    retries=False,
    socket_options=[*HTTPConnection.default_socket_options, *_ALIVE],
)


@lru_cache(maxsize=256)
def _connections(url: str) -> tuple[HTTPConnectionPool, str]:
    """Returns the server's connections and the path: to take an address apart costs time."""
    return _CONNECTIONS.connection_from_url(url), parse_url(url).request_uri


class BotToken:
    """A bot token that may be exchanged or revoked while clients use it.

    Attributes:
        value: "" after revocation. Calls then fail as if Slack had refused them, without asking it.
    """

    def __init__(self, value: str) -> None:
        self.value = value


_REVOKED = json.dumps({"ok": False, "error": "token_revoked"})


class KeptAliveClient(WebClient):
    """Calls Slack like the SDK's client, and raises the same errors.

    Args:
        token: of the bot; a BotToken is read at each call.
    """

    def __init__(self, token: str | BotToken | None = None, **options: Any) -> None:
        self._bot_token = token if isinstance(token, BotToken) else None
        super().__init__(token=token if isinstance(token, str) else None, **options)

    @property
    def token(self) -> str | None:
        """Returns the token of this moment."""
        return self._bot_token.value if self._bot_token else self._own_token

    @token.setter
    def token(self, token: str | None) -> None:
        self._own_token = token

    def without_retries(self, timeout: int) -> KeptAliveClient:
        """Returns a client with the same token that gives up after this many seconds."""
        return KeptAliveClient(
            token=self._bot_token or self.token,
            base_url=self.base_url,
            timeout=timeout,
            ssl=self.ssl,
            proxy=self.proxy,
            logger=self.logger,
            retry_handlers=[],
        )

    def api_call(self, api_method: str, **how: Any) -> SlackResponse:
        """Calls a method, as a span while tracing is on."""
        if spans.recorder is None:
            return super().api_call(api_method, **how)
        about = {"peer.service": "slack", "rpc.method": api_method}
        with spans.recorder.span(f"slack {api_method}", spans.Kind.CLIENT, about) as span:
            try:
                return super().api_call(api_method, **how)
            except SlackApiError as error:
                span.failed(*_failure(error.response))
                raise

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        if self._bot_token and not self._bot_token.value:
            return {"status": 200, "headers": {}, "body": _REVOKED}
        if self.proxy or self.ssl:  # the SDK passes them on
            return super()._perform_urllib_http_request_internal(url, req)
        body = req.data if isinstance(req.data, bytes) else None  # the SDK creates no other type
        try:
            pool, path = _connections(url)
            answer = pool.urlopen(
                "POST",
                path,
                body=body,
                headers=req.headers,
                timeout=self.timeout,
                retries=False,
                redirect=False,
            )
        except TransportError as error:
            raise URLError(_reason(error)) from error
        headers = dict(answer.headers.items())
        if answer.status >= 300:
            raise HTTPError(
                url, answer.status, answer.reason or "", _message(headers), io.BytesIO(answer.data)
            )
        kind, charset = _content(answer.headers.get("content-type", ""))
        if kind == "application/gzip":  # see `admin.analytics.getFile`
            return {"status": answer.status, "headers": headers, "body": answer.data}
        return {"status": answer.status, "headers": headers, "body": answer.data.decode(charset)}


def _message(headers: Mapping[str, str]) -> Message:
    made = Message()
    for name, value in headers.items():
        made[name] = value
    return made


@lru_cache(maxsize=16)
def _content(header: str) -> tuple[str, str]:
    """Returns the content's type and charset."""
    told = _message({"Content-Type": header})
    return told.get_content_type(), told.get_content_charset() or "utf-8"


def _reason(error: TransportError) -> BaseException:
    """The operating system's error tells whether anything can have been sent."""
    said = (error.__cause__, *error.args)
    return next((each for each in said if isinstance(each, OSError)), error)


# -- the first form of a message that Slack accepts, and the blocks that a workspace lacks
# Slack rolls out new types of blocks workspace by workspace: it may add what is lacking.

Said = TypeVar("Said")


class LackingBlocks(Protocol):
    """Remembers the newer types of blocks that the workspace does not have."""

    def known(self) -> Collection[str]: ...

    def add(self, types: Collection[str]) -> None: ...


class InMemory:
    """Remembers types until the process ends."""

    def __init__(self) -> None:
        self._types: set[str] = set()

    def known(self) -> Collection[str]:
        return self._types

    def add(self, types: Collection[str]) -> None:
        self._types.update(types)


class Layouts:
    """The forms for one workspace."""

    def __init__(self) -> None:
        self.lacking: LackingBlocks = InMemory()
        self._basic_lacking = InMemory()
        self._has_alerts = False

    def say(self, forms: Sequence[Form], say: Callable[[Form], Said]) -> Said:
        """Posts a message, in a plainer form each time Slack refuses its layout.

        Raises:
            DeskLayout: Slack refuses the plainest form as well.
        """
        remaining = [form for form in forms if self._is_known(form)]
        while True:
            form = remaining[0]
            try:
                return say(form)
            except DeskLayout as error:
                logger.warning("layout refused", extra={"code": error.code})
                self._learn(form, error)
                remaining = _plainer(remaining, error)
                if not remaining:
                    raise

    def show(self, view: Block, show: Callable[[Block], Said]) -> Said:
        """Shows a modal with alerts, as sections where the workspace has no alerts."""
        if ALERT in self.lacking.known():
            return show(without_alerts(view))
        try:
            shown = show(view)
        except DeskLayout:
            shown = show(without_alerts(view))
            self.lacking.add({ALERT})  # only now: the modal may have had another fault
            return shown
        self._has_alerts = True
        return shown

    def acknowledged(self, view: Block) -> Block:
        """Returns the modal for an acknowledgement. Slack does not say if it refuses one, so alerts
        stay only where a call has shown one.
        """
        is_known = self._has_alerts and ALERT not in self.lacking.known()
        return view if is_known else without_alerts(view)

    def _is_known(self, form: Form) -> bool:
        types = _types(form)
        if not types.isdisjoint(self._basic_lacking.known()):
            return False
        newer = types - BASIC
        return not newer or newer.isdisjoint(self.lacking.known())

    def _learn(self, form: Form, error: DeskLayout) -> None:
        """Remembers the blocks that the answer names; if it names none, all newer ones.

        Basic blocks that are not named are tried again: a card keeps its buttons.
        """
        types = _types(form)
        named = types & set(error.unsupported)
        self._basic_lacking.add(named & BASIC)
        newer = (named or types) - BASIC
        if newer and error.code in ("invalid_blocks", "invalid_arguments"):
            logger.info("workspace lacks blocks", extra={"types": sorted(newer)})
            self.lacking.add(newer)


def _types(form: Form) -> frozenset[str]:
    return frozenset(str(block.get("type")) for block in form.blocks or ())


def _plainer(forms: list[Form], error: DeskLayout) -> list[Form]:
    """Returns the forms left to try:

    without metadata if Slack refuses the metadata, otherwise the next ones.
    """
    if forms[0].is_marked and "metadata" in error.code:
        return [replace(form, is_marked=False) for form in forms]
    return forms[1:]


def _failure(answer: SlackResponse | dict[str, Any]) -> tuple[str, int]:
    """Returns Slack's error code and the HTTP status. The SDK gives a plain dictionary for no JSON."""
    code = answer.get("error")
    status = answer.get("status") if isinstance(answer, dict) else answer.status_code
    return (
        code if isinstance(code, str) else "unreadable",
        status if isinstance(status, int) else 0,
    )
