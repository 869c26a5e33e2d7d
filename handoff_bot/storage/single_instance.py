"""Detects whether this is the only worker on this SQLite file. A file lock works even after kill -9."""

from __future__ import annotations

import fcntl
import os

from sqlalchemy import make_url


class SingleInstanceLock:
    """An exclusive lock on a file beside the database; it ends with its process."""

    def __init__(self, url: str) -> None:
        self._path = f"{make_url(url).database}.lock"
        self._file: int | None = None

    def acquire(self) -> bool:
        """Returns True if no other process holds it."""
        file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
