"""HTTP requests for web pages that an operator has listed, and for nothing else.

The name is resolved once, all its addresses must be public, and the connection goes to the address
that was checked: a second lookup could lead into the private network.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field

import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from handoff_bot import __version__
from handoff_bot.ai.deadline import within
from handoff_bot.domain.errors import HandoffError
from handoff_bot.domain.web_addresses import WebAddress, elsewhere

AGENT = "HandoffBot"
_SECONDS, _CONNECT, _READ = 30.0, 5.0, 10.0
TOO_SLOW = "takes longer than half a minute"
_LARGEST = 3_000_000
"""Bytes of a page, unpacked."""
_MOST_REDIRECTS = 4
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_USUAL = (80, 443)


class FetchError(HandoffError):
    """A page cannot be fetched; the text says why."""


@dataclass(frozen=True)
class Fetched:
    """A response. Names of headers are lowercase."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").lower()


def is_public(address: str) -> bool:
    """Returns whether an IP address is on the internet, also one within an IPv6 address."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if inner is not None:
            return inner.is_global
    return found.is_global and not found.is_multicast


class Fetcher:
    """Gets pages of the listed hosts, also after redirects.

    Args:
        listed: addresses that the operator has listed.
        may_contact: decides about an IP address.
    """

    def __init__(
        self, listed: Iterable[str], may_contact: Callable[[str], bool] = is_public
    ) -> None:
        origins = [WebAddress.parse(one).origin for one in listed]
        self._allowed = {(one.host, port) for one in origins for port in (*_USUAL, one.port)}
        self._may_contact = may_contact

    def get(self, url: str, headers: Mapping[str, str]) -> Fetched:
        """Returns the response, after redirects.

        Raises:
            FetchError: no response, a refused host, or too large.
            Malformed: the address is ambiguous.
        """
        # Also a server that sends headers a byte at a time, and a slow name server, must end.
        try:
            return within(_SECONDS, lambda: self._get(WebAddress.parse(url), headers))
        except TimeoutError as error:
            raise FetchError(TOO_SLOW) from error

    def _get(self, address: WebAddress, headers: Mapping[str, str]) -> Fetched:
        until = time.monotonic() + _SECONDS
        for _ in range(_MOST_REDIRECTS + 1):
            fetched = self._once(address, headers, until)
            if fetched.status not in _REDIRECTS or "location" not in fetched.headers:
                return fetched
            address = elsewhere(address, fetched.headers["location"])
        raise FetchError("too many redirects")

    def _once(self, address: WebAddress, headers: Mapping[str, str], until: float) -> Fetched:
        origin = address.origin
        if (origin.host, origin.port) not in self._allowed:
            raise FetchError(f"{origin.host} is not a listed host; add it to KNOWLEDGE_URLS")
        try:
            pool = _connection(origin.scheme, self._resolved(origin.host, origin.port), address)
            with pool, closing(_request(pool, address, headers)) as response:
                body = _body(response, until)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise FetchError(f"cannot be reached ({type(error).__name__})") from error
        found = {name.lower(): value for name, value in response.headers.items()}
        return Fetched(response.status, body, found)

    def _resolved(self, host: str, port: int) -> str:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        addresses = [str(one[4][0]) for one in found]
        if not addresses or not all(map(self._may_contact, addresses)):
            raise FetchError(f"{host} is not on the public internet")
        return addresses[0]


def _request(
    pool: urllib3.HTTPConnectionPool, address: WebAddress, headers: Mapping[str, str]
) -> urllib3.BaseHTTPResponse:
    return pool.request(
        "GET",
        address.target,
        headers={
            "Host": str(address.origin).partition("://")[2],
            "User-Agent": f"{AGENT}/{__version__}",
            "Accept": "text/html,application/xml;q=0.9,*/*;q=0.1",
            "Accept-Encoding": "gzip",
            **headers,
        },
        redirect=False,
        retries=False,
        preload_content=False,
    )


def _connection(scheme: str, ip: str, address: WebAddress) -> urllib3.HTTPConnectionPool:
    timeout = urllib3.Timeout(connect=_CONNECT, read=_READ)
    port = address.origin.port
    if scheme == "http":
        return urllib3.HTTPConnectionPool(ip, port, timeout=timeout)
    host = address.origin.host
    return urllib3.HTTPSConnectionPool(
        ip,
        port,
        timeout=timeout,
        ca_certs=DEFAULT_CA_BUNDLE_PATH,
        server_hostname=host,
        assert_hostname=host,
    )


def _body(response: urllib3.BaseHTTPResponse, until: float) -> bytes:
    """Reads within the deadline: a server may send a byte at a time."""
    body = b""
    for piece in response.stream(65_536, decode_content=True):
        body += piece
        if len(body) > _LARGEST:
            raise FetchError(f"larger than {_LARGEST // 1_000_000} MB")
        if time.monotonic() > until:
            raise FetchError(TOO_SLOW)
    return body
