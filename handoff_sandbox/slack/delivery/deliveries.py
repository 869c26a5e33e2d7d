"""Delivers events to the bot one after the other, and retries those that it did not acknowledge."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from handoff_sandbox.slack.delivery.links import Parcel, Reply
from handoff_sandbox.slack.payloads import Json

logger = logging.getLogger(__name__)

SLACKS_RETRIES = (0.0, 60.0, 300.0)
"""Seconds from each failure to the next retry."""

_PATIENCE = 10
"""Timeout in seconds for a running delivery when the stand-in stops."""


@dataclass
class Delivery:
    """One event: the envelope, and the result of each attempt."""

    envelope: Json
    replies: list[Reply] = field(default_factory=list)

    @property
    def event_id(self) -> str:
        """The same for every attempt."""
        return str(self.envelope["event_id"])

    @property
    def is_delivered(self) -> bool:
        """Whether the bot has acknowledged it."""
        return any(not reply.failure for reply in self.replies)


@dataclass(order=True)
class _Due:
    at: float
    number: int
    delivery: Delivery = field(compare=False)
    attempt: int = field(compare=False, default=0)
    reason: str = field(compare=False, default="")


class Deliveries:
    """A bounded queue with one worker, so that first attempts keep their order.

    Args:
        send: delivers to the bot.
        retries: seconds after each failure until the next attempt; none after the last.
        limit: how many events may wait. Further events are dropped, counted in `lost`, and logged.
    """

    def __init__(
        self, send: Callable[[Parcel], Reply], retries: Sequence[float], limit: int = 100_000
    ) -> None:
        self.retries = tuple(retries)
        self.lost = 0
        self._send = send
        self._limit = limit
        self._due: list[_Due] = []
        self._number = 0
        self._running = 0
        self._ended = False
        self._past: deque[Delivery] = deque(maxlen=10_000)
        self._changed = threading.Condition()
        self._worker = threading.Thread(target=self._work, name="slack-events", daemon=True)

    def start(self) -> None:
        """Starts to deliver."""
        self._worker.start()

    def stop(self) -> None:
        """Stops after the running attempt; waiting events are dropped."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._worker.ident is not None:
            self._worker.join(_PATIENCE)

    def enqueue(self, envelope: Json) -> None:
        """Delivers this event. Never blocks."""
        delivery = Delivery(envelope)
        with self._changed:
            if len(self._due) >= self._limit:
                self.lost += 1
                logger.warning("event lost", extra={"event_id": delivery.event_id})
                return
            self._past.append(delivery)
            self._push(delivery)

    def repeat(self, delivery: Delivery) -> None:
        """Delivers an event once more, as if Slack had missed the acknowledgement."""
        with self._changed:
            self._push(delivery, attempt=1, reason="http_timeout")

    def find(self, wanted: Callable[[Json], bool]) -> list[Delivery]:
        """Returns past and waiting events whose envelope matches, oldest first."""
        with self._changed:
            return [delivery for delivery in self._past if wanted(delivery.envelope)]

    def drain(self, timeout: float) -> None:
        """Waits until no delivery and no retry is left.

        Raises:
            TimeoutError: not within `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._due and not self._running, timeout):
                raise TimeoutError(f"{len(self._due)} events are still waiting")

    def _push(
        self, delivery: Delivery, delay: float = 0.0, attempt: int = 0, reason: str = ""
    ) -> None:
        self._number += 1
        at = time.monotonic() + delay
        heapq.heappush(self._due, _Due(at, self._number, delivery, attempt, reason))
        self._changed.notify_all()

    def _work(self) -> None:
        while due := self._next():
            parcel = Parcel("events_api", due.delivery.envelope, due.attempt, due.reason)
            self._done(due, self._send(parcel))

    def _next(self) -> _Due | None:
        """Waits for the next due event; None at the end."""
        with self._changed:
            while not self._ended:
                wait = self._due[0].at - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    self._running = 1
                    return heapq.heappop(self._due)
                self._changed.wait(wait)
            return None

    def _done(self, due: _Due, reply: Reply) -> None:
        with self._changed:
            self._running = 0
            due.delivery.replies.append(reply)
            may_retry = due.attempt < len(self.retries) and not reply.wants_no_retry
            if reply.failure and may_retry:
                delay = self.retries[due.attempt]
                self._push(due.delivery, delay, due.attempt + 1, reply.failure)
            self._changed.notify_all()
