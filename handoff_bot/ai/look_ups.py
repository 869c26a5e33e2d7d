"""Sends look-ups: GET to a fixed host whose address is checked, without redirects, within limits."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import socket
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from handoff_bot.ai.deadline import within
from handoff_bot.domain.look_ups import Found, LookUp, may_connect, result_of, url_for
from handoff_bot.domain.web_addresses import Origin, WebAddress
from handoff_bot.ports import Clock

logger = logging.getLogger(__name__)

SIGNATURE = "Handoff-Signature"
LARGEST = 256 * 1024
"""Bytes of an answer."""
_PIECE = 16 * 1024
_OK, _GONE = 200, frozenset({404, 410})

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], list[Address]]


class _Failed(Exception):
    """The outcome, in our own terms."""


class HttpLookUps:
    """Implements `Fetcher`. Thread-safe.

    Args:
        secrets: signing secrets by the name that a look-up gives.
        allows_loopback: allows plain HTTP to this machine, for the sandbox.
        resolve: returns all addresses of a host.
    """

    def __init__(
        self,
        secrets: Mapping[str, str],
        clock: Clock,
        *,
        allows_loopback: bool = False,
        resolve: Resolve | None = None,
    ) -> None:
        self._secrets = secrets
        self._clock = clock
        self._allows_loopback = allows_loopback
        self._resolve = resolve or _addresses

    def fetch(self, look_up: LookUp, arguments: Mapping[str, str], seconds: float) -> Found:
        """Returns the result, or why there is none, within `seconds`. Never raises."""
        began = time.monotonic()
        text = ""
        try:
            text = self._result(look_up, arguments, seconds)
            outcome = "ok" if text else "empty"
        except _Failed as failed:
            outcome = str(failed)
        except TimeoutError:
            outcome = "timeout"
        except (HTTPError, OSError):
            outcome = "unreachable"
        return Found(outcome, text, round(1000 * (time.monotonic() - began)))

    def _result(self, look_up: LookUp, arguments: Mapping[str, str], seconds: float) -> str:
        try:
            url = url_for(look_up, arguments, allows_loopback=self._allows_loopback)
        except ValueError:
            raise _Failed("invalid arguments") from None
        headers = self._headers(look_up, url)
        opened: list[HTTPConnection] = []
        try:
            body = within(seconds, lambda: self._body(look_up, url, headers, seconds, opened))
        finally:
            for connection in opened:
                _hang_up(connection)
        try:
            return result_of(look_up, body.decode("utf-8"))
        except ValueError:
            raise _Failed("invalid answer") from None

    def _headers(self, look_up: LookUp, url: WebAddress) -> dict[str, str]:
        host = str(url.origin).partition("://")[2]
        headers = {
            "Host": host,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "Handoff",
        }
        if look_up.secret:
            secret = self._secrets.get(look_up.secret)
            if secret is None:  # never unsigned by mistake
                raise _Failed("unknown secret")
            headers[SIGNATURE] = signature(secret, int(self._clock.now().timestamp()), str(url))
        return headers

    def _body(
        self,
        look_up: LookUp,
        url: WebAddress,
        headers: Mapping[str, str],
        seconds: float,
        opened: list[HTTPConnection],
    ) -> bytes:
        until = time.monotonic() + seconds
        address = self._address(look_up, url.origin)
        connection = _connection(url.origin, address, seconds)
        opened.append(connection)
        connection.request(
            "GET", url.target, headers=headers, preload_content=False, decode_content=False
        )
        response = connection.getresponse()
        if response.status != _OK:
            raise _Failed("not found" if response.status in _GONE else f"status {response.status}")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise _Failed("invalid answer")
        return _read(response, until)

    def _address(self, look_up: LookUp, origin: Origin) -> Address:
        """Returns the address to connect to; the name is not resolved again, so it cannot change.

        A host with any address that is not allowed is refused as a whole.
        """
        found = self._resolve(origin.host.strip("[]"), origin.port)
        for one in found:
            is_here = self._allows_loopback and origin.is_loopback and one.is_loopback
            if not is_here and not may_connect(one, look_up):
                raise _Failed("address not allowed")
        if not found:
            raise _Failed("unreachable")
        return found[0]


def signature(secret: str, sent_at: int, url: str) -> str:
    """Returns the header: the time in seconds, and HMAC-SHA256 over "<time>.GET <url>"."""
    signed = f"{sent_at}.GET {url}".encode()
    return f"t={sent_at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def _addresses(host: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(one[4][0]).partition("%")[0]) for one in found]


def _connection(origin: Origin, address: Address, seconds: float) -> HTTPConnection:
    """Returns a connection to the checked address; the certificate must be the host's."""
    if origin.scheme == "http":
        return HTTPConnection(str(address), origin.port, timeout=seconds)
    name = origin.host.strip("[]")
    return HTTPSConnection(
        str(address),
        origin.port,
        timeout=seconds,
        server_hostname=name,
        assert_hostname=name,
        cert_reqs="CERT_REQUIRED",
        ca_certs=DEFAULT_CA_BUNDLE_PATH,
    )


def _read(response: HTTPResponse, until: float) -> bytes:
    body = b""
    while piece := response.read1(_PIECE):
        body += piece
        if len(body) > LARGEST:
            raise _Failed("answer too large")
        if time.monotonic() > until:
            raise TimeoutError
    return body


def _hang_up(connection: HTTPConnection) -> None:
    """Ends a read that another thread may still wait in."""
    with contextlib.suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()
