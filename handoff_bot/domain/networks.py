"""Which addresses on the internet count as one client."""

from __future__ import annotations

import ipaddress

_SITE = 64
"""Bits of an IPv6 address that one customer of a provider holds whole (RFC 6177)."""


def network(address: str) -> str:
    """The address itself for IPv4, its /64 for IPv6; what is no address counts as it is written."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _SITE), strict=False))
