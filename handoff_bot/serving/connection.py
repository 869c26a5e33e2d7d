"""One connection: uvicorn's HTTP/1.1 protocol, with deadlines, bounds, and bodies read before they count."""

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
"""Bytes of a request's head, its address included."""
WRITE_SECONDS = 30.0
"""In which a client must take a piece of an answer."""
SEND_BUFFER = 128 * 1024
"""Bytes that the kernel keeps of an answer. Left to itself it keeps megabytes, and tells us of a slow
reader's progress only when a third of them has gone."""
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Nothing of ours reads a body of these, and a stream would hold it for as long as it is open."""
_PHRASES = {400: b"Bad Request\n", 413: b"Content Too Large\n", 503: b"Service Unavailable\n"}

LargestBody = Callable[[str], int]
"""Bytes of a body at this path."""


class Connection(H11Protocol):
    """Knows its phase; `crowd`, `application` and `largest_body` are set by `serving`."""

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

    # -- what asyncio and uvicorn tell

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        super().connection_made(transport)
        self.network = network(self.client[0]) if self.client else ""
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER
        )
        self.crowd.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has left, or was dropped."""
        self._is_gone = True
        self.crowd.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes of it."""
        if self.phase is Phase.IDLE:
            self._begin(Phase.HEAD)
        super().data_received(data)
        if self.phase is Phase.WORK and self.cycle:
            # Pipelining: no browser and no proxy does it, and a thousand requests in one packet are a flood.
            self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        """It does not speak HTTP, or its head is too long."""
        self.crowd.count("malformed")
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.abort()

    def on_response_complete(self) -> None:
        """The answer is written; the same connection may bring a further request."""
        self._begin(Phase.IDLE)
        super().on_response_complete()

    def abort(self) -> None:
        """Close without waiting for anything."""
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
        """The whole body; None when the client has gone."""
        headers = dict(scope["headers"])
        if b"transfer-encoding" in headers and b"content-length" in headers:
            raise Refused(400)  # two lengths are how requests are smuggled past a proxy
        largest = self.largest_body(scope["path"]) if scope["method"] not in _BODILESS else 0
        if int(headers.get(b"content-length", b"0")) > largest:
            raise Refused(413)
        # In pieces as they come: one that grows is moved, and leaves holes that no other body fits into.
        pieces, size, more = list[bytes](), 0, True
        while more:
            message: Any = await receive()
            if self._is_gone or message["type"] != "http.request":
                return None  # once it is dropped, nobody would release what it holds
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
        """False when the client has gone, or does not take what it is sent."""
        if self._is_gone:
            return False
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
