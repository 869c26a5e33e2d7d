"""GET requests to checked addresses, bounded in time and size, without redirects.

A name is resolved once, all its addresses are checked, and the connection goes to one of those: a
second lookup could lead into the private network.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection
from urllib3.response import HTTPResponse

from handoff_bot.ai.deadline import within
from handoff_bot.domain.errors import HandoffError
from handoff_bot.domain.web_requests import Origin, WebAddress

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], list[Address]]

NOT_ALLOWED = "address not allowed"
TIMEOUT = "timeout"
TOO_LARGE = "answer too large"
UNREACHABLE = "unreachable"

_OK = 200
_CONNECT, _READ = 5.0, 10.0
"""Seconds to connect to one address, and between two packets."""
_PIECE = 16 * 1024
_FAILURES = (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError)
"""Whatever a peer can cause. A certificate that cannot be read raises a `ValueError`."""


class RequestError(HandoffError):
    """There is no response.

    Attributes:
        kind: NOT_ALLOWED, TIMEOUT, TOO_LARGE or UNREACHABLE.
    """

    def __init__(self, kind: str, why: str = "") -> None:
        super().__init__(why or kind)
        self.kind = kind


@dataclass(frozen=True)
class Limits:
    """What one request may take.

    Attributes:
        seconds: for everything, from resolving the name to the last byte.
        largest: bytes of the body, unpacked.
        unpacks: True to unpack a compressed body.
    """

    seconds: float
    largest: int
    unpacks: bool = False


@dataclass(frozen=True)
class Response:
    """A response. Names of headers are lowercase; only status 200 has a body."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def resolved(host: str, port: int) -> list[Address]:
    """Returns all addresses of a host.

    Raises:
        OSError: it has none.
    """
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    return [ip_address(str(one[4][0]).partition("%")[0]) for one in found]


def get(
    address: WebAddress,
    headers: Mapping[str, str],
    limits: Limits,
    may_connect: Callable[[Address], bool],
    resolve: Resolve = resolved,
) -> Response:
    """Sends a request, and returns the response.

    A host with any address that is not allowed is refused as a whole. Certificates must be the
    host's, by REQUESTS_CA_BUNDLE, SSL_CERT_FILE or the shipped authorities.

    Raises:
        RequestError: there is none, for whatever reason.
    """
    line = _Line(limits.seconds)

    def send() -> Response:
        addresses = checked(resolve(address.origin.host, address.origin.port), may_connect)
        try:
            _connect(line, address.origin, addresses)
            return _response(line, address, headers, limits)
        finally:
            line.close()

    try:
        line.left()
        return within(limits.seconds, send)
    except (TimeoutError, urllib3.exceptions.TimeoutError):
        raise RequestError(TIMEOUT) from None
    except _FAILURES as error:
        raise RequestError(UNREACHABLE, type(error).__name__) from error
    finally:
        line.hang_up()


class _Line:
    """The connection of one request, which the waiting thread may end."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._is_over = False
        self._held: socket.socket | None = None

    def left(self) -> float:
        """Returns the seconds that are left.

        Raises:
            TimeoutError: there are none.
        """
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def hold(self, made: socket.socket) -> socket.socket:
        """Keeps the socket, in place of an earlier one.

        Raises:
            TimeoutError: the waiting thread has hung up.
        """
        with self._lock:
            self._held = made
            if self._is_over:
                raise TimeoutError
        return made

    @property
    def held(self) -> socket.socket | None:
        return self._held

    def hang_up(self) -> None:
        """Wakes the thread that connects or reads. It closes the socket itself: another thread's
        new file could get the number of a socket that is closed while it is read.
        """
        with self._lock:
            self._is_over = True
            if self._held:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._held, socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes the socket; only for the thread that uses it."""
        with self._lock:
            if self._held:
                self._held.close()


def checked(addresses: list[Address], may_connect: Callable[[Address], bool]) -> list[Address]:
    """Returns the addresses of a host.

    Raises:
        RequestError: there are none, or one of them is not allowed.
    """
    if not addresses:
        raise RequestError(UNREACHABLE)
    if not all(map(may_connect, addresses)):
        raise RequestError(NOT_ALLOWED)
    return addresses


def _connect(line: _Line, origin: Origin, addresses: list[Address]) -> None:
    """Connects to the first address that answers."""
    failure: OSError = TimeoutError()
    for number, one in enumerate(addresses):
        line.close()
        try:
            _connect_to(line, one, origin.port, line.left() / (len(addresses) - number))
            break
        except OSError as error:
            failure = error
    else:
        raise failure
    if origin.scheme == "https":
        _secure(line, origin.host.strip("[]"))


def _connect_to(line: _Line, address: Address, port: int, seconds: float) -> None:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    made = line.hold(socket.socket(family, socket.SOCK_STREAM))
    made.settimeout(min(_CONNECT, seconds))
    made.connect((str(address), port))


def _secure(line: _Line, host: str) -> None:
    assert line.held is not None  # noqa: S101 - it is connected
    line.held.settimeout(min(_READ, line.left()))
    made = authorities().wrap_socket(line.held, server_hostname=host, do_handshake_on_connect=False)
    line.hold(made)
    made.do_handshake()


def authorities() -> ssl.SSLContext:
    """Returns the authorities that `requests` would use, too."""
    named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
    where = Path(named or DEFAULT_CA_BUNDLE_PATH)
    context = (
        ssl.create_default_context(capath=str(where))
        if where.is_dir()
        else ssl.create_default_context(cafile=str(where))
    )
    context.set_alpn_protocols(["http/1.1"])
    return context


def _response(
    line: _Line, address: WebAddress, headers: Mapping[str, str], limits: Limits
) -> Response:
    origin = address.origin
    connection = HTTPConnection(
        origin.host.strip("[]"), origin.port, timeout=min(_READ, line.left())
    )
    connection.sock = line.held
    with contextlib.closing(connection):
        connection.request(
            "GET",
            address.target,
            headers={"Host": str(origin).partition("://")[2], **headers},
            preload_content=False,
            decode_content=limits.unpacks,
        )
        response = connection.getresponse()
        with contextlib.closing(response):
            body = _body(line, response, limits) if response.status == _OK else b""
            found = {name.lower(): value for name, value in response.headers.items()}
            return Response(response.status, body, found)


def _body(line: _Line, response: HTTPResponse, limits: Limits) -> bytes:
    """Each read returns what has come so far: a server may send a byte at a time."""
    body = b""
    while piece := response.read1(_PIECE, decode_content=limits.unpacks):
        body += piece
        if len(body) > limits.largest:
            raise RequestError(TOO_LARGE)
        line.left()
    return body
