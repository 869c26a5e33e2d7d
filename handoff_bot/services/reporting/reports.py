"""Reports requested in Slack: created by a job and sent as direct messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.files import File
from handoff_bot.jobs.enqueuing import enqueue_job
from handoff_bot.jobs.job import Job, NewJob
from handoff_bot.jobs.rate_limits import Cost
from handoff_bot.ports import Clock, Desk
from handoff_bot.services.outbox import alarms, outbox, slack_costs
from handoff_bot.services.outbox.slack_job import DeskHandler, mark_of
from handoff_bot.storage import log
from handoff_bot.storage.database import Database
from handoff_bot.storage.transaction import Transaction

REPORT = "desk.report"
FAILED = "Your report could not be created. {why} Request it again, or ask an admin."

Order = Mapping[str, Any]
"""JSON description of a report."""


@dataclass(frozen=True)
class Report:
    """Direct messages; the first one carries the file, if there is one."""

    posts: tuple[Post, ...]
    file: File | None = None


Maker = Callable[[Order], Report]


class Reports:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def order(self, to: str, kind: str, order: Order, key: str) -> None:
        """Enqueues a report for a person (Slack id), once for each key."""
        payload = {"to": to, "kind": kind, "order": dict(order)}
        with self._database.write() as tx:
            now = self._clock.now()
            work = NewJob(REPORT, f"tell:{to}", payload, due_at=now, key=f"report:{key}")
            enqueue_job(tx, work)
            log.record(tx, EventKind.REPORT_ORDERED, now, what=kind, by=to)


@dataclass(frozen=True)
class Ordered:
    to: str
    kind: str
    order: Order
    mark: str


class HandOver(DeskHandler[Ordered, tuple[Post, ...]]):
    """Creates a report, sends its first message and enqueues the others, each with its own retries
    and rate-limit cost. At least once: a duplicate after a crash is harmless.
    """

    repeatable = True
    told = "the person who asked for the report"

    def __init__(
        self, database: Database, desk: Desk, clock: Clock, makers: Mapping[str, Maker]
    ) -> None:
        super().__init__(database, desk, clock)
        self._makers = makers

    def cost(self, tx: Transaction, job: Job) -> Cost:
        return slack_costs.telling(job.payload["to"])

    def prepare(self, tx: Transaction, job: Job) -> Ordered:
        said = job.payload
        return Ordered(said["to"], said["kind"], said["order"], mark_of(job))

    def call(self, plan: Ordered) -> tuple[Post, ...]:
        """Returns the messages that are left."""
        made = self._makers[plan.kind](plan.order)
        first, *others = made.posts
        if made.file:
            self._desk.hand(plan.to, made.file, first, plan.mark)
        else:
            self._desk.tell(plan.to, first, plan.mark)
        return tuple(others)

    def finish(self, tx: Transaction, job: Job, plan: Ordered, result: tuple[Post, ...]) -> None:
        now = self._clock.now()
        for number, post in enumerate(result, 1):
            outbox.tell(tx, plan.to, post, now, key=f"report.post:{job.id}:{number}")

    def on_failed(self, tx: Transaction, job: Job, plan: Ordered | None, error: Exception) -> None:
        """Tells the person that the report failed."""
        post = Post(PostKind.TOLD, FAILED.format(why=alarms.why(error)))
        now = self._clock.now()
        outbox.tell(tx, str(job.payload["to"]), post, now, key=f"report.failed:{job.id}")
