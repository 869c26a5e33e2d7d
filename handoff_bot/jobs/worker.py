"""Workers: lease lanes and run their jobs in threads, with backpressure. See README.md and ADR 1."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from handoff_bot.domain.errors import DatabaseAway
from handoff_bot.jobs import leases, store
from handoff_bot.jobs.handler import AnyHandler, OnGivenUp, tell_nobody
from handoff_bot.jobs.job import Enqueuer, NewJob, Slot, ThreadLanes, enqueue_job, queue_of
from handoff_bot.jobs.leases import Heartbeat, HeldLanes
from handoff_bot.jobs.rate_limits import Permit, RateLimiter
from handoff_bot.jobs.runner import Runner
from handoff_bot.ports import Clock
from handoff_bot.storage.database import PATIENCE, Database
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

# -- backpressure: jobs pause while many arrivals wait to be stored, but never for long

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


# -- ticks, under keys that make each run once


class Scheduler:
    """Enqueues a job of each kind once per interval, from any number of processes.

    The lane of a kind "tick.prune" is "tick:prune". The owner calls `tick`.

    Attributes:
        every: kind of job -> interval.
    """

    def __init__(self, database: Database, clock: Clock, every: Mapping[str, timedelta]) -> None:
        self._database = database
        self._clock = clock
        self.every = every

    def tick(self, kind: str) -> None:
        now = self._clock.now()
        number = int(now.timestamp() // self.every[kind].total_seconds())
        with self._database.write() as tx:
            enqueue_job(tx, NewJob(kind, kind.replace(".", ":"), {}, now, key=f"{kind}:{number}"))


# -- the worker

T = TypeVar("T")


def permit_of(slot: Slot) -> Permit:
    """Returns the lane's permit; it was leased when it was opened."""
    return Permit(slot.lane, queue_of(slot.lane), "", slot.grant)


class _Steps(threading.local):
    """The lanes started by this thread, which it runs in the same step. For tests."""

    slots: list[Slot] | None = None


