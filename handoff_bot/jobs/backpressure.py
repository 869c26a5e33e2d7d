"""Lets arrivals go first: while many wait to be stored, lanes hold off, but never for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 4
"""Arrivals that wait at once before lanes hold off."""
LONGEST = 3.0
"""Seconds that lanes hold off at the most, from when the rush began."""
LULL = 0.05
"""Seconds without a rush after which it is over."""


class Backpressure:
    """Shared by the inbox and the lanes of one process.

    Providers wait only seconds for an acknowledgement and may not come back, whereas stored jobs keep.
    Threads that serve and threads that work share one interpreter, so the latter must step back.
    """

    def __init__(self) -> None:
        self._inside = 0
        self._began = 0.0
        self._last = 0.0
        self._guard = threading.Lock()

    @contextmanager
    def arrival(self) -> Iterator[None]:
        """Around the storing of one arrival."""
        with self._guard:
            self._inside += 1
            if self._inside >= MANY:
                now = time.monotonic()
                if now - self._last > LULL:
                    self._began = now
                self._last = now
        try:
            yield
        finally:
            with self._guard:
                self._inside -= 1

    def is_on(self) -> bool:
        """Should lanes hold off now?"""
        now = time.monotonic()
        return now - self._last < LULL and now - self._began < LONGEST

    def hold_off(self) -> None:
        """Wait until the rush is over."""
        while self.is_on():
            time.sleep(LULL)
