"""One connection: uvicorn's HTTP/1.1 protocol with deadlines, limits and buffered bodies."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from handoff_bot.domain.networks import network
from handoff_bot.serving.crowd import Crowd, Phase, Refused
from handoff_bot.serving.wsgi import Application, environ_of

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

LARGEST_HEAD = 32 * 1024
"""Maximum bytes of a request's head, including its URL."""
WRITE_SECONDS = 30.0
"""Time in which a client must accept a chunk of a response."""
SEND_BUFFER = 128 * 1024
"""Bytes of a response in the kernel's buffer. By default it holds megabytes and reports a slow
reader's progress only after a third of them.
"""
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
"""These methods have no body here, and a stream would hold it while it is open."""
_PHRASES = {400: b"Bad Request\n", 413: b"Content Too Large\n", 503: b"Service Unavailable\n"}

LargestBody = Callable[[str], int]
"""Maximum body size in bytes at this path."""


class Connection(H11Protocol):
    """Tracks its phase; `crowd`, `application` and `largest_body` are set by `serving`."""

    crowd: Crowd
    served: Application
    largest_body: LargestBody

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.app = self._answer  # uvicorn runs it for each request
        self.network = ""
        self.phase = Phase.HEAD
        self.since = self.loop.time()
        self.held = 0
        self._is_gone = False

    # -- called by asyncio and uvicorn

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        self.network = network(self.client[0]) if self.client else ""
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER
        )
        self.crowd.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        self._is_gone = True
        self.crowd.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Data has arrived."""
        if self.phase is Phase.IDLE:
            self._begin(Phase.HEAD)
        super().data_received(data)
        if self.phase is Phase.WORK and self.cycle:
            # Pipelining: browsers and proxies do not use it, and a thousand requests in one packet
            # are a flood.
            self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        """Invalid HTTP, or the head is too long."""
        self.crowd.count("malformed")
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.abort()

    def on_response_complete(self) -> None:
        """The response is sent; the connection may carry another request."""
        self._begin(Phase.IDLE)
        super().on_response_complete()

    def abort(self) -> None:
        """Closes without waiting."""
        self._is_gone = True
        self.transport.abort()

    def _begin(self, phase: Phase) -> None:
        self.phase, self.since = phase, self.loop.time()

    # -- one request

    async def _answer(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        self._begin(Phase.BODY)
        try:
            body = await self._body(scope, receive)
        except Refused as refused:
            self._begin(Phase.WORK)
            self.crowd.release(self)
            await _refuse(send, refused.status)
            return
        if body is None:
            return
        self._begin(Phase.WORK)
        if self.conn.trailing_data[0]:
            self.cycle.keep_alive = False  # as in data_received
        environ = environ_of(scope, body)
        del body
        try:
            await self._work(environ, send)
        finally:
            self.crowd.release(self)

    async def _body(self, scope: Any, receive: ASGIReceiveCallable) -> bytes | None:
        """Returns the whole body; None if the client is gone."""
        headers = dict(scope["headers"])
        if b"transfer-encoding" in headers and b"content-length" in headers:
            raise Refused(400)  # two lengths allow request smuggling past a proxy
        largest = self.largest_body(scope["path"]) if scope["method"] not in _BODILESS else 0
        if int(headers.get(b"content-length", b"0")) > largest:
            raise Refused(413)
        # Kept in chunks: growing one buffer moves it and leaves holes that no other body fits into.
        pieces, size, more = list[bytes](), 0, True
        while more:
            message: Any = await receive()
            if self._is_gone or message["type"] != "http.request":
                return None  # after a drop, its memory would never be released
            pieces.append(message["body"])
            size += len(message["body"])
            if size > largest:
                raise Refused(413)
            self.crowd.hold(self, len(message["body"]))
            more = message["more_body"]
        return b"".join(pieces)

    async def _work(self, environ: Any, send: ASGISendCallable) -> None:
        answer = await self.served.answer(environ)

        async def piece(data: bytes, more: bool) -> bool:
            return await self._send(
                send, {"type": "http.response.body", "body": data, "more_body": more}
            )

        start = {
            "type": "http.response.start",
            "status": answer.status,
            "headers": answer.headers,
        }
        await self._send(send, start)
        if answer.rest is None:
            await piece(answer.body, False)
        else:
            await self.served.send_rest(answer.rest, piece)

    async def _send(self, send: ASGISendCallable, message: Any) -> bool:
        """Returns False if the client is gone or does not accept data."""
        if self._is_gone:
            return False
        if not self.flow.write_paused:  # it returns at once
            await send(message)
            return not self._is_gone
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await send(message)
        except TimeoutError:
            self.crowd.drop(self, "reader too slow")
        return not self._is_gone


async def _refuse(send: ASGISendCallable, status: int) -> None:
    text = _PHRASES[status]
    headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text, "more_body": False})
