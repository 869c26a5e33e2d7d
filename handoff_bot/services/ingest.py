"""Stores what arrives, durably, before it is acknowledged: many arrivals share one commit."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import Any

from handoff_bot.ports import Clock
from handoff_bot.services.brake import Brake
from handoff_bot.storage.database import Database
from handoff_bot.storage.transaction import NewWork

logger = logging.getLogger(__name__)


@dataclass
class _Arrival:
    work: NewWork
    fresh: bool = False
    error: Exception | None = None
    stored: threading.Event = field(default_factory=threading.Event)


class Inbox:
    """Group commit: whoever gets the writer stores everything that waits, and the others go home with it."""

    def __init__(self, database: Database, clock: Clock, brake: Brake | None = None) -> None:
        self._database = database
        self._clock = clock
        self._brake = brake or Brake()
        self._waiting: list[_Arrival] = []
        self._guard = threading.Lock()
        self._writing = threading.Lock()

    def store(self, kind: str, lane: str, key: str, payload: dict[str, Any]) -> bool:
        """Store one arrival; returns after commit. False when this key was known already."""
        arrival = _Arrival(NewWork(kind, lane, payload, due_at=self._clock.now(), key=key))
        with self._brake.arrival():
            with self._guard:
                self._waiting.append(arrival)
            with self._writing:
                if not arrival.stored.is_set():
                    self._store_all()
        if arrival.error:
            raise arrival.error
        return arrival.fresh

    def _store_all(self) -> None:
        with self._guard:
            batch, self._waiting = self._waiting, []
        try:
            self._store_batch(batch)
        except Exception:
            logger.exception("storing arrivals failed", extra={"arrivals": len(batch)})
            for arrival in batch:  # so that one bad arrival fails alone
                self._store_alone(arrival)
        finally:
            for arrival in batch:
                arrival.stored.set()

    def _store_alone(self, arrival: _Arrival) -> None:
        try:
            self._store_batch([arrival])
        except Exception as error:  # handed to the request that waits for it
            arrival.error = error

    def _store_batch(self, batch: list[_Arrival]) -> None:
        # One row for each key: the same webhook may have arrived twice within this batch.
        unique = {arrival.work.key: arrival for arrival in reversed(batch)}
        chosen = [arrival.work for arrival in batch if unique[arrival.work.key] is arrival]
        with self._database.write() as tx:
            fresh = tx.append_now(chosen)
        for key in fresh:
            unique[key].fresh = True
