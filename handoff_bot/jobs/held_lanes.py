"""Lanes held by this process: running on threads, or left leased by a thread."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from handoff_bot.domain.errors import DatabaseAway
from handoff_bot.jobs import leases
from handoff_bot.ports import Clock
from handoff_bot.storage.database import Database

logger = logging.getLogger(__name__)

REST = timedelta(seconds=5)
"""How long a lane pauses after an error that could not be recorded."""


class HeldLanes:
    """In memory, because the database may be down; it is updated when it is back."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._guard = threading.Lock()
        self._running: Counter[str] = Counter()
        self._left: dict[tuple[str, str], datetime] = {}

    @contextlib.contextmanager
    def running(self, lane: str, grant: str) -> Iterator[None]:
        """Wraps a thread's work on a lane."""
        with self._guard:
            self._running[lane] += 1
        try:
            yield
        finally:
            with self._guard:
                self._running[lane] -= 1
                if not self._running[lane]:
                    del self._running[lane]

    def lanes(self) -> frozenset[str]:
        """Returns the lanes that our threads run, whatever the database says.

        A lane may have been leased by others and released again while our thread waits for a
        response.
        """
        with self._guard:
            return frozenset(self._running)

    def left(self, lane: str, grant: str, *, rest: bool = False) -> None:
        """Records a lane that a thread left without releasing it; `rest` if it would fail again at
        once.
        """
        with self._guard:
            self._left[lane, grant] = self._clock.now() + (REST if rest else timedelta())

    def let_go(self) -> None:
        """Releases the left lanes, so that any worker can lease them.

        Raises:
            DatabaseAway: retry later.
        """
        with self._guard:
            left = dict(self._left)
        for (lane, grant), not_before in left.items():
            try:
                with self._database.write() as tx:
                    leases.let_go(tx, lane, grant, not_before)
            except DatabaseAway:
                raise
            except Exception:  # one such lane must not keep the others from being leased
                logger.exception("lane cannot be let go of")
                continue
            with self._guard:
                del self._left[lane, grant]
