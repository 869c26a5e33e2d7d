"""Twice the knee for a minute: nothing is lost or doubled, the heartbeat holds, the health page tells."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import func, select

from bench.saturation.rates import PATIENCE, summed_up
from bench.saturation.stage import Stage, opened
from handoff_bot.storage.models import Worker
from handoff_bot.storage.transaction import table_of

LEASE = 5.0
"""Seconds after which a silent worker counts as dead: the heartbeat's bound."""
TOLERANCE, ALLOWANCE = 1.25, 3.0
"""The time to recover may be longer than the arithmetic says by this factor, and by these seconds."""
NAME = "overload"


@dataclass
class Watch:
    """Looks at the heartbeat and the health page until it is told to stop.

    Attributes:
        least: the fewest seconds that a worker's lease still had.
        statuses: when the page's status changed, and to what.
        slowest_sync: the most seconds that this process waited for the database's disk, twice a second;
            a heartbeat cannot be faster.
    """

    stage: Stage
    database_url: str
    least: float = LEASE
    statuses: list[tuple[float, str]] = field(default_factory=list)
    slowest_sync: float = 0.0
    _stopping: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Watch:
        self._threads = [
            threading.Thread(target=each) for each in (self._leases, self._pages, self._syncs)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _leases(self) -> None:
        worker = table_of(Worker)
        soonest = select(func.min(worker.c.alive_until))
        with opened(self.database_url) as engine:
            while not self._stopping.wait(0.1):
                with suppress(Exception), engine.connect() as connection:
                    until = connection.execute(soonest).scalar()
                    if isinstance(until, datetime):
                        self.least = min(self.least, (until - datetime.now(UTC)).total_seconds())

    def _pages(self) -> None:
        while not self._stopping.wait(0.25):
            status = str(self.stage.health().get("status", "no answer"))
            if not self.statuses or self.statuses[-1][1] != status:
                self.statuses.append((time.time(), status))

    def _syncs(self) -> None:
        with tempfile.TemporaryFile() as file:
            while not self._stopping.wait(0.5):
                began = time.monotonic()
                file.write(b".")
                file.flush()
                os.fsync(file.fileno())
                self.slowest_sync = max(self.slowest_sync, time.monotonic() - began)

    def is_ok(self) -> bool:
        """What the page said last."""
        return bool(self.statuses) and self.statuses[-1][1] == "ok"


def overload(
    stage: Stage, database_url: str, knee: float, seconds: float, customers: int
) -> dict[str, object]:
    """Offer twice the knee, and say which promises held."""
    rate, count = 2 * knee, int(2 * knee * seconds)
    load = stage.place.load(NAME, stage.port, count, rate, customers)
    before = stage.processor_time()
    with Watch(stage, database_url) as watch:
        fired = stage.fired(stage.fire(load), seconds + load.patience + PATIENCE)
        stopped = time.time()
        backlog = len(fired.acked) - len(stage.arrivals(NAME))
        allowed = backlog / knee * TOLERANCE + ALLOWANCE
        stage.wait_for_posts(NAME, len(fired.acked), 2 * allowed + PATIENCE)
        drained = time.time()
        while not watch.is_ok() and time.time() < drained + PATIENCE:
            time.sleep(0.1)
        recovered = time.time() - stopped
    cpu = {name: used - before[name] for name, used in stage.processor_time().items()}
    run = summed_up(fired, stage.arrivals(NAME), rate, customers, cpu)
    said = [status for _, status in watch.statuses]
    return {
        **run.shown(),
        "seconds": seconds,
        "backlog": backlog,
        "recovered_after_s": round(recovered, 1),
        "arithmetic_says_s": round(backlog / knee, 1),
        "least_left_of_lease_s": round(watch.least, 2),
        "slowest_sync_s": round(watch.slowest_sync, 2),
        "statuses": [[round(at - min(fired.due.values()), 1), it] for at, it in watch.statuses],
        "held": {
            "nothing lost, twice or out of order": run.is_right,
            "heartbeat at most half its bound late": watch.least >= LEASE / 2,
            "health page said behind": bool({"behind", "late"} & set(said)),
            "recovered in time": watch.is_ok() and recovered <= allowed,
        },
    }
