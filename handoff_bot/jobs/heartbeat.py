"""Tells other workers that this one is alive, and knows whether they could have heard it in time."""

from __future__ import annotations

import logging
import threading
import uuid
from datetime import datetime, timedelta

from handoff_bot.domain.errors import DatabaseAway
from handoff_bot.jobs import leases
from handoff_bot.ports import Clock
from handoff_bot.storage.database import Database

logger = logging.getLogger(__name__)


class Heartbeat:
    """One worker's entry in the table of workers.

    Args:
        ttl: seconds after which a silent worker counts as dead to others.
        stopping: set when the process ends.

    Attributes:
        id: the worker's; "" until it is entered.
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
        """Enter the worker under a new id; `sole` when no other one can be alive."""
        self.id, until = uuid.uuid4().hex, self._next_end()
        with self._database.write() as tx:
            if sole:
                leases.bury(tx, dead_since=None)
            leases.join(tx, self.id, until)
        self._alive_until = until

    def sign_off(self) -> None:
        """Remove the worker; its leases end with it."""
        try:
            with self._database.write() as tx:
                leases.leave(tx, self.id)
        except DatabaseAway as error:  # others will find out by themselves
            logger.warning("worker could not sign off", extra={"why": str(error)})

    def keep_up(self) -> None:
        """Enter or prolong when that is due, for a worker without a thread for it. For tests."""
        if not self.id or self._clock.now() >= self._alive_until:
            self.id = self.id or uuid.uuid4().hex
            self.prolong()

    def _next_end(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self._ttl)

    def prolong(self) -> None:
        """Tell the others that this worker is alive, even if they have buried it."""
        until = self._next_end()
        with self._database.heartbeat() as tx:
            leases.join(tx, self.id, until)
        self._lives(until)

    def _lives(self, until: datetime) -> None:
        """Remember it; and if it was told too late, that others may have leased our lanes before now."""
        now = self._clock.now()
        if now >= self._alive_until:
            self._late_at = now  # before the other, which other threads look at first
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
        """See `Runner`. While the heartbeat was on time since then nobody else can have leased the lane.

        A thread may be frozen right here, between what it has recorded and its call, for longer than the
        lease holds; then the database is asked, and nobody can lease the lane after the answer. A heartbeat
        that came before us, but too late, answers for no lane that was leased before it.
        """
        if self._clock.now() < self._alive_until and since > self._late_at:
            return
        until = self._next_end()
        with self._database.write() as tx:
            leases.check_lease(tx, lane, grant)
            leases.join(tx, self.id, until)
        self._lives(until)
