"""Stores arrivals durably before they are acknowledged. Many arrivals share one commit."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from handoff_bot import spans
from handoff_bot.domain.errors import DatabaseAway
from handoff_bot.jobs.job import NewJob, enqueuer_of, of_arrival, traced, with_current
from handoff_bot.jobs.worker import Worker
from handoff_bot.storage.database import PATIENCE

logger = logging.getLogger(__name__)

PATIENCE_IN_TROUBLE = 1.0
"""Seconds that an arrival waits for a database known to be down, so that refused requests do not
occupy all threads; otherwise it waits for `PATIENCE`.
"""


@dataclass(eq=False)
class _Arrival:
    job: NewJob
    fresh: bool = False
    error: Exception | None = None
    stored: threading.Event = field(default_factory=threading.Event)


class Inbox:
    """Group commit: the first thread to take the lock stores the whole batch.

    If a thread is free, the arrival's job is prepared in the same transaction.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        # On PostgreSQL, preparing locks rows: two transactions doing so for several arrivals could
        # deadlock.
        self._chains_many = worker.database.is_sqlite
        self._waiting: list[_Arrival] = []
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._patience = PATIENCE

    def store(self, kind: str, lane: str, key: str, payload: dict[str, Any]) -> bool:
        """Stores one arrival and returns after commit. Returns False if the key was already known.

        Raises:
            DatabaseAway: storage is not confirmed. Refuse the request so that the sender retries.
        """
        with traced(of_arrival(key)):
            job = NewJob(kind, lane, with_current(payload), self._worker.clock.now(), key=key)
            arrival = _Arrival(job)
            until = time.monotonic() + self._patience
            if spans.recorder is None:
                self._wait_in_line(arrival, until)
            else:
                with spans.recorder.arrival(kind) as span:
                    self._wait_in_line(arrival, until)
                    span.stored(fresh=arrival.fresh)
            logger.debug("arrival stored", extra={"kind": kind, "fresh": arrival.fresh})
            return arrival.fresh

    def _wait_in_line(self, arrival: _Arrival, until: float) -> None:
        """Returns when the arrival is stored."""
        with self._worker.backpressure.arrival():
            with self._guard:
                self._waiting.append(arrival)
            self._take_turn(arrival, until)
        if arrival.error:
            raise arrival.error

    def _take_turn(self, arrival: _Arrival, until: float) -> None:
        """Stores all waiting arrivals, unless another thread has stored this one already."""
        if not self._writing.acquire(timeout=max(0.0, until - time.monotonic())):
            with self._guard:
                if arrival in self._waiting:
                    self._waiting.remove(arrival)
            raise DatabaseAway("no turn to store an arrival")
        try:
            if not arrival.stored.is_set():
                self._store_all(until)
        finally:
            self._writing.release()

    def _store_all(self, until: float) -> None:
        with self._guard:
            batch, self._waiting = self._waiting, []
        try:
            self._store_batch(batch, until)
            self._patience = PATIENCE
        except DatabaseAway as error:
            self._patience = PATIENCE_IN_TROUBLE
            logger.warning("arrivals refused", extra={"arrivals": len(batch), "why": str(error)})
            for arrival in batch:
                arrival.error = error
        except Exception:
            logger.exception("storing arrivals failed", extra={"arrivals": len(batch)})
            for arrival in batch:  # so that only the bad arrival fails
                self._store_alone(arrival, until)
        finally:
            for arrival in batch:
                arrival.stored.set()

    def _store_alone(self, arrival: _Arrival, until: float) -> None:
        try:
            self._store_batch([arrival], until)
        except Exception as error:  # handed to the waiting request
            arrival.error = error

    def _store_batch(self, batch: list[_Arrival], until: float) -> None:
        # One row per key: the same webhook may have arrived twice within this batch.
        unique = {arrival.job.key: arrival for arrival in reversed(batch)}
        chosen = [arrival.job for arrival in batch if unique[arrival.job.key] is arrival]
        fresh = self._worker.write(
            lambda tx: enqueuer_of(tx).arrive(chosen),
            max(0.0, until - time.monotonic()),
            chained=self._chains_many or len(chosen) == 1,
        )
        for key in fresh:
            unique[key].fresh = True
