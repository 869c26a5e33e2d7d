"""Heartbeats: tells other workers that this one is alive, and detects a late heartbeat.

Lanes that a thread left without releasing them are remembered, and released with a heartbeat.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from handoff_bot.domain.errors import DatabaseAway
from handoff_bot.jobs import leases
from handoff_bot.ports import Clock
from handoff_bot.storage.database import Database

logger = logging.getLogger(__name__)


class Heartbeat:
    """One worker's entry in the table of workers.

    Args:
        ttl: seconds after which a silent worker counts as dead.
        stopping: set when the process ends.

    Attributes:
        id: the worker's id; "" until it is registered.
    """

    def __init__(
        self, database: Database, clock: Clock, ttl: float, stopping: threading.Event
    ) -> None:
        self._database = database
        self._clock = clock
        self._ttl = ttl
        self._stopping = stopping
        self._alive_until = self._late_at = clock.now()
        self.id = ""

    def sign_on(self, *, sole: bool) -> None:
        """Registers the worker under a new id; `sole` if no other worker can be alive."""
        self.id, until = uuid.uuid4().hex, self._next_end()
        with self._database.write() as tx:
            if sole:
                leases.bury(tx, dead_since=None)
            leases.join(tx, self.id, until)
        self._alive_until = until

    def sign_off(self) -> None:
        """Removes the worker and its leases."""
        try:
            with self._database.write() as tx:
                leases.leave(tx, self.id)
        except DatabaseAway as error:  # others will notice the missing heartbeat
            logger.warning("worker could not sign off", extra={"why": str(error)})

    def keep_up(self) -> None:
        """Sends a heartbeat if due, for a worker without a heartbeat thread. For tests."""
        if not self.id or self._clock.now() >= self._alive_until:
            self.id = self.id or uuid.uuid4().hex
            self.prolong()

    def _next_end(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self._ttl)

    def prolong(self) -> None:
        """Sends a heartbeat, even if other workers have already removed this one."""
        until = self._next_end()
        with self._database.heartbeat() as tx:
            leases.join(tx, self.id, until)
        self._lives(until)

    def _lives(self, until: datetime) -> None:
        """Stores the new lifetime; if the heartbeat was late, notes that other workers may have
        leased our lanes.
        """
        now = self._clock.now()
        if now >= self._alive_until:
            self._late_at = now  # before the other value, which threads read first
        self._alive_until = until

    def beat(self) -> None:
        while not self._stopping.wait(self._ttl / 5):
            try:
                self.prolong()
                with self._database.heartbeat() as tx:
                    leases.bury(tx, dead_since=self._clock.now() - timedelta(seconds=self._ttl))
            except DatabaseAway as error:
                logger.warning("heartbeat failed", extra={"why": str(error)})
            except Exception:
                logger.exception("heartbeat failed")

    def confirm(self, lane: str, grant: str, since: datetime) -> None:
        """See `Runner`. While heartbeats were on time since `since`, no other worker can have
        leased the lane.

        A thread may be frozen between its record and its call for longer than the lease. Then the
        database is asked, and no worker can lease the lane after the answer. A late heartbeat
        before that does not count for lanes leased earlier.
        """
        if self._clock.now() < self._alive_until and since > self._late_at:
            return
        until = self._next_end()
        with self._database.write() as tx:
            leases.check_lease(tx, lane, grant)
            leases.join(tx, self.id, until)
        self._lives(until)


REST = timedelta(seconds=5)
"""How long a lane pauses after an error that could not be recorded."""


class HeldLanes:
    """In memory, because the database may be down; it is updated when it is back."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._guard = threading.Lock()
        self._running: Counter[str] = Counter()
        self._left: dict[tuple[str, str], datetime] = {}

    @contextlib.contextmanager
    def running(self, lane: str, grant: str) -> Iterator[None]:
        """Wraps a thread's work on a lane."""
        with self._guard:
            self._running[lane] += 1
        try:
            yield
        finally:
            with self._guard:
                self._running[lane] -= 1
                if not self._running[lane]:
                    del self._running[lane]

    def lanes(self) -> frozenset[str]:
        """Returns the lanes that our threads run, whatever the database says.

        A lane may have been leased by others and released again while our thread waits for a
        response.
        """
        with self._guard:
            return frozenset(self._running)

    def left(self, lane: str, grant: str, *, rest: bool = False) -> None:
        """Records a lane that a thread left without releasing it; `rest` if it would fail again at
        once.
        """
        with self._guard:
            self._left[lane, grant] = self._clock.now() + (REST if rest else timedelta())

    def let_go(self) -> None:
        """Releases the left lanes, so that any worker can lease them.

        Raises:
            DatabaseAway: retry later.
        """
        with self._guard:
            left = dict(self._left)
        for (lane, grant), not_before in left.items():
            try:
                with self._database.write() as tx:
                    leases.let_go(tx, lane, grant, not_before)
            except DatabaseAway:
                raise
            except Exception:  # one such lane must not keep the others from being leased
                logger.exception("lane cannot be let go of")
                continue
            with self._guard:
                del self._left[lane, grant]
