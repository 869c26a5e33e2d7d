"""Lanes: the one mechanism that carries everything between requests. See ARCHITECTURE and ADR 1."""

from __future__ import annotations

import logging
import random
import threading
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from handoff_bot.ports import Clock
from handoff_bot.services.brake import LULL, Brake
from handoff_bot.services.pacing import Granted, Pacer
from handoff_bot.services.runner import AnyHandler, Runner
from handoff_bot.storage import work
from handoff_bot.storage.database import Database
from handoff_bot.storage.transaction import Job, Seat, Transaction, family_of

logger = logging.getLogger(__name__)


class Lanes:
    """A worker: leases lanes, runs their rows oldest first, lets go.

    Args:
        handlers: kind of work -> handler.
        threads: family of lanes -> how many of them run at once, so that one slow provider cannot take
            the threads of another.
        poll: seconds between looks when nobody wakes us; wake-ups are hints, this is the safety net.
        ttl: seconds after which a silent worker counts as dead.
        sole: True when no other worker can be alive (one process on SQLite): the dead are buried at once.
        pacer: keeps to providers' limits; without one nothing is limited.
    """

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, AnyHandler],
        clock: Clock,
        *,
        threads: Mapping[str, int],
        poll: float = 1.0,
        ttl: float = 5.0,
        sole: bool = False,
        jitter: random.Random | None = None,
        brake: Brake | None = None,
        pacer: Pacer | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.poll = poll
        self.ttl = ttl
        self.sole = sole
        self.id = ""
        self._threads = dict(threads)
        self._free = dict(threads)
        self._brake = brake or Brake()
        self.pacer = pacer or Pacer({})
        dice = jitter or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._run = Runner(database, handlers, clock, dice, self.pacer)
        self._changed = threading.Condition()
        self._woken = False
        self._stopping = threading.Event()
        self._beating: threading.Thread | None = None
        self._dispatching: threading.Thread | None = None
        self._pool: ThreadPoolExecutor | None = None

    # -- life

    def start(self) -> None:
        """Run in threads of our own until `stop`."""
        self._stopping.clear()
        with self.database.write() as tx:
            if self.sole:
                work.bury(tx, dead_since=None)
            self.id = self._join(tx)
        self._pool = ThreadPoolExecutor(sum(self._threads.values()), "lane")
        self._beating = threading.Thread(target=self._beat, name="lanes-heartbeat", daemon=True)
        self._dispatching = threading.Thread(target=self._dispatch, name="lanes", daemon=True)
        self._beating.start()
        self._dispatching.start()

    def stop(self) -> None:
        """Finish the rows that are being run, leave the rest to others."""
        self._stopping.set()
        self.wake()
        for thread in (self._dispatching, self._beating):
            if thread:
                thread.join()
        if self._pool:
            self._pool.shutdown(wait=True)
        with self.database.write() as tx:
            work.leave(tx, self.id)

    def reserve(self, lane: str) -> Seat | None:
        """See `Crew`: a thread that is free for a lane which is about to be opened."""
        family = family_of(lane)
        with self._changed:
            if not self._pool or self._stopping.is_set() or not self._free.get(family):
                return None
            if self._brake.is_on():
                return None
            self._free[family] -= 1
        return Seat(lane, self.id, uuid.uuid4().hex)

    def seat(self, reserved: Sequence[Seat], started: Sequence[Seat]) -> None:
        """See `Crew`."""
        for seat in reserved:
            if seat in started and self._pool:
                self._pool.submit(self._run_and_free, seat.lane, seat.worker, seat.job)
                continue
            with self._changed:
                self._free[family_of(seat.lane)] += 1
            self.wake()  # the lane may be due already, and was not ours to start

    def wake(self) -> None:
        """There may be something to do."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def run_until_idle(self, limit: int = 10_000) -> int:
        """Run what is due in this thread until nothing is; says how many rounds it took. For tests."""
        for taken in range(limit):
            if not self.run_once():
                return taken
        raise RuntimeError(f"still busy after {limit} rounds")

    def run_once(self) -> bool:
        """Run one due lane of each family, in this thread; False when none is due. For tests."""
        if not self.id:
            with self.database.write() as tx:
                self.id = self._join(tx)
        leases, _ = self._lease(dict.fromkeys(self._threads, 1))
        for lease in leases:
            self._run.lane(lease.lane, self.id, paid=lease.budget)
        return bool(leases)

    def _join(self, tx: Transaction) -> str:
        worker = uuid.uuid4().hex
        work.join(tx, worker, self._alive_until())
        return worker

    def _alive_until(self) -> datetime:
        return self.clock.now() + timedelta(seconds=self.ttl)

    def _beat(self) -> None:
        while not self._stopping.wait(self.ttl / 5):
            try:
                with self.database.write() as tx:
                    if not work.beat(tx, self.id, self._alive_until()):
                        # Declared dead while stalled. The lanes are others' now (their fence will tell
                        # those of our threads that still run them); go on under a new name.
                        self.id = self._join(tx)
                        logger.warning("worker was declared dead and joined again")
                    work.bury(tx, dead_since=self.clock.now() - timedelta(seconds=self.ttl))
            except Exception:
                logger.exception("heartbeat failed")

    # -- dispatch

    def _dispatch(self) -> None:
        while not self._stopping.is_set():
            try:
                pause = self._start_what_is_due()
            except Exception:
                logger.exception("leasing lanes failed")
                pause = self.poll
            with self._changed:
                if not self._woken and not self._stopping.is_set():
                    self._changed.wait(pause)
                self._woken = False

    def _start_what_is_due(self) -> float:
        """Hand due lanes to free threads; says how many seconds to wait for a hint."""
        with self._changed:
            free = {family: count for family, count in self._free.items() if count > 0}
        if self._brake.is_on():
            return LULL
        if not free or self._pool is None:
            return self.poll
        leases, pause = self._lease(free)
        for lease in leases:
            with self._changed:
                self._free[lease.family] -= 1
            self._pool.submit(self._run_and_free, lease.lane, self.id, paid=lease.budget)
        return pause

    def _lease(self, free: Mapping[str, int]) -> tuple[list[Granted], float]:
        """Lanes taken, and the seconds until the next one that could be."""
        now = self.clock.now()
        with self.database.read() as tx:
            due = {family: at for family, at in work.next_due(tx, now).items() if free.get(family)}
            turns = self.pacer.turns(tx, now)
        later = [at for at in (*due.values(), *turns.values()) if at > now]
        pause = min([self.poll, *((at - now).total_seconds() for at in later)])
        families = [family for family, at in due.items() if at <= now]
        budgets = [budget for budget, at in turns.items() if at <= now]
        if not families and not budgets:
            return [], pause
        return self._take(families, budgets, free, now), pause

    def _take(
        self,
        families: Sequence[str],
        budgets: Sequence[str],
        free: Mapping[str, int],
        now: datetime,
    ) -> list[Granted]:
        """Those whose turn has come before those that are merely due: they have waited longer."""
        left = dict(free)
        taken: list[Granted] = []
        with self.database.write() as tx:
            taken += self.pacer.grant(tx, budgets, self.id, left, now)
            for each in taken:
                left[each.family] -= 1
            for family in families:
                leased = work.lease(tx, self.id, family, now, left[family])
                taken += [Granted(lane, family, "") for lane in leased]
        return taken

    def _run_and_free(self, lane: str, worker: str, job: Job | None = None, paid: str = "") -> None:
        family = family_of(lane)
        more = True
        try:
            self._brake.hold_off()
            more = self._run.lane(lane, worker, job, paid)
        finally:
            with self._changed:
                waited_for = self._free[family] == 0
                self._free[family] += 1
            if more or waited_for:
                self.wake()
