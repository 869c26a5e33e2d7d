"""Handlers: the code that runs one kind of job, the registry of kinds, and what becomes of a failed job."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Generic, TypeVar

from sqlalchemy import bindparam, select, update

from handoff_bot.domain.errors import (
    DatabaseAway,
    DeskLimited,
    DeskOutcomeUnknown,
    OutcomeUnknown,
    ProviderFailure,
    Undecryptable,
)
from handoff_bot.jobs import store
from handoff_bot.jobs.job import WORK, Job, enqueuer_of
from handoff_bot.jobs.rate_limits import Cost, RateLimiter
from handoff_bot.ports import Clock
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

# -- handlers, and the registry of kinds

Plan = TypeVar("Plan")
Result = TypeVar("Result")

ADMINS = "the admins"
"""Value of `Handler.told` if admins are told about every failed job."""


class JobHandler(Generic[Plan, Result]):
    """Interface between the runner and a kind of job; inherit from `ProviderJob` or
    `TransactionJob`.

    Attributes:
        repeatable: True if repeating `call` is harmless (a query, an update).
        coalesces: its jobs have a key that is released when they start.
        batches: one call may cover several jobs of a lane; see `batch`.
        chained: prepared in the enqueuing transaction if its lane is idle and a thread is free. It
            enqueues nothing in lanes of its own queue.
        give_up_after: how long temporary failures are retried, from the due time.
        settle: how long after it began a call's effect may still appear at the provider; None for
            the worker's default.
        told: who is told when a job fails, or why nobody needs to be. `on_failed` tells them,
            unless it is `ADMINS`. Admins are always told about a bug.
    """

    told = ""

    repeatable = False
    coalesces = False
    batches = False
    chained = False
    give_up_after = timedelta(hours=4)
    settle: timedelta | None = None

    def cost(self, tx: Transaction, job: Job) -> Cost:
        """Returns the rate-limit cost of the call."""
        return ()

    def batch(self, tx: Transaction, job: Job) -> tuple[Job, ...]:
        """Returns the following jobs covered by the same call; the other phases find them as
        `job.more`.
        """
        return ()

    def prepare(self, tx: Transaction, job: Job) -> Plan | None:
        """Returns the plan for `call`; None if the job is done in this transaction."""
        raise NotImplementedError

    def call(self, plan: Plan) -> Result:
        """Runs the slow part. Raises ProviderFailure; any other exception is a bug."""
        raise NotImplementedError

    def finish(self, tx: Transaction, job: Job, plan: Plan, result: Result) -> None:
        """Records the result."""

    def recover(self, job: Job, begun_at: datetime) -> tuple[Plan, Result] | None:
        """Asks the provider about an interrupted call. None if no effect is found: the call is
        repeated once `settle` is over.
        """
        return None

    def on_retry(self, tx: Transaction, job: Job, plan: Plan | None, error: Exception) -> None:
        """Called before a retry; `job.begun_at` is set if the call may have had an effect."""

    def on_failed(self, tx: Transaction, job: Job, plan: Plan | None, error: Exception) -> None:
        """Called when the job fails for good: tells those in `told`; `job.begun_at` as in `on_retry`."""


class ProviderJob(JobHandler[Plan, Result]):
    """A kind of job that calls a provider: `prepare`, `call`, `finish`.

    `prepare` and `finish` each run in a transaction, `call` outside of any. Unless `repeatable`,
    the job is marked as begun before `call`; if it is found begun, `recover` asks the provider
    first.
    """


class TransactionJob(JobHandler[None, None]):
    """A kind of job that runs in one transaction."""

    def run(self, tx: Transaction, job: Job) -> None:
        """Does all the work. An exception rolls everything back."""
        raise NotImplementedError

    def prepare(self, tx: Transaction, job: Job) -> None:
        """Adapts `run` for the runner."""
        self.run(tx, job)


AnyHandler = JobHandler[Any, Any]
UNKNOWN_KIND = AnyHandler()
"""Runs jobs of unknown kinds, which no newer program has run: each is retried until it fails."""
LEFT_FOR = timedelta(hours=1)
"""How long a job of an unknown kind is left to a program of a newer version, since it was first left.

