"""Rate limits per visitor and per network."""

from __future__ import annotations

import math
import time
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter, RateLimiter

from handoff_bot.domain.web_requests import bare

# -- networks, because one client may have many addresses

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


# -- limits

SESSIONS = parse_many("30 per minute; 300 per hour")
"""New or renewed sessions per network; a whole office may share one."""
MESSAGES = parse_many("10 per 10 seconds; 60 per minute")
"""Messages per visitor."""
MESSAGES_OF_NETWORK = parse_many("200 per minute")
"""Messages per network."""
FILES = parse_many("5 per 10 seconds; 30 per hour")
"""Files per visitor."""
FILES_OF_NETWORK = parse_many("100 per hour")
"""Files per network."""
MARKS = parse_many("120 per minute")
"""Read marks per visitor."""
TRANSCRIPTS = parse_many("3 per hour; 10 per day")
"""Conversations sent by e-mail per visitor, and per recipient: the address is not verified."""
TRANSCRIPTS_OF_NETWORK = parse_many("10 per hour; 30 per day")
"""Conversations sent by e-mail per network."""
TRANSCRIPTS_OF_ALL = parse_many("100 per hour")
"""Conversations sent by e-mail in total."""
LOOKS = parse_many("120 per minute")
"""Streams and polls per visitor."""
EVERYTHING = parse_many("1200 per minute")
"""Requests per network."""


class Limits:
    """Counts in this process's memory; safe for any number of threads."""

    def __init__(self, strategy: type[RateLimiter] = MovingWindowRateLimiter) -> None:
        self._limiter = strategy(MemoryStorage())

    def seconds_to_wait(
        self, items: list[RateLimitItem], what: str, who: str, cost: int = 1
    ) -> int:
        """Returns 0 and counts the request if it is allowed, otherwise the seconds to wait.

        A moving window stores each hit separately: use a fixed window for costs above 1.
        """
        for item in items:
            if not self._limiter.hit(item, what, who, cost=cost):
                reset = self._limiter.get_window_stats(item, what, who).reset_time
                return max(1, math.ceil(reset - time.time()))
        return 0
