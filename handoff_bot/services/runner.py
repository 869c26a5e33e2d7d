"""Runs the rows of one leased lane, oldest first, and records the outcome of each step."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Generic, NoReturn, TypeVar

from handoff_bot.domain.errors import (
    DeskLimited,
    DeskOutcomeUnknown,
    LeaseLost,
    OutcomeUnknown,
    ProviderFailure,
)
from handoff_bot.domain.pacing import Turn
from handoff_bot.ports import Clock
from handoff_bot.services import alarms
from handoff_bot.services.pacing import Pacer
from handoff_bot.storage import jobs, work
from handoff_bot.storage.database import Database
from handoff_bot.storage.transaction import Job, Transaction

logger = logging.getLogger(__name__)

Plan = TypeVar("Plan")
Result = TypeVar("Result")

ADMINS = "the admins"
"""What `Handler.told` says where the runner itself tells of every row that is given up."""
FEWEST_TRIES = 5
"""Of a refusal that the provider words in a way that we do not know."""
FIRST_DELAY = 0.5
LONGEST_DELAY = 60.0
LONGEST_DELAY_UNSURE = 600.0
BUG_ATTEMPTS = 5
SLICE = 25
"""Rows a worker runs before it lets another lane have the thread."""


class Handler(Generic[Plan, Result]):
    """What to do with one kind of work, in three phases.

    `prepare` and `finish` each run in a transaction, `call` outside of any. Unless `repeatable`, the row
    is recorded as begun before `call`; when it is found begun, `recover` asks the provider first.

    Attributes:
        repeatable: doing `call` twice is harmless (a question, a redraw).
        coalesces: its rows have a key that is forgotten when they start.
        gathers: one call may be for several rows of a lane; see `together`.
        give_up_after: how long temporary failures are tried again, from when the row was due.
        told: to whom it is told when a row is given up, or why nobody needs to be told. `park` tells them,
            unless it is `ADMINS`. Of a bug the admins are told in any case.
    """

    told = ""

    repeatable = False
    coalesces = False
    gathers = False
    give_up_after = timedelta(hours=4)

    def turn(self, tx: Transaction, job: Job) -> Turn:
        """What the call takes of the provider's limits."""
        return ()

    def together(self, tx: Transaction, job: Job) -> tuple[Job, ...]:
        """Rows right behind it that the same call is for; the other phases find them as `job.more`."""
        return ()

    def prepare(self, tx: Transaction, job: Job) -> Plan | None:
        """What to call with; None when the transaction was all there was to do."""
        raise NotImplementedError

    def call(self, plan: Plan) -> Result:
        """The slow part. Raises ProviderFailure; anything else is a bug."""
        raise NotImplementedError

    def finish(self, tx: Transaction, job: Job, plan: Plan, result: Result) -> None:
        """Record the result."""

    def recover(self, job: Job, begun_at: datetime) -> tuple[Plan, Result] | None:
        """Ask the provider what became of a call; None when it had no effect and may be made again."""
        return None

    def retreat(self, tx: Transaction, job: Job, plan: Plan | None, error: Exception) -> None:
        """The call failed for now and will be made again; `job.begun_at` if it may have had an effect."""

    def park(self, tx: Transaction, job: Job, plan: Plan | None, error: Exception) -> None:
        """The row is given up: show it to those who must know; `job.begun_at` as in `retreat`."""


class _Waits(Exception):
    """The lane was let go of until it is its turn."""


def _leave() -> NoReturn:
    raise _Waits


AnyHandler = Handler[Any, Any]
NOBODY = AnyHandler()
"""Runs work of a kind that this version does not know: fails until it is parked."""


