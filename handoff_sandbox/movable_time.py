"""A clock that can be moved forward, for the stand-ins and for the bot in another process."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path


class MovableTime:
    """The real time plus an offset, which is written to a file for the bot.

    Signatures and timeouts use the real time: only "now" moves.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.offset = 0.0
        self._write()

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self.offset

    def now_utc(self) -> datetime:
        """The current time, aware."""
        return datetime.fromtimestamp(self.now(), UTC)

    def forward(self, seconds: float) -> None:
        """Moves the clock forward; it never goes back."""
        with self._lock:
            self.offset += max(0.0, seconds)
            self._write()

    def _write(self) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_text(repr(self.offset), encoding="ascii")
        fresh.replace(self._file)  # atomic: the bot must never read a partial number


class FollowingClock:
    """The bot's clock: the system time plus the offset in the file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._changed_at = -1
        self._offset = timedelta()

    def now(self) -> datetime:
        """The current time, aware UTC."""
        changed_at = self._file.stat().st_mtime_ns
        if changed_at != self._changed_at:
            self._offset = timedelta(seconds=float(self._file.read_text(encoding="ascii")))
            self._changed_at = changed_at
        return datetime.now(UTC) + self._offset
