"""Which addresses on the internet count as one client."""

from __future__ import annotations

import ipaddress
import re

_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([0-9.]+):\d+")
"""As some proxies write a client into X-Forwarded-For (Azure's Application Gateway does)."""
_SITE = 64
"""Bits of an IPv6 address that one customer of a provider holds whole (RFC 6177)."""


def network(address: str) -> str:
    """The address itself for IPv4, its /64 for IPv6; what is no address counts as it is written."""
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
    """Without its port, brackets and zone: a port tells two connections of one client apart."""
    found = _WITH_PORT.fullmatch(address.strip())
    return ((found[1] or found[2] or "") if found else address.strip()).partition("%")[0]
