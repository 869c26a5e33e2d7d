"""The SDK's client with keep-alive: by default it opens a connection for each call."""

from __future__ import annotations

import io
import socket
from collections.abc import Mapping
from email.message import Message
from functools import lru_cache
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request

import urllib3
from slack_sdk import WebClient
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError as TransportError
from urllib3.util import parse_url

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


class KeptAliveClient(WebClient):
    """Calls Slack like the SDK's client, and raises the same errors."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
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
