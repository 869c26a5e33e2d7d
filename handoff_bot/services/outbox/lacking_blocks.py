"""Remembers which of Slack's newer blocks the workspace refuses, for all processes."""

from __future__ import annotations

import threading
from collections.abc import Collection
from datetime import datetime, timedelta

from handoff_bot.ports import Clock
from handoff_bot.storage import lacking_blocks as rows
from handoff_bot.storage.database import Database

ASKED_AGAIN = timedelta(days=1)
"""After this time a message tries the block again: Slack may have added it to the workspace."""
READ_AGAIN = timedelta(minutes=1)
"""How long what was read from the database is used."""


class LackingBlocks:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._known: frozenset[str] = frozenset()
        self._read_at: datetime | None = None

    def known(self) -> Collection[str]:
        """Returns the types that the workspace refused within ASKED_AGAIN."""
        now = self._clock.now()
        with self._lock:
            if self._read_at is None or not timedelta() <= now - self._read_at < READ_AGAIN:
                with self._database.read() as tx:
                    self._known = rows.refused_since(tx, now - ASKED_AGAIN)
                self._read_at = now
            return self._known

    def add(self, types: Collection[str]) -> None:
        """Stores a refusal."""
        with self._database.write() as tx:
            rows.refused(tx, types, self._clock.now())
        with self._lock:
            self._read_at = None
