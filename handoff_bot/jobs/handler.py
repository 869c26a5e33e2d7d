"""What runs one kind of job."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from handoff_bot.jobs.job import Job
from handoff_bot.jobs.rates import Cost
from handoff_bot.storage.transaction import Transaction

Plan = TypeVar("Plan")
Result = TypeVar("Result")

ADMINS = "the admins"
"""What `Handler.told` says where they are told here of every row that is given up."""


class JobHandler(Generic[Plan, Result]):
    """What the runner asks of each kind of job; inherit from `ProviderJob` or `TransactionJob`.

    Attributes:
        repeatable: doing `call` twice is harmless (a question, a redraw).
        coalesces: its rows have a key that is forgotten when they start.
        batches: one call may be for several rows of a lane; see `batch`.
        chained: prepared in the transaction that enqueues it, where its lane is idle and a thread is free.
            It enqueues nothing in lanes of its own queue.
        give_up_after: how long temporary failures are tried again, from when the row was due.
        told: to whom it is told when a row is given up, or why nobody needs to be told. `on_failed`
            tells them, unless it is `ADMINS`. Of a bug the admins are told in any case.
    """

    told = ""

    repeatable = False
    coalesces = False
    batches = False
    chained = False
    give_up_after = timedelta(hours=4)

    def cost(self, tx: Transaction, job: Job) -> Cost:
        """What the call takes of the provider's limits."""
        return ()

    def batch(self, tx: Transaction, job: Job) -> tuple[Job, ...]:
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

    def on_retry(self, tx: Transaction, job: Job, plan: Plan | None, error: Exception) -> None:
        """It failed for now and is tried again; `job.begun_at` if the call may have had an effect."""

    def on_failed(self, tx: Transaction, job: Job, plan: Plan | None, error: Exception) -> None:
        """The row is given up: show it to those who must know; `job.begun_at` as in `on_retry`."""


class ProviderJob(JobHandler[Plan, Result]):
    """A kind of job that calls a provider: `prepare`, `call`, `finish`.

    `prepare` and `finish` each run in a transaction, `call` outside of any. Unless `repeatable`, the row
    is recorded as begun before `call`; when it is found begun, `recover` asks the provider first.
    """


class TransactionJob(JobHandler[None, None]):
    """A kind of job that is done in one transaction."""

    def run(self, tx: Transaction, job: Job) -> None:
        """Do all of it. What it raises undoes all of it."""
        raise NotImplementedError

    def prepare(self, tx: Transaction, job: Job) -> None:
        """The same, for the runner."""
        self.run(tx, job)


AnyHandler = JobHandler[Any, Any]
UNKNOWN_KIND = AnyHandler()
"""Runs jobs of a kind that this version does not know: each fails until it is given up."""