class Runner:
    """Runs leased lanes; one for all threads of a process."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, AnyHandler],
        clock: Clock,
        jitter: random.Random,
        pacer: Pacer,
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._clock = clock
        self._jitter = jitter
        self._pacer = pacer

    def lane(self, lane: str, worker: str, known: Job | None = None, paid: str = "") -> bool:
        """Run due rows of a lane that this worker holds, and let go of it. True if some were left.

        `known` is its first row, when the caller knows it; `paid` the budget that it has been waiting for.
        """
        try:
            is_due = known is not None and known.due_at <= self._clock.now()
            job = known if is_due else self._first(lane, worker)
            for remaining in reversed(range(SLICE)):
                if job is None:
                    return False
                job = self._row(job, worker, last=remaining == 0, paid=paid)
                paid = ""
        except _Waits:
            return True
        except LeaseLost:
            logger.warning("lane was taken over by another worker")
        return True

    def _first(self, lane: str, worker: str) -> Job | None:
        with self._database.read() as tx:
            job = work.head(tx, lane)
        if job and job.due_at <= self._clock.now():
            return job
        with self._database.write() as tx:
            return self._next(tx, lane, worker)

    def _next(self, tx: Transaction, lane: str, worker: str, *, last: bool = False) -> Job | None:
        """The lane's first row if it may run now; otherwise let go of the lane."""
        tx.flush_work(lane)
        # The lane is held before its rows are looked at: who appends a row in this very moment comes
        # either before the look or after the lane was let go of, so no row is left in a lane that
        # counts as empty.
        tx.check_lease(lane, worker)
        job = work.head(tx, lane)
        if job and job.due_at <= self._clock.now() and not last:
            return job
        work.release(tx, lane, worker, job.due_at if job else None)
        return None

    def _row(self, job: Job, worker: str, *, last: bool, paid: str) -> Job | None:
        """Run one row, and those that go with it, through the phases; says which row is next."""
        handler = self._handlers.get(job.kind, NOBODY)
        plan: Any = None
        try:
            if job.begun_at:
                job = self._as_begun(handler, job)
            recovered = handler.recover(job, job.begun_at) if job.begun_at else None
            if recovered:
                plan, result = recovered
            else:
                with self._database.write() as tx:
                    waits = self._must_wait(tx, handler, job, worker, paid)
                    if not waits:
                        job, plan = self._prepare(tx, handler, job, worker)
                        if plan is None:
                            work.complete(tx, job, self._clock.now())
                            return self._next(tx, job.lane, worker, last=last)
                        tx.flush_work(job.lane)
                        tx.check_lease(job.lane, worker)
                if waits:
                    _leave()
                result = handler.call(plan)
            with self._database.write() as tx:
                self._finish(tx, handler, job, plan, result)
                return self._next(tx, job.lane, worker, last=last)
        except (LeaseLost, _Waits):
            raise
        except Exception as error:  # the one place: whatever it is, it is recorded on the row
            return self._failed(job, handler, plan, error, worker, last=last)

    def _finish(
        self, tx: Transaction, handler: AnyHandler, job: Job, plan: Any, result: Any
    ) -> None:
        handler.finish(tx, job, plan, result)
        if handler.coalesces:  # the latest state is there, so earlier failures are made good
            jobs.settle_lane(tx, job.kind, job.lane, self._clock.now())
        work.complete(tx, job, self._clock.now())

    def _as_begun(self, handler: AnyHandler, job: Job) -> Job:
        """The row with those that were begun with it."""
        if not handler.gathers:
            return job
        with self._database.read() as tx:
            return replace(job, more=work.begun_with(tx, job))

    def _must_wait(
        self, tx: Transaction, handler: AnyHandler, job: Job, worker: str, paid: str
    ) -> bool:
        """Take its turn, or let go of the lane until it is its turn."""
        if not self._pacer.rates:
            return False
        now = self._clock.now()
        lacking = self._pacer.admit(tx, handler.turn(tx, job), paid, now)
        if lacking is None:
            return False
        if job.begun_at:
            work.unbegin(tx, job)
        self._pacer.wait(tx, job, worker, lacking, now)
        return True

    def _prepare(
        self, tx: Transaction, handler: AnyHandler, job: Job, worker: str
    ) -> tuple[Job, Any]:
        """The row with those that go with it, and what to call with."""
        if job.begun_at:
            work.unbegin(tx, job)
        if handler.coalesces:
            # The lane before the row, as those who ask for a redraw do, or the two could deadlock.
            tx.check_lease(job.lane, worker)
            work.forget_key(tx, job)
        job = replace(job, more=handler.together(tx, job) if handler.gathers else ())
        plan = handler.prepare(tx, job)
        if plan is not None and not handler.repeatable:
            work.begin(tx, job, self._clock.now())
        return job, plan

    def _failed(
        self,
        job: Job,
        handler: AnyHandler,
        plan: Any,
        error: Exception,
        worker: str,
        *,
        last: bool,
    ) -> Job | None:
        ours = isinstance(error, ProviderFailure)
        log = logger.warning if ours else logger.exception
        log(
            "work failed",
            extra={"work_id": job.id, "kind": job.kind, "attempt": job.attempts + 1}
            | ({"code": error.code} if isinstance(error, ProviderFailure) else {}),
        )
        now = self._clock.now()
        with self._database.write() as tx:
            if isinstance(error, DeskLimited) and plan is not None:
                self._pacer.hold(tx, handler.turn(tx, job), error.retry_after, now)
            begun = self._may_have_happened(job, handler, plan, error)
            job = replace(job, begun_at=(job.begun_at or now) if begun else None)
            if self._is_hopeless(job, handler, error, now):
                self._give_up(tx, job, handler, plan, error)
                return self._next(tx, job.lane, worker, last=last)
            handler.retreat(tx, job, plan, error)
            work.retry_at(tx, job, now + self._delay(job, error), _in_words(error), begun=begun)
            return self._next(tx, job.lane, worker, last=True)

    def _give_up(
        self, tx: Transaction, job: Job, handler: AnyHandler, plan: Any, error: Exception
    ) -> None:
        if job.more:
            work.separate(tx, job)
        else:
            handler.park(tx, job, plan, error)
            if handler.told in ("", ADMINS) or not isinstance(error, ProviderFailure):
                alarms.given_up(tx, job, _in_words(error), self._clock.now())
            work.park(tx, job, self._clock.now(), _in_words(error))

    def _may_have_happened(
        self, job: Job, handler: AnyHandler, plan: Any, error: Exception
    ) -> bool:
        """Must the provider be asked before the call is made again? After a bug in mid-call it must."""
        if plan is None:
            return job.begun_at is not None
        if isinstance(error, ProviderFailure):
            return isinstance(error, OutcomeUnknown | DeskOutcomeUnknown)
        return not handler.repeatable

    def _is_hopeless(self, job: Job, handler: AnyHandler, error: Exception, now: datetime) -> bool:
        if isinstance(error, ProviderFailure):
            if error.patience is not None and job.attempts + 1 < FEWEST_TRIES:
                return False
            patience = error.patience or handler.give_up_after
            return error.permanent or now - job.first_due_at > patience
        return job.attempts + 1 >= BUG_ATTEMPTS

    def _delay(self, job: Job, error: Exception) -> timedelta:
        """Exponential, spread by half each way; never sooner than the provider asked for."""
        asked = error.retry_after if isinstance(error, ProviderFailure) else None
        is_unsure = isinstance(error, ProviderFailure) and error.patience is not None
        longest = LONGEST_DELAY_UNSURE if is_unsure else LONGEST_DELAY
        backoff = min(longest, FIRST_DELAY * 2.0 ** min(job.attempts, 11))
        if asked is not None:
            return timedelta(seconds=asked + self._jitter.uniform(0, FIRST_DELAY))
        return timedelta(seconds=backoff * self._jitter.uniform(0.5, 1.5))


def _in_words(error: Exception) -> str:
    """What to store of an error: our own words; of a bug its type alone, for its text may hold anything."""
    return str(error) if isinstance(error, ProviderFailure) else type(error).__name__
