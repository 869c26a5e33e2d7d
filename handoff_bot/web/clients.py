"""Client networks for rate limits, because one client may have many addresses."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from handoff_bot.domain.networks import bare

_IPV6_PREFIX = 64
"""IPv6 network prefix in bits; its owner can use all addresses in it (RFC 6177)."""


def network_of(address: str | None) -> str:
    """Returns the IPv4 address, or the /64 of an IPv6 address; "unknown" for anything else."""
    try:
        found = ip_address(bare(address or ""))
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ip_network((int(found), _IPV6_PREFIX), strict=False))
    return str(found)