class Worker:
    """A worker: leases lanes, runs their jobs oldest first, releases them.

    Args:
        handlers: kind of job -> handler.
        threads: queue -> number of lanes run at once, so that one slow provider cannot take the
            threads of another.
        poll: seconds between polls; wake-ups are hints, polling is the safety net.
        ttl: seconds after which other workers consider a silent worker dead. It never considers
            itself dead: it does not lease lanes that its own threads hold, however late its
            heartbeat is.
        sole: True if no other worker can be alive (one process on SQLite): dead workers are removed
            at once.
        limiter: enforces providers' rate limits; None for no limits.
        on_given_up: called with each failed job whose handler tells nobody.
        settle: how long after it began the effect of an interrupted call may still appear at its
            provider. The call is not repeated before, unless the provider knows of it.
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
        limiter: RateLimiter | None = None,
        on_given_up: OnGivenUp = tell_nobody,
        settle: timedelta = timedelta(),
    ) -> None:
        self.database = database
        self.clock = clock
        self.poll = poll
        self.sole = sole
        self._threads = dict(threads)
        self._free = dict(threads)
        self.backpressure = Backpressure()
        self.limiter = limiter or RateLimiter({})
        dice = jitter or random.Random()  # noqa: S311 - jitter for retries, not for security
        self._stopping = threading.Event()
        self.heartbeat = Heartbeat(database, clock, ttl, self._stopping)
        self._behind: set[str] = set()
        self._mine = ThreadLanes(self._start_other, self._lease_next)
        self._steps = _Steps()
        self._run = Runner(
            database,
            handlers,
            clock,
            dice,
            self.limiter,
            self.heartbeat.confirm,
            self._stopping,
            self._mine,
            on_given_up,
            settle,
        )
        self._changed = threading.Condition()
        self._woken = False
        self._held = HeldLanes(database, clock)
        self._beating: threading.Thread | None = None
        self._dispatching: threading.Thread | None = None
        self._pool: ThreadPoolExecutor | None = None

    def write(
        self, body: Callable[[Transaction], T], patience: float = PATIENCE, *, chained: bool = True
    ) -> T:
        """Returns the body's result after commit; enqueued jobs are prepared if a thread is free.

        Args:
            patience: seconds to wait for the transaction to begin, on SQLite.
            chained: allows preparing `chained` jobs in it. If preparing fails, the body runs again
                without.
        """
        return self._run.write(body, patience, chained=chained)

    # -- life cycle

    def attach(self) -> None:
        """Lets free threads run jobs that this process enqueues, without waiting for the dispatcher."""
        self.database.participate = partial(Enqueuer, slots=self)

    def detach(self) -> None:
        """Reverses `attach`."""
        self.database.participate = None

    def start(self) -> None:
        """Runs in its own threads until `stop`."""
        self._stopping.clear()
        self.heartbeat.sign_on(sole=self.sole)
        self._pool = ThreadPoolExecutor(sum(self._threads.values()), "lane")
        self._beating = threading.Thread(
            target=self.heartbeat.beat, name="lanes-heartbeat", daemon=True
        )
        self._dispatching = threading.Thread(target=self._dispatch, name="lanes", daemon=True)
        self._beating.start()
        self._dispatching.start()

    def stop(self) -> None:
        """Finishes the running jobs and leaves the rest to other workers."""
        self._stopping.set()
        self.wake()
        for thread in (self._dispatching, self._beating):
            if thread:
                thread.join()
        if self._pool:
            self._pool.shutdown(wait=True)
        self.heartbeat.sign_off()

    def is_due(self, due_at: datetime) -> bool:
        """See `SlotProvider`."""
        return due_at <= self.clock.now()

    def reserve(self, lane: str) -> Slot | None:
        """See `SlotProvider`: reserves a free thread for a lane that is about to be opened."""
        queue = queue_of(lane)
        if self._steps.slots is not None and queue in self._threads:
            return Slot(lane, self.heartbeat.id, leases.new_grant())
        with self._changed:
            if not self._pool or self._stopping.is_set():
                return None
            if self._free.get(queue, 0) <= 0:
                self._behind.add(queue)
                return None
            if self.backpressure.is_on():
                return None
            self._free[queue] -= 1
        return Slot(lane, self.heartbeat.id, leases.new_grant())

    def release(self, reserved: Sequence[Slot], started: Sequence[Slot]) -> None:
        """See `SlotProvider`."""
        if self._steps.slots is not None:
            self._steps.slots += started
            return
        for slot in reserved:
            if slot in started:
                self._start(slot)
            elif not slot.follows:
                # Its reason may be a due lane that this transaction could not start.
                self._free_slot(queue_of(slot.lane), more=not slot.is_done)

    def _start(self, slot: Slot) -> None:
        """Runs a lane, in this thread if it is about to be free, because switching threads costs
        time.
        """
        if slot.follows:
            with self._changed:
                self._free[queue_of(slot.lane)] -= 1
        if not self._mine.keep(slot):
            self._submit(permit_of(slot), slot)

    def _start_other(self, slot: Slot) -> None:
        self._submit(permit_of(slot), slot)

    def doubt(self, started: Sequence[Slot]) -> None:
        """See `SlotProvider`: if they are leased, no thread will ever run them."""
        for slot in started:
            self._held.left(slot.lane, slot.grant)

    @property
    def is_behind(self) -> bool:
        """Returns whether lanes wait because all threads of their queue are busy."""
        return bool(self._behind)

    def _lease_next(self, tx: Transaction, queue: str) -> Slot | None:
        """Under load: leases the next lane for a thread directly, without the dispatcher."""
        if queue not in self._behind or self._stopping.is_set() or self.backpressure.is_on():
            return None
        now, besides = self.clock.now(), self._held.lanes()
        for lane, grant in leases.lease(tx, self.heartbeat.id, queue, now, 1, besides).items():
            return Slot(lane, self.heartbeat.id, grant, store.head(tx, lane), follows=True)
        self._behind.discard(queue)
        return None

    def wake(self) -> None:
        """Hint that there may be work."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def run_until_idle(self, limit: int = 10_000) -> int:
        """Runs due jobs in this thread until none is left; returns the number of rounds. For tests."""
        for taken in range(limit):
            if not self._run_round():
                return taken
        raise RuntimeError(f"still busy after {limit} rounds")

    def _run_round(self) -> bool:
        self._held.let_go()
        with self.stepping():
            return self.run_once()

    @contextmanager
    def stepping(self) -> Iterator[None]:
        """Lanes started inside are run at the end, as threads would do. For tests."""
        outer = self._steps.slots
        slots = self._steps.slots = list[Slot]() if outer is None else outer
        try:
            yield
            while slots:
                slot = slots.pop(0)
                with self._held.running(slot.lane, slot.grant):
                    self._run.lane(slot.lane, slot.grant, slot.job, begun=slot.begun)
        finally:
            self._steps.slots = outer
            for slot in slots:
                self._held.left(slot.lane, slot.grant)

    def run_once(self) -> bool:
        """Runs one due lane of each queue in this thread; False if none is due. For tests."""
        self.heartbeat.keep_up()
        permits, _ = self._lease(dict.fromkeys(self._threads, 1))
        for lease in permits:
            with self._held.running(lease.lane, lease.grant):
                self._run.lane(lease.lane, lease.grant, paid=lease.budget)
        return bool(permits)

    # -- dispatching

    def _dispatch(self) -> None:
        while not self._stopping.is_set():
            try:
                pause = self._start_what_is_due()
            except DatabaseAway as error:
                logger.warning("leasing lanes failed", extra={"why": str(error)})
                pause = self.poll
            except Exception:
                logger.exception("leasing lanes failed")
                pause = self.poll
            with self._changed:
                if not self._woken and not self._stopping.is_set():
                    self._changed.wait(pause)
                self._woken = False

    def _start_what_is_due(self) -> float:
        """Gives due lanes to free threads; returns the seconds to wait for a hint."""
        self._held.let_go()
        with self._changed:
            free = {queue: count for queue, count in self._free.items() if count > 0}
        if self.backpressure.is_on():
            return LULL
        if not free or self._pool is None:
            return self.poll
        permits, pause = self._lease(free)
        for lease in permits:
            with self._changed:
                self._free[lease.queue] -= 1
                if self._free[lease.queue] <= 0:  # there may be more of them
                    self._behind.add(lease.queue)
            self._submit(lease)
        return pause

    def _lease(self, free: Mapping[str, int]) -> tuple[list[Permit], float]:
        """Returns leased lanes, and the seconds until the next possible one."""
        now = self.clock.now()
        with self.database.read() as tx:
            found = leases.next_due(tx, now, self.heartbeat.id)
            due = {queue: at for queue, at in found.items() if free.get(queue)}
            next_permits = self.limiter.next_permits(tx, now, self.heartbeat.id)
        later = [at for at in (*due.values(), *next_permits.values()) if at > now]
        pause = min([self.poll, *((at - now).total_seconds() for at in later)])
        queues = [queue for queue, at in due.items() if at <= now]
        budgets = [budget for budget, at in next_permits.items() if at <= now]
        if not queues and not budgets:
            return [], pause
        return self._take(queues, budgets, free, now), pause

    def _take(
        self,
        queues: Sequence[str],
        budgets: Sequence[str],
        free: Mapping[str, int],
        now: datetime,
    ) -> list[Permit]:
        """Leases lanes that waited for a rate limit before other due ones, because they have waited
        longer.
        """
        left = dict(free)
        taken: list[Permit] = []
        besides = self._held.lanes()
        try:
            with self.database.write() as tx:
                taken += self.limiter.grant(tx, budgets, self.heartbeat.id, left, now, besides)
                for each in taken:
                    left[each.queue] -= 1
                for queue in queues:
                    leased = leases.lease(tx, self.heartbeat.id, queue, now, left[queue], besides)
                    taken += [Permit(lane, queue, "", grant) for lane, grant in leased.items()]
        except DatabaseAway:  # it may still have committed
            for each in taken:
                self._held.left(each.lane, each.grant)
            raise
        return taken

    def _submit(self, lease: Permit, slot: Slot | None = None) -> None:
        """Runs a lane on a thread whose slot is already taken."""
        pool = self._pool
        try:
            if pool:
                pool.submit(self._run_lanes, lease, slot)
        except RuntimeError:  # the process ends, or the system has no more threads
            logger.exception("lane cannot be run")
            self._held.left(lease.lane, lease.grant)
            self._free_slot(lease.queue, more=False)

    def _run_lanes(self, lease: Permit, slot: Slot | None) -> None:
        """Runs a lane and the lanes started by it."""
        with self._mine.kept():
            self._run_and_free(lease, slot)
            while following := self._mine.last():
                self._run_and_free(permit_of(following), following)

    def _run_and_free(self, lease: Permit, slot: Slot | None) -> None:
        more = False
        job, begun = (slot.job, slot.begun) if slot else (None, None)
        try:
            with self._held.running(lease.lane, lease.grant):
                if begun is None:
                    self.backpressure.hold_off()
                more = self._run.lane(lease.lane, lease.grant, job, lease.budget, begun)
        except DatabaseAway:
            self._held.left(lease.lane, lease.grant)
        except BaseException:  # otherwise the executor would swallow it
            logger.exception("lane was left", extra={"queue": lease.queue})
            self._held.left(lease.lane, lease.grant, rest=True)
        finally:
            self._free_slot(lease.queue, more=more)

    def _free_slot(self, queue: str, *, more: bool) -> None:
        with self._changed:
            waited_for = self._free[queue] <= 0
            self._free[queue] += 1
        if more or waited_for:
            self.wake()
