"""How often a visitor, and a network on the internet, may ask for anything."""

from __future__ import annotations

import math
import time

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter, RateLimiter

SESSIONS = parse_many("30 per minute; 300 per hour")
"""New or renewed sessions of one network on the internet; a whole office may share one."""
MESSAGES = parse_many("10 per 10 seconds; 60 per minute")
"""Messages of one visitor."""
MESSAGES_OF_NETWORK = parse_many("200 per minute")
"""Messages of one network."""
FILES = parse_many("5 per 10 seconds; 30 per hour")
"""Files of one visitor."""
FILES_OF_NETWORK = parse_many("100 per hour")
"""Files of one network."""
MARKS = parse_many("120 per minute")
"""Reports of one visitor about what they were shown."""
LOOKS = parse_many("120 per minute")
"""Streams and polls that one visitor begins."""
EVERYTHING = parse_many("1200 per minute")
"""Requests of one network."""


class Limits:
    """Counts in this process's memory; any number of threads may use it at once."""

    def __init__(self, strategy: type[RateLimiter] = MovingWindowRateLimiter) -> None:
        self._limiter = strategy(MemoryStorage())

    def seconds_to_wait(
        self, items: list[RateLimitItem], what: str, who: str, cost: int = 1
    ) -> int:
        """0 when it may go on, and is counted; else the seconds until it may.

        A moving window keeps each count by itself: for a cost above 1 take a fixed one.
        """
        for item in items:
            if not self._limiter.hit(item, what, who, cost=cost):
                reset = self._limiter.get_window_stats(item, what, who).reset_time
                return max(1, math.ceil(reset - time.time()))
        return 0
