"""The SDK's client on connections that are kept open: by itself it opens one for each call."""

from __future__ import annotations

import io
import socket
from email.message import Message
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request

import urllib3
from slack_sdk import WebClient
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError as TransportError

MOST_IDLE = 16
"""Connections that are kept open: as many as threads call Slack at once."""
_PROBE_SECONDS = 20
"""An idle connection is probed this often: routers drop silent ones without a word."""
_ALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, option), value)
        for option, value in (
            ("TCP_KEEPIDLE", _PROBE_SECONDS),
            ("TCP_KEEPINTVL", 5),
            ("TCP_KEEPCNT", 3),
        )
        if hasattr(socket, option)  # each system names its own
    ),
)
# One for all clients of the process: Bolt makes a client for each request.
_CONNECTIONS = urllib3.PoolManager(
    maxsize=MOST_IDLE,
    retries=False,
    socket_options=[*HTTPConnection.default_socket_options, *_ALIVE],
)


class KeptAliveClient(WebClient):
    """Calls Slack as the SDK does, and raises what the SDK raises."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        if self.proxy or self.ssl:  # the SDK knows how to use them
            return super()._perform_urllib_http_request_internal(url, req)
        body = req.data if isinstance(req.data, bytes) else None  # the SDK makes no other
        try:
            answer = _CONNECTIONS.request(
                "POST",
                url,
                body=body,
                headers=req.headers,
                timeout=self.timeout,
                redirect=False,
            )
        except TransportError as error:
            raise URLError(_reason(error)) from error
        headers = Message()
        for name, value in answer.headers.items():
            headers[name] = value
        if answer.status >= 300:
            raise HTTPError(
                url, answer.status, answer.reason or "", headers, io.BytesIO(answer.data)
            )
        if headers.get_content_type() == "application/gzip":  # see `admin.analytics.getFile`
            return {"status": answer.status, "headers": headers, "body": answer.data}
        charset = headers.get_content_charset() or "utf-8"
        return {"status": answer.status, "headers": headers, "body": answer.data.decode(charset)}


def _reason(error: TransportError) -> BaseException:
    """What the system said, for it tells whether anything can have been sent."""
    said = (error.__cause__, *error.args)
    return next((each for each in said if isinstance(each, OSError)), error)
