"""Internet addresses that count as one client."""

from __future__ import annotations

import ipaddress
import re

_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([0-9.]+):\d+")
"""Address with port, as some proxies write it into X-Forwarded-For (Azure's Application Gateway)."""
_SITE = 64
"""IPv6 prefix in bits that one internet customer owns (RFC 6177)."""


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
