"""Requests to and from other systems: networks, URLs, and signatures."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import urljoin

from handoff_bot.domain.errors import Malformed

# -- networks: which addresses count as one client, and which may be connected to

_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([0-9.]+):\d+")
"""Address with port, as some proxies write it into X-Forwarded-For (Azure's Application Gateway)."""
_SITE = 64
"""IPv6 prefix in bits that one internet customer owns (RFC 6177)."""

_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_PRIVATE = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("fc00::/7"),
)
_METADATA = frozenset(
    {
        "168.63.129.16",  # Azure
        "192.0.0.192",  # Oracle
        "fd00:ec2::254",  # AWS
        "fd20:ce::254",  # Google
        "fd00:42::42",  # Scaleway
    }
)
"""Metadata services of clouds that are not on the link."""


def network(address: str) -> str:
    """Returns the IPv4 address, or the /64 of an IPv6 address; anything else unchanged."""
    try:
        parsed = ipaddress.ip_address(bare(address))
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _SITE), strict=False))


def bare(address: str) -> str:
    """Removes port, brackets and zone; the port differs between connections of one client."""
    found = _WITH_PORT.fullmatch(address.strip())
    return ((found[1] or found[2] or "") if found else address.strip()).partition("%")[0]


def may_connect(address: IPv4Address | IPv6Address, *, private: bool = False) -> bool:
    """Returns whether a request may go to this address: on the internet, or in a private network.

    Never this machine, its link, a cloud's metadata service or a group of machines, also not by an
    IPv6 address that leads to an IPv4 address.

    Args:
        private: True if it may be in a private network (RFC 1918, RFC 4193).
    """
    if str(address) in _METADATA:
        return False
    if private and any(address in one for one in _PRIVATE):
        return True
    if isinstance(address, IPv4Address):
        return address.is_global and not (address.is_multicast or address.is_reserved)
    inner = _inner(address)
    if inner:
        return all(may_connect(one, private=private) for one in inner)
    # Other ranges are reserved, deprecated (fec0::/10, ::/96) or local (64:ff9b:1::/48).
    return address in _UNICAST and address.is_global


def _inner(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """Returns the IPv4 addresses that an address leads to."""
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    inner = address.ipv4_mapped or address.sixtofour
    return (inner,) if inner else address.teredo or ()


# -- URLs: parsed as the HTTP client parses them, and rebuilt
# Two parsers may read one text as two hosts (`https://evil\@a.slack.com/`: urllib.parse says
# a.slack.com, urllib3 connects to evil). So the text itself is never requested, only a URL rebuilt
# from the checked parts.

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_LONGEST = 4096
"""In characters. Signed URLs of storage services have up to about 2,000."""
_PORTS = {"https": 443, "http": 80}
_UNSEEN_OR_AMBIGUOUS = re.compile(r"[^!-~]|\\")
"""Blanks, control characters, non-ASCII characters, and what some parsers treat as a slash."""
_BEGINNING = re.compile(r"(https?)://([^/?#]+)", re.IGNORECASE)
_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
"""A host name: ASCII labels, the last one not a number, no trailing dot."""
_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\]")
_PATH = re.compile(r"(?:/[^?#]*)?(?:\?[^#]*)?")


@dataclass(frozen=True)
class Origin:
    """Where a client connects to; `host` in lowercase, IPv6 in brackets."""

    scheme: str
    host: str
    port: int

    @property
    def is_usual(self) -> bool:
        """Returns whether it uses https on the default port."""
        return self.scheme == "https" and self.port == _PORTS["https"]

    def is_within(self, *homes: str) -> bool:
        """Returns whether it is usual and its host is one of these or a subdomain ("slack.com")."""
        named = any(self.host == home or self.host.endswith(f".{home}") for home in homes)
        return self.is_usual and named

    @property
    def is_loopback(self) -> bool:
        """Returns whether it is this machine."""
        return self.host.strip("[]") in LOOPBACK

    def __str__(self) -> str:
        """Returns the start of a URL."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


@dataclass(frozen=True)
class WebAddress:
    """One URL. `target` is path and query as sent."""

    origin: Origin
    target: str

    @classmethod
    def parse(cls, text: str) -> WebAddress:
        """Parses a URL.

        Raises:
            Malformed: parsers could disagree about it.
        """
        # Imported here, because `handoff judge` should not pay 10 MB for an HTTP client.
        from urllib3.exceptions import LocationParseError
        from urllib3.util import parse_url

        begins = _BEGINNING.match(text)
        if len(text) > _LONGEST or _UNSEEN_OR_AMBIGUOUS.search(text) or begins is None:
            raise Malformed("This is not a valid web address.")
        try:
            parts = parse_url(text)
        except LocationParseError:
            raise Malformed("This is not a valid web address.") from None
        origin = _origin(begins[1].lower(), parts.host or "", parts.port)
        if begins[2].lower() not in _spellings(origin):
            raise Malformed("The host name of this address is not valid.")
        made = cls(origin, text[begins.end() :].partition("#")[0] or "/")
        if not _PATH.fullmatch(made.target):
            raise Malformed("This is not a valid web address.")
        return made

    def __str__(self) -> str:
        return f"{self.origin}{self.target}"


def _origin(scheme: str, host: str, port: int | None) -> Origin:
    lower = host.lower()
    if port == 0 or not (_NAME.fullmatch(lower) or _IP.fullmatch(lower)):
        raise Malformed("The host name of this address is not valid.")
    return Origin(scheme, lower, _PORTS[scheme] if port is None else port)


def _spellings(origin: Origin) -> set[str]:
    """Returns the accepted spellings: no user name, and a port only in its usual form."""
    spellings = {f"{origin.host}:{origin.port}"}
    if origin.port == _PORTS[origin.scheme]:
        spellings.add(origin.host)
    return spellings


def elsewhere(here: WebAddress, text: str) -> WebAddress:
    """Returns the target of a redirect.

    Raises:
        Malformed: the target is ambiguous.
    """
    if _UNSEEN_OR_AMBIGUOUS.search(text):  # `urljoin` would drop a part of it
        raise Malformed("This is not a valid web address.")
    try:
        return WebAddress.parse(urljoin(str(here), text))
    except ValueError:
        raise Malformed("This is not a valid web address.") from None


def origin_of(text: str) -> Origin:
    """Returns a URL's origin, with any path.

    Raises:
        Malformed: the origin is ambiguous.
    """
    begins = _BEGINNING.match(text)
    return WebAddress.parse(begins[0] if begins else text).origin


def is_for_keys(text: str) -> bool:
    """Returns whether a key may be sent there: https only, except to this machine."""
    try:
        origin = WebAddress.parse(text).origin
    except Malformed:
        return False
    return origin.scheme == "https" or origin.is_loopback


# -- signatures of requests to the team's own systems

SIGNATURE = "Handoff-Signature"
"""Name of the header."""


def signature(secrets: Sequence[bytes], sent_at: int, content: bytes) -> str:
    """Returns the header: the time in Unix seconds, and an HMAC-SHA256 by each secret over time and
    content.
    """
    signed = str(sent_at).encode() + b"." + content
    signatures = [hmac.new(secret, signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={sent_at}", *(f"v1={one}" for one in signatures)])
