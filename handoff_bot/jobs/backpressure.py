"""Backpressure: jobs pause while many arrivals wait to be stored, but never for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 4
"""Number of waiting arrivals at which jobs pause."""
LONGEST = 3.0
"""Maximum pause in seconds from the start of a rush."""
LULL = 0.05
"""Seconds without a rush after which it is over."""


class Backpressure:
    """Shared by the inbox and the lanes of one process.

    Providers wait only seconds for an acknowledgement and may not retry, while stored jobs are
    safe. Request threads and job threads share one interpreter, so the jobs must pause.
    """

    def __init__(self) -> None:
        self._inside = 0
        self._began = 0.0
        self._last = 0.0
        self._guard = threading.Lock()

    @contextmanager
    def arrival(self) -> Iterator[None]:
        """Wraps the storing of one arrival."""
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
        """Returns whether jobs should pause now."""
        now = time.monotonic()
        return now - self._last < LULL and now - self._began < LONGEST

    def hold_off(self) -> None:
        """Waits until the rush is over."""
        while self.is_on():
            time.sleep(LULL)