Not from its due time: it may have waited behind another job, or all processes were stopped.
"""
LOOK_AGAIN, LOOK_SELDOM = 1.0, 60.0
"""Seconds for which this program leaves such a lane alone: as long as the job is late, within these."""


def left_until(since: datetime, now: datetime) -> datetime | None:
    """Returns until when a lane is left to newer programs, which know its first job; None if they had
    their time. `since` is when it was first left.
    """
    late = now - since
    if late >= LEFT_FOR:
        return None
    return now + timedelta(seconds=min(max(late.total_seconds(), LOOK_AGAIN), LOOK_SELDOM))


class _Unreadable(AnyHandler):
    """Fails a job whose payload cannot be decrypted; it can be retried when its key is back."""

    def prepare(self, tx: Transaction, job: Job) -> Any:
        raise Undecryptable("The job's data cannot be decrypted.")


UNREADABLE = _Unreadable()


class JobKind:
    """One kind of job: its stored name, its handler, and the queues of its lanes.

    A stored name must stay registered, or its jobs wait for an hour after an upgrade and fail:
    `formerly` is the name that earlier versions stored.
    """

    def __init__(self, name: str, handler: AnyHandler, *queues: str, formerly: str = "") -> None:
        self.name = name
        self.formerly = formerly
        self.handler = handler
        self.queues = frozenset(queues)


class Registry(dict[str, AnyHandler]):
    """Kind of job -> handler.

    Args:
        threads: queue -> number of lanes run at once, so that a slow provider only fills its own
            threads.

    Attributes:
        renamed: kind that earlier versions stored -> its present name.
    """

    def __init__(self, threads: Mapping[str, int], kinds: Iterable[JobKind] = ()) -> None:
        super().__init__()
        self.threads = dict(threads)
        self.queues: dict[str, frozenset[str]] = {}
        self.renamed: dict[str, str] = {}
        for kind in kinds:
            self.add(kind)

    def add(self, kind: JobKind) -> None:
        """Registers a kind.

        Raises:
            ValueError: the name is taken, or a queue has no threads.
        """
        if {kind.name, kind.formerly} & (self.keys() | self.renamed.keys()):
            raise ValueError(f"job kind {kind.name} is registered already")
        unknown = kind.queues - self.threads.keys()
        if unknown or not kind.queues:
            raise ValueError(f"job kind {kind.name}: no threads for its queues {sorted(unknown)}")
        self[kind.name] = kind.handler
        self.queues[kind.name] = kind.queues
        if kind.formerly:
            self.renamed[kind.formerly] = kind.name

    def __missing__(self, kind: str) -> AnyHandler:
        """Finds a kind by the name that earlier versions stored."""
        return self[self.renamed[kind]]


# -- failed jobs: retried later or marked as failed, then listed, retried or dismissed by operators

FEWEST_TRIES = 5
"""Minimum tries for a provider error with an unknown code."""
FIRST_DELAY = 0.5
LONGEST_DELAY = 60.0
LONGEST_DELAY_UNSURE = 600.0
BUG_ATTEMPTS = 5
AWAY_ATTEMPTS = 20
"""Minimum tries of a job that loses the database while other transactions succeed."""
AWAY = "the database did not respond"
"""Prefix of the error of such a job."""
UNHANDLED = "its failure could not be handled"
"""Prefix of the error of a job whose handler failed in `on_retry` or `on_failed`."""


OnGivenUp = Callable[[Transaction, Job, str, datetime], None]
"""Called in the transaction that marks a job as failed, with the error text and the time."""


def tell_nobody(tx: Transaction, job: Job, error: str, now: datetime) -> None:
    """For workers whose operator reads the list of failed jobs."""


class Failures:
    """Records failures of jobs in the caller's transaction."""

    def __init__(
        self,
        clock: Clock,
        jitter: random.Random,
        limiter: RateLimiter,
        on_given_up: OnGivenUp = tell_nobody,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._limiter = limiter
        self._on_given_up = on_given_up

    def log(self, job: Job, error: Exception) -> None:
        """Logs a provider error as one line, a bug with its traceback."""
        told = {"work_id": job.id, "kind": job.kind, "attempt": job.attempts + 1}
        if isinstance(error, ProviderFailure):
            logger.warning("work failed", extra=told | {"code": error.code})
        elif isinstance(error, DatabaseAway):
            logger.warning("work failed", extra=told | {"why": str(error)})
        else:
            logger.error("work failed", extra=told, exc_info=error)

    def handle(
        self, tx: Transaction, job: Job, handler: AnyHandler, plan: Any, error: Exception
    ) -> bool:
        """Calls the handler's hook. Returns True if the job is retried, so the lane must wait."""
        now = self._clock.now()
        if isinstance(error, DeskLimited) and plan is not None:
            self._limiter.hold(tx, handler.cost(tx, job), error.retry_after, now)
        begun = self._may_have_happened(job, handler, plan, error)
        job = replace(job, begun_at=(job.begun_at or now) if begun else None)
        if self._is_hopeless(job, handler, error, now):
            self._give_up(tx, job, handler, plan, error)
            return False
        handler.on_retry(tx, job, plan, error)
        store.retry_at(tx, job, now + self._delay(job, error), _in_words(error), begun=begun)
        return True

    def note(
        self, tx: Transaction, job: Job, handler: AnyHandler, plan: Any, error: Exception
    ) -> bool:
        """Records a failure without the handler's hook, which itself failed. Returns True if the
        job is retried.

        A job that was about to fail gets one more chance.
        """
        now, words = self._clock.now(), f"{UNHANDLED}: {_in_words(error)}"
        if job.error.startswith(UNHANDLED) and self._is_hopeless(job, handler, error, now):
            self._on_given_up(tx, job, words, now)
            store.fail(tx, job, now, words)
            return False
        begun = self._may_have_happened(job, handler, plan, error)
        store.retry_at(tx, job, now + self._delay(job, error), words, begun=begun)
        return True

    def _give_up(
        self, tx: Transaction, job: Job, handler: AnyHandler, plan: Any, error: Exception
    ) -> None:
        if job.more:
            store.separate(tx, job)
        else:
            handler.on_failed(tx, job, plan, error)
            if handler.told in ("", ADMINS) or not isinstance(error, ProviderFailure):
                self._on_given_up(tx, job, _in_words(error), self._clock.now())
            store.fail(tx, job, self._clock.now(), _in_words(error))

    def _may_have_happened(
        self, job: Job, handler: AnyHandler, plan: Any, error: Exception
    ) -> bool:
        """Returns whether the provider must be asked before the call is repeated; always after a
        bug during the call.
        """
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
        if isinstance(error, DatabaseAway):  # once may be an outage's end, hours after its due time
            is_patient = job.attempts + 1 < AWAY_ATTEMPTS or not job.error.startswith(AWAY)
            return not is_patient and now - job.first_due_at > handler.give_up_after
        return job.attempts + 1 >= BUG_ATTEMPTS

    def _delay(self, job: Job, error: Exception) -> timedelta:
        """Exponential backoff with 50 % jitter; never sooner than the provider requested."""
        asked = error.retry_after if isinstance(error, ProviderFailure) else None
        is_unsure = isinstance(error, ProviderFailure) and error.patience is not None
        longest = LONGEST_DELAY_UNSURE if is_unsure else LONGEST_DELAY
        backoff = min(longest, FIRST_DELAY * 2.0 ** min(job.attempts, 11))
        if asked is not None:
            return timedelta(seconds=asked + self._jitter.uniform(0, FIRST_DELAY))
        return timedelta(seconds=backoff * self._jitter.uniform(0.5, 1.5))


def _in_words(error: Exception) -> str:
    """Returns the error to store: our own messages; for a bug only its type, as its text may
    contain anything.
    """
    if isinstance(error, DatabaseAway):  # whose text is the name of a type too
        return f"{AWAY}: {error}"
    return str(error) if isinstance(error, ProviderFailure) else type(error).__name__


_COLUMNS = (
    WORK.c.id,
    WORK.c.kind,
    WORK.c.lane,
    WORK.c.payload,
    WORK.c.status,
    WORK.c.first_due_at,
    WORK.c.finished_at,
    WORK.c.attempts,
    WORK.c.error,
)
_FAILED = WORK.c.status == "failed"


@dataclass(frozen=True)
class GivenUp:
    """One failed job; `payload` may contain customer text."""

    id: int
    kind: str
    lane: str
    payload: dict[str, Any]
    status: str
    first_due_at: datetime
    finished_at: datetime | None
    attempts: int
    error: str


def given_up(tx: Transaction, limit: int) -> Sequence[GivenUp]:
    """Returns the open failed jobs, newest first."""
    found = select(*_COLUMNS).where(_FAILED).order_by(WORK.c.id.desc()).limit(limit)
    return [GivenUp(*row) for row in tx.core.execute(found)]


def find_failed(tx: Transaction, job_id: int) -> GivenUp | None:
    """Returns an open failed job."""
    row = tx.core.execute(select(*_COLUMNS).where(WORK.c.id == job_id, _FAILED)).first()
    return GivenUp(*row) if row else None


def failed_job(tx: Transaction, job_id: int) -> GivenUp | None:
    """Same as `find_failed`, locked until commit."""
    found = select(*_COLUMNS).where(WORK.c.id == job_id, _FAILED).with_for_update()
    row = tx.core.execute(found).first()
    return GivenUp(*row) if row else None


def settle_failed(tx: Transaction, kind: str, now: datetime, **payload: int) -> None:
    """Dismisses failed jobs of this kind and payload, because another job has done their work."""
    named = {f"its_{name}": value for name, value in payload.items()}
    _settle(tuple(payload)).run(tx.core, {"of": kind, "now": now, **named})


@cache
def _settle(names: tuple[str, ...]) -> Prepared:
    fits = [WORK.c.payload[name].as_integer() == bindparam(f"its_{name}") for name in names]
    return Prepared(
        update(WORK)
        .where(_FAILED, WORK.c.kind == bindparam("of"), *fits)
        .values(status="dismissed", finished_at=bindparam("now"))
    )


_SETTLE_LANE = Prepared(
    update(WORK)
    .where(_FAILED, WORK.c.kind == bindparam("of"), WORK.c.lane == bindparam("its"))
    .values(status="dismissed", finished_at=bindparam("now"))
)


def settle_failed_lane(tx: Transaction, kind: str, lane: str, now: datetime) -> None:
    """Same for a lane where only the latest state matters."""
    _SETTLE_LANE.run(tx.core, {"of": kind, "its": lane, "now": now})


def make_ready(tx: Transaction, job: GivenUp, payload: dict[str, Any], now: datetime) -> None:
    """Retries a job before the other jobs of its lane. If the call's outcome is unknown, the
    provider is asked first.
    """
    enqueuer_of(tx).wake(job.lane, now)
    tx.core.execute(
        update(WORK)
        .where(WORK.c.id == job.id)
        .values(
            status="ready",
            payload=payload,
            due_at=now,
            first_due_at=now,
            finished_at=None,
            attempts=0,
        )
    )


def dismiss_failed(tx: Transaction, job: GivenUp, now: datetime) -> None:
    """Dismisses a job; it is pruned like a done job."""
    changed = update(WORK).where(WORK.c.id == job.id)
    tx.core.execute(changed.values(status="dismissed", finished_at=now))
