"""Handlers: the code that runs one kind of job, and the registry of kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from handoff_bot.jobs.job import Job
from handoff_bot.jobs.rate_limits import Cost
from handoff_bot.storage.transaction import Transaction

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
"""Runs jobs of unknown kinds: each is retried until it fails."""


class JobKind:
    """One kind of job: its stored name, its handler, and the queues of its lanes.

    A stored name must stay registered, or its jobs fail after an upgrade: `formerly` is the name
    that earlier versions stored.
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
