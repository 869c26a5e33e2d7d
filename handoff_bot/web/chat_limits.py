"""How often a visitor, and an address on the internet, may ask for anything."""

from __future__ import annotations

import math
import time

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

SESSIONS = parse_many("30 per minute")
"""New or renewed sessions of one address on the internet; a whole office may share one."""
MESSAGES = parse_many("10 per 10 seconds; 60 per minute")
"""Messages of one visitor."""
FILES = parse_many("5 per 10 seconds; 30 per hour")
"""Files of one visitor."""
MARKS = parse_many("120 per minute")
"""Reports of one visitor about what they were shown."""
LOOKS = parse_many("120 per minute")
"""Streams and polls that one visitor begins."""
EVERYTHING = parse_many("1200 per minute")
"""Requests of one address on the internet."""


class Limits:
    """Counts in this process's memory; any number of threads may use it at once."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def seconds_to_wait(self, items: list[RateLimitItem], what: str, who: str) -> int:
        """0 when it may go on, and is counted; else the seconds until it may."""
        for item in items:
            if not self._limiter.hit(item, what, who):
                reset = self._limiter.get_window_stats(item, what, who).reset_time
                return max(1, math.ceil(reset - time.time()))
        return 0
