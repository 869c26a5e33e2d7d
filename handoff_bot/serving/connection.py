"""Connections: uvicorn's HTTP/1.1 protocol with deadlines and limits, and all that a process has open."""

from __future__ import annotations

import asyncio
import enum
import logging
import math
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from handoff_bot.domain.web_requests import network
from handoff_bot.serving.wsgi import Application, environ_of

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope


logger = logging.getLogger(__name__)

# -- all open connections of a process: number, deadlines, memory of their bodies
# A connection without a complete request may be dropped at any time. At a limit, the longest
# waiting one makes room for the newest, so that slow clients cannot block a webhook, not even from
# the same address. A connection with a request in progress is never dropped to make room.

HEAD_SECONDS = 10.0
"""From the connection, or the first byte of a further request, to the end of the request's head."""
BODY_SECONDS = 10.0
"""For a request's body, plus its transfer time at SLOWEST."""
SLOWEST = 16 * 1024
"""Bytes per second: slower than a mobile phone with a bad connection."""
KEEP_ALIVE = 30
"""Seconds between two requests of one connection."""
FLUSHED = 5.0
"""Seconds after KEEP_ALIVE in which a closed connection must have received the rest of its response."""
STOP_SECONDS = 3.0
"""For requests that are still arriving when the process stops."""

MOST_EACH = 200
"""Connections per address; enough for an office with 100 streams and their requests."""
MOST_HELD = 64 * 1024 * 1024
"""Bytes of all bodies before the largest arriving one is dropped."""
SMALL = 256 * 1024
"""Bodies up to this size are never refused because of others; every webhook is smaller."""
REPORT_SECONDS = 60.0
"""Interval of log lines about dropped connections: one line each would be an attack by itself."""


class Phase(enum.Enum):
    """Phase of a connection."""

    HEAD = "head"
    BODY = "body"
    WORK = "work"
    IDLE = "idle"


class Refused(Exception):
    """Ends a request with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Member(Protocol):
    """One connection."""

    network: str
    phase: Phase
    since: float
    held: int

    def abort(self) -> None:
        """Closes without waiting."""


class Crowd:
    """Only used by the event loop's thread.

    Args:
        most: connections of the process.
        most_each: connections per address; 0 for no limit.
    """

    def __init__(self, most: int, most_each: int = MOST_EACH) -> None:
        self._most = most
        self._most_each = most_each
        self._members: dict[Member, None] = {}
        self._of_network: Counter[str] = Counter()
        self._held = 0
        self._dropped: Counter[str] = Counter()
        self._reported_at = -math.inf
        self._stop_at = math.inf

    def enter(self, member: Member) -> None:
        """Adds a connection; it may displace another one or be refused."""
        self._members[member] = None
        self._of_network[member.network] += 1
        if 0 < self._most_each < self._of_network[member.network]:
            same = (one for one in self._members if one.network == member.network)
            self._make_room(same, member, "too many of one address")
        if len(self._members) > self._most:
            self._make_room(iter(self._members), member, "too many")

    def _make_room(self, among: Iterator[Member], newest: Member, why: str) -> None:
        waiting = [one for one in among if one.phase is not Phase.WORK and one is not newest]
        self.drop(min(waiting, key=lambda one: one.since, default=newest), why)

    def leave(self, member: Member) -> None:
        """Removes a connection; safe to repeat."""
        if member not in self._members:
            return
        del self._members[member]
        self._of_network[member.network] -= 1
        if not self._of_network[member.network]:
            del self._of_network[member.network]
        self.release(member)

    def drop(self, member: Member, why: str) -> None:
        """Closes a connection at once."""
        self._dropped[why] += 1
        self.leave(member)
        member.abort()

    def count(self, why: str) -> None:
        """Counts an event for the report about dropped connections."""
        self._dropped[why] += 1

    # -- bodies

    def hold(self, member: Member, size: int) -> None:
        """Counts received bytes of a body.

        Raises:
            Refused: no room for a body of this size now.
        """
        member.held += size
        self._held += size
        while self._held > MOST_HELD:
            arriving = (one for one in self._members if one.phase is Phase.BODY)
            largest = max(arriving, key=lambda one: one.held, default=member)
            if largest is member:
                if member.held > SMALL:
                    raise Refused(503)
                return
            self.drop(largest, "bodies too large")

    def release(self, member: Member) -> None:
        """Releases a body."""
        self._held -= member.held
        member.held = 0

    # -- deadlines

    def sweep(self, now: float) -> None:
        """Drops overdue connections. Called every second."""
        late = [one for one in self._members if self._deadline(one) < now]
        for member in late:
            self.drop(member, f"{member.phase.value} too slow")
        if self._dropped and now - self._reported_at >= REPORT_SECONDS:
            logger.warning("connections dropped", extra={"reasons": dict(self._dropped)})
            self._dropped.clear()
            self._reported_at = now

    def stop(self, now: float) -> None:
        """Stops: requests that do not arrive soon are dropped."""
        self._stop_at = now + STOP_SECONDS

    def _deadline(self, member: Member) -> float:
        match member.phase:
            case Phase.WORK:
                return math.inf
            case Phase.HEAD:
                latest = member.since + HEAD_SECONDS
            case Phase.BODY:
                latest = member.since + BODY_SECONDS + member.held / SLOWEST
            case Phase.IDLE:
                latest = member.since + KEEP_ALIVE + FLUSHED
        return min(latest, self._stop_at)


# -- one connection

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
