"""Enqueues ticks under keys that make each run once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from handoff_bot.jobs.enqueuing import enqueue_job
from handoff_bot.jobs.job import NewJob
from handoff_bot.ports import Clock
from handoff_bot.storage.database import Database


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
