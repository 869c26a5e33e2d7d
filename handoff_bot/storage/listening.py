"""Listens to PostgreSQL's NOTIFY, so that a process wakes up for jobs of other processes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from handoff_bot.storage.database import ALIVE
from handoff_bot.storage.transaction import NOTIFY_CHANNEL

logger = logging.getLogger(__name__)

LISTEN_SECONDS = 1.0
RECONNECT_SECONDS = 2.0


def libpq_address(url: str) -> str:
    """Returns a SQLAlchemy URL as libpq's conninfo string, with the password."""
    parsed = make_url(url).set(drivername="postgresql+psycopg")
    _, parts = parsed.get_dialect()().create_connect_args(parsed)
    return make_conninfo("", **parts)


class Listener:
    """A listening connection. A lost notification is harmless, because lanes are also polled.

    Args:
        url: the database URL.
        on_work: called when a process has enqueued a job.
    """

    def __init__(self, url: str, on_work: Callable[[], None]) -> None:
        self._address = make_conninfo(libpq_address(url), **ALIVE)
        self._on_work = on_work
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listens in a thread until `stop`."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except Exception as error:  # on any error, reconnect
                logger.warning("listening failed", extra={"error": type(error).__name__})
                self._stopping.wait(RECONNECT_SECONDS)

    def _listen(self) -> None:
        with psycopg.connect(self._address, autocommit=True) as connection:
            connection.execute(f"LISTEN {NOTIFY_CHANNEL}")
            self._on_work()  # jobs enqueued while not listening
            while not self._stopping.is_set():
                for _ in connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                    self._on_work()
