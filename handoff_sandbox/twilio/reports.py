"""Sends status callbacks to the bot from a few threads: late, twice, out of order or never."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from handoff_sandbox.twilio.carrier import News

Happen = Callable[[News], None]
"""Runs one step of a delivery, and reports it to the bot."""

THREADS = 4
_PATIENCE = 20
"""Timeout in seconds for a thread to end; a callback takes 15 at most."""


@dataclass(order=True)
class _Due:
    at: float
    number: int
    news: Sequence[News] = field(compare=False)
    happen: Happen = field(compare=False)


class Reports:
    """Future steps of deliveries. The steps of one message follow one another."""

    def __init__(self) -> None:
        self._due: list[_Due] = []
        self._number = 0
        self._pending = 0
        self._is_over = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"twilio-callbacks-{n}", daemon=True)
            for n in range(THREADS)
        ]

    @property
    def pending(self) -> int:
        """The number of future steps."""
        with self._changed:
            return self._pending

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stops after the running steps; waiting ones are dropped."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_PATIENCE)

    def enqueue(self, news: Sequence[News], happen: Happen) -> None:
        """Adds these steps of one message, in this order. Never blocks."""
        with self._changed:
            self._pending += len(news)
            self._push(news, happen)

    def drain(self, timeout: float) -> None:
        """Waits until no step is left.

        Raises:
            TimeoutError: not within `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._pending, timeout):
                raise TimeoutError(f"{self._pending} callbacks are still to come")

    def _push(self, news: Sequence[News], happen: Happen) -> None:
        if news:
            self._number += 1
            due = _Due(time.monotonic() + news[0].delay, self._number, news, happen)
            heapq.heappush(self._due, due)
            self._changed.notify_all()

    def _work(self) -> None:
        while due := self._next():
            try:
                due.happen(due.news[0])
            finally:
                self._done(due)

    def _next(self) -> _Due | None:
        """Waits for the next due step; None at the end."""
        with self._changed:
            while not self._is_over:
                wait = self._due[0].at - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)
                self._changed.wait(wait)
            return None

    def _done(self, due: _Due) -> None:
        with self._changed:
            self._pending -= 1
            self._push(due.news[1:], due.happen)
            self._changed.notify_all()
