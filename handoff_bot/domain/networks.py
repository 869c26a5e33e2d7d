"""Internet addresses: which count as one client, and which may be connected to."""

from __future__ import annotations

import ipaddress
import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

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
