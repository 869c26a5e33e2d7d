"""Runs the jobs of one leased lane, oldest first, and records the outcome of each phase."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NoReturn, TypeVar

from handoff_bot import spans
from handoff_bot.domain.errors import DatabaseAway, LeaseLost, ProviderFailure
from handoff_bot.jobs import leases, store
from handoff_bot.jobs.handler import (
    UNKNOWN_KIND,
    UNREADABLE,
    AnyHandler,
    Failures,
    OnGivenUp,
    left_until,
    settle_failed_lane,
    tell_nobody,
)
from handoff_bot.jobs.job import (
    Begun,
    Job,
    Slot,
    StartedLanes,
    enqueuer_of,
    of_job,
    queue_of,
    traced,
)
from handoff_bot.jobs.rate_limits import RateLimiter
from handoff_bot.ports import Clock
from handoff_bot.storage.database import PATIENCE, Database
from handoff_bot.storage.sealed import SEALED, is_readable
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

T = TypeVar("T")

SLICE = 25
"""Number of jobs before a worker gives the thread to another lane."""
RECORD_AGAIN = 0.5
"""Seconds between tries to record an outcome while the database is down."""
UNSETTLED = "waiting until the provider must know"


class _Waits(Exception):
    """The lane was released until its turn."""


class _ChainBroken(Exception):
    """A job could not be prepared in its enqueuing transaction."""


def _leave() -> NoReturn:
    raise _Waits


@dataclass(frozen=True)
class _Step:
    """One job in its phases; `last` if the lane must be released after it."""

    job: Job
    handler: AnyHandler
    grant: str
    last: bool


@dataclass(frozen=True)
class _Planned:
    """A prepared job; without a plan, it waits or is done, and `next` is the following job."""

    step: _Step
    plan: Any = None
    next: Job | None = None
    waits: bool = False


def _about(job: Job) -> dict[str, spans.Value]:
    """Returns what a span says of a job: of its lane, which names an address, only the queue."""
    return {
        "handoff.job.id": job.id,
        "handoff.job.kind": job.kind,
        "handoff.job.queue": queue_of(job.lane),
    }


MOST_LEFT = 10_000
"""Jobs of unknown kinds of which the time is remembered when they were first left."""


class Runner:
    """Runs leased lanes; one per process.

    Args:
        confirm: called with a lane, its grant and since when that is known, right before a call
            that must not be repeated. Raises LeaseLost if another worker may have leased the lane.
        settle: see `Worker`.
        stopping: set when the process ends, so no thread waits for a database that is down.
        others: the lanes that this thread has started.
    """

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, AnyHandler],
        clock: Clock,
        jitter: random.Random,
        limiter: RateLimiter,
        confirm: Callable[[str, str, datetime], None] = lambda _lane, _grant, _since: None,
        stopping: threading.Event | None = None,
        others: StartedLanes | None = None,
        on_given_up: OnGivenUp = tell_nobody,
        settle: timedelta = timedelta(),
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._clock = clock
        self._failures = Failures(clock, jitter, limiter, on_given_up)
        self._limiter = limiter
        self._confirm = confirm
        self._stopping = stopping or threading.Event()
        self._others = others or StartedLanes()
        self._settle = settle
        self._first_left: dict[int, datetime] = {}

    def lane(
        self,
        lane: str,
        grant: str,
        known: Job | None = None,
        paid: str = "",
        begun: Begun | None = None,
    ) -> bool:
        """Runs due jobs of a leased lane and releases it. Returns True if some were left.

        `known` is its first job if known, `begun` its prepared call, `paid` the budget it has
        waited for. After an exception (such as DatabaseAway), the lane stays leased and the caller
        must release it.
        """
        try:
            is_due = known is not None and known.due_at <= self._clock.now()
            job = known if is_due else self._first(lane, grant)
            for remaining in reversed(range(SLICE)):
                if job is None:
                    return False
                if remaining < SLICE - 1:
                    self._others.start()
                handler = self._handler_of(job)
                if handler is UNKNOWN_KIND:
                    self._leave_unknown(job, grant)
                step = _Step(job, handler, grant, last=remaining == 0)
                with traced(of_job(job.payload)):
                    logger.debug("job started", extra={"work_id": job.id, "kind": job.kind})
                    if spans.recorder is None:
                        job = self._row(step, paid, begun)
                    else:
                        job = self._recorded(spans.recorder, step, paid, begun)
                paid, begun = "", None
        except _Waits:
            return True
        except LeaseLost:
            logger.warning("lane was taken over by another worker")
        return True

    def _leave_unknown(self, job: Job, grant: str) -> None:
        """Leaves a lane to a program of a newer version while there may be one, without an attempt."""
        now = self._clock.now()
        if len(self._first_left) >= MOST_LEFT and job.id not in self._first_left:
            self._first_left.pop(next(iter(self._first_left)), None)
        until = left_until(self._first_left.setdefault(job.id, now), now)
        if until is None:
            return
        told = {"work_id": job.id, "kind": job.kind}
        logger.info("job of a newer version is left to it", extra=told)
        with self._database.write() as tx:
            leases.let_go(tx, job.lane, grant, until)
        _leave()

    def _first(self, lane: str, grant: str) -> Job | None:
        with self._database.read() as tx:
            job = store.head(tx, lane)
        if job and job.due_at <= self._clock.now():
            return job
        with self._database.write() as tx:
            return self._next(tx, lane, grant)

    def _next(self, tx: Transaction, lane: str, grant: str, *, last: bool = False) -> Job | None:
        """Returns the lane's first job if it may run now; otherwise releases the lane."""
        enqueuer = enqueuer_of(tx)
        enqueuer.flush(lane)
        job = None
        if not enqueuer.leaves_unopened(lane):
            now, is_locked = self._clock.now(), enqueuer.holds(lane)
            job = leases.go_on(tx, lane, grant, now, stop=last, is_locked=is_locked)
        if job is None and enqueuer.starts_lanes:
            following = self._others.lease_next(tx, queue_of(lane))
            if following:
                enqueuer.start(following)
        return job

    def _recorded(
        self, recorder: spans.Recorder, step: _Step, paid: str, begun: Begun | None
    ) -> Job | None:
        """Runs one job like `_row`, as a span."""
        waited = (self._clock.now() - step.job.due_at).total_seconds()
        about = {
            "handoff.job.attempt": step.job.attempts + 1,
            "handoff.job.wait_ms": max(0, round(1000 * waited)),
        }
        with recorder.span(
            f"job {step.job.kind}", spans.Kind.CONSUMER, _about(step.job) | about
        ) as span:
            try:
                job = self._row(step, paid, begun)
            except _Waits:
                span.note("handoff.outcome", "waits")
                raise
            return job

    def _row(self, step: _Step, paid: str, begun: Begun | None) -> Job | None:
        """Runs one job and its batch through the phases; returns the next job."""
        plan: Any = begun.plan if begun else None
        try:
            if step.job.begun_at:
                step = self._as_begun(step)
            recovered = self._recovered(step, step.job.begun_at) if step.job.begun_at else None
            if recovered:
                plan, result = recovered
            else:
                since = begun.since if begun else self._clock.now()
                if begun is None:
                    planned = self.write(lambda tx: self._planned(tx, step, paid))
                    if planned.waits:
                        _leave()
                    if planned.plan is None:
                        return planned.next
                    step, plan = planned.step, planned.plan
                result = self._call(step, plan, since)
            return self._record(step, lambda tx: self._finished(tx, step, plan, result))
        except (LeaseLost, _Waits):
            raise
        except Exception as error:  # the only catch-all: every error is recorded on the job
            return self._failed(step, plan, error)

    def _recovered(self, step: _Step, begun_at: datetime) -> tuple[Any, Any] | None:
        """Returns what the provider knows of an interrupted call; None if it can be repeated.

        The request may still be on its way: the worker that made it may only be slow.

        Raises:
            ProviderFailure: nothing is found, but the effect may still appear.
        """
        found = step.handler.recover(step.job, begun_at)
        if found:
            return found
        settle = self._settle if step.handler.settle is None else step.handler.settle
        remaining = (begun_at + settle - self._clock.now()).total_seconds()
        if remaining > 0:
            raise ProviderFailure(UNSETTLED, permanent=False, retry_after=remaining)
        return None

    def _planned(self, tx: Transaction, step: _Step, paid: str) -> _Planned:
        """Prepares a job, unless it must wait for a rate limit."""
        if self._must_wait(tx, step, paid):
            return _Planned(step, waits=True)
        step, plan = self._prepare(tx, step)
        if plan is None:
            return _Planned(step, next=self._done(tx, step))
        enqueuer_of(tx).flush(step.job.lane)
        leases.check_lease(tx, step.job.lane, step.grant)
        return _Planned(step, plan)

    def write(
        self,
        body: Callable[[Transaction], T],
        patience: float = PATIENCE,
        *,
        chained: bool = True,
    ) -> T:
        """Runs a transaction and prepares the jobs it enqueues. See `Worker.write`."""
        until = time.monotonic() + patience
        if chained:
            # A failing preparation fails again by itself, where it is recorded.
            with suppress(_ChainBroken), self._database.write(patience) as tx:
                made = body(tx)
                self._prepare_started(tx)
                return made
        with self._database.write(max(0.0, until - time.monotonic())) as tx:
            return body(tx)

    def _handler_of(self, job: Job) -> AnyHandler:
        if SEALED in job.payload and not is_readable(job.payload):
            return UNREADABLE
        try:
            return self._handlers[job.kind]
        except KeyError:
            return UNKNOWN_KIND

    def _prepare_started(self, tx: Transaction) -> None:
        """Prepares the jobs of started lanes, and of lanes started by those."""
        started, seen = enqueuer_of(tx).started, set[str]()
        while slot := next((each for each in started if each.grant not in seen), None):
            seen.add(slot.grant)
            handler = self._handler_of(slot.job) if slot.job else UNKNOWN_KIND
            if slot.job is None or not handler.chained:
                continue
            try:
                with traced(of_job(slot.job.payload)):
                    step = _Step(slot.job, handler, slot.grant, last=False)
                    if spans.recorder is None:
                        self._prepare_slot(tx, slot, step)
                        continue
                    name = f"prepare {slot.job.kind}"
                    with spans.recorder.span(name, spans.Kind.INTERNAL, _about(slot.job)):
                        self._prepare_slot(tx, slot, step)
            except (LeaseLost, DatabaseAway):
                raise
            except Exception as error:
                raise _ChainBroken from error

    def _prepare_slot(self, tx: Transaction, slot: Slot, step: _Step) -> None:
        """Continues with a lane leased in this transaction."""
        now = self._clock.now()
        if step.job.begun_at:
            return
        cost = step.handler.cost(tx, step.job) if self._limiter.rates else ()
        if step.job.due_at > now or (self._limiter.limits(cost) and not tx.is_sqlite):
            return  # on PostgreSQL budgets are locked before lanes, or two processes could deadlock
        lacking = self._limiter.admit(tx, cost, "", now)
        if lacking:
            enqueuer_of(tx).open([slot.lane])
            self._limiter.wait(tx, step.job, step.grant, lacking, now)
            enqueuer_of(tx).started.remove(slot)
            return
        if slot.follows and step.handler.batches:  # otherwise its job is the only one
            step = replace(
                step, job=replace(step.job, more=tuple(step.handler.batch(tx, step.job)))
            )
        plan = step.handler.prepare(tx, step.job)
        if plan is None:
            slot.job = self._done(tx, step)
            if slot.job is None:
                enqueuer_of(tx).finish(slot)
            return
        if not step.handler.repeatable:
            store.begin(tx, step.job, now)
        slot.job, slot.begun = step.job, Begun(plan, now)

    def _call(self, step: _Step, plan: Any, since: datetime) -> Any:
        if not step.handler.repeatable:
            self._confirm(step.job.lane, step.grant, since)
        if spans.recorder and step.job.more:
            spans.recorder.covers([of_job(other.payload) for other in step.job.more])
        with self._others.calling():
            return step.handler.call(plan)

    def _finished(self, tx: Transaction, step: _Step, plan: Any, result: Any) -> Job | None:
        step.handler.finish(tx, step.job, plan, result)
        if step.handler.coalesces:  # the latest state is shown, so earlier failures are settled
            settle_failed_lane(tx, step.job.kind, step.job.lane, self._clock.now())
        return self._done(tx, step)

    def _done(self, tx: Transaction, step: _Step) -> Job | None:
        store.complete(tx, step.job, self._clock.now())
        return self._next(tx, step.job.lane, step.grant, last=step.last)

    def _record(self, step: _Step, record: Callable[[Transaction], Job | None]) -> Job | None:
        """Records an outcome, however long the database is down: only this thread knows it.

        Raises:
            DatabaseAway: the process ends. The job stays begun, so the next process asks the
                provider.
        """
        try:
            return self.write(record)
        except DatabaseAway:
            logger.warning("outcome waits for the database", extra={"work_id": step.job.id})
        while True:
            if self._stopping.wait(RECORD_AGAIN):
                raise DatabaseAway("the process ends")
            with suppress(DatabaseAway):
                return self._record_again(step, record)

    def _record_again(self, step: _Step, record: Callable[[Transaction], Job | None]) -> Job | None:
        """Records an outcome unless a commit without a response has settled the job."""

        def recorded(tx: Transaction) -> Job | None:
            if self._is_settled(tx, step):
                return self._next(tx, step.job.lane, step.grant, last=step.last)
            return record(tx)

        return self.write(recorded)

    def _is_settled(self, tx: Transaction, step: _Step) -> bool:
        """Returns whether the last try was committed although its response was lost."""
        leases.check_lease(tx, step.job.lane, step.grant)
        return not store.is_open(tx, step.job)

    def _as_begun(self, step: _Step) -> _Step:
        """Returns the job with those begun in the same call."""
        if not step.handler.batches:
            return step
        with self._database.read() as tx:
            return replace(step, job=replace(step.job, more=store.begun_with(tx, step.job)))

    def _as_stored(self, step: _Step) -> _Step:
        """Returns the job as begun if a commit without a response says so."""
        with self._database.read() as tx:
            found = store.head(tx, step.job.lane)
        if found is None or found.id != step.job.id:
            return step
        return replace(step, job=replace(step.job, begun_at=found.begun_at))

    def _must_wait(self, tx: Transaction, step: _Step, paid: str) -> bool:
        """Takes the rate-limit cost, or releases the lane until its turn."""
        if not self._limiter.rates:
            return False
        job, now = step.job, self._clock.now()
        lacking = self._limiter.admit(tx, step.handler.cost(tx, job), paid, now)
        if lacking is None:
            return False
        if job.begun_at:
            store.unbegin(tx, job)
        self._limiter.wait(tx, job, step.grant, lacking, now)
        return True

    def _prepare(self, tx: Transaction, step: _Step) -> tuple[_Step, Any]:
        """Returns the job with its batch, and the plan."""
        job, handler = step.job, step.handler
        if job.begun_at:
            store.unbegin(tx, job)
        if handler.coalesces:
            # The lane before the job, as in `enqueue`; otherwise the two could deadlock.
            leases.check_lease(tx, job.lane, step.grant)
            store.forget_key(tx, job)
        job = replace(job, more=handler.batch(tx, job) if handler.batches else ())
        plan = handler.prepare(tx, job)
        if plan is not None and not handler.repeatable:
            store.begin(tx, job, self._clock.now())
        return replace(step, job=job), plan

    def _failed(self, step: _Step, plan: Any, error: Exception) -> Job | None:
        """Records a failure.

        Raises:
            DatabaseAway: as `_record`. If that was the failure, it is recorded at once or not at
                all: if the database does not respond to this either, the job is not the cause.
        """
        record = self._record
        if isinstance(error, DatabaseAway):
            if self._stopping.is_set():  # `_record` has waited for as long as it may
                raise error
            step, record = self._as_stored(step), self._record_again
        self._failures.log(step.job, error)
        if spans.recorder:
            spans.recorder.failed(error)
        try:
            return record(step, lambda tx: self._handled(tx, step, plan, error))
        except (LeaseLost, DatabaseAway):
            raise
        except Exception:  # a bug in these two must not prevent the job's retry
            logger.exception("handling a failure failed", extra={"work_id": step.job.id})
        return record(step, lambda tx: self._unhandled(tx, step, plan, error))

    def _handled(self, tx: Transaction, step: _Step, plan: Any, error: Exception) -> Job | None:
        retries = self._failures.handle(tx, step.job, step.handler, plan, error)
        return self._next(tx, step.job.lane, step.grant, last=step.last or retries)

    def _unhandled(self, tx: Transaction, step: _Step, plan: Any, error: Exception) -> Job | None:
        retries = self._failures.note(tx, step.job, step.handler, plan, error)
        return self._next(tx, step.job.lane, step.grant, last=step.last or retries)
