"""Serves with gunicorn, embedded: one command, no configuration file."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from handoff_bot.domain.errors import HandoffError

logger = logging.getLogger(__name__)

SWITCH_INTERVAL = 0.0005
"""Seconds a thread may keep the GIL. The default of 5 ms lets one that holds the database's writer wait."""


CANNOT_LOAD = 4
"""The exit code that tells gunicorn's master to give up instead of trying again."""

IDLE_CONNECTIONS = 1000
"""Connections of each process that are kept open without a request."""


class Served(Protocol):
    """What one process runs."""

    web: Any

    def start(self) -> None:
        """Begin the lanes and timers."""

    def hang_up(self) -> None:
        """Let everybody go who waits for news, so that their requests end."""

    def stop(self) -> None:
        """End them."""


class _Worker(ThreadWorker):
    """gunicorn's threads, which must not wait at the end for visitors who only listen."""

    def handle_exit(self, sig: int, frame: object) -> None:
        """Begin to stop."""
        # In a thread: a signal may have come while this one holds a lock.
        threading.Thread(target=self.app.hang_up, daemon=True).start()
        super().handle_exit(sig, frame)


class Server(BaseApplication):
    """gunicorn with threads; everything is built after the fork, in the process that runs it.

    Args:
        threads: requests of a process that are worked on at once.
        listeners: requests of a process that only wait for news, besides.
    """

    def __init__(
        self,
        build: Callable[[], Served],
        *,
        host: str,
        port: int,
        processes: int,
        threads: int,
        listeners: int = 0,
    ) -> None:
        self._build = build
        self._served: Served | None = None
        self._options = {
            "bind": f"{host}:{port}",
            "workers": processes,
            # Who listens has a thread of their own, so that they can never be in a webhook's way.
            "threads": threads + listeners,
            "worker_connections": threads + listeners + IDLE_CONNECTIONS,
            "worker_class": _Worker,
            "keepalive": 30,
            "timeout": 60,
            "graceful_timeout": 20,
            "accesslog": None,
            "loglevel": "warning",
            "worker_exit": self._worker_exit,
        }
        super().__init__()

    def load_config(self) -> None:
        """Our options instead of a file's and the command line's."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Build and start what this process runs."""
        sys.setswitchinterval(SWITCH_INTERVAL)
        try:
            self._served = self._build()
        except HandoffError as error:
            # In one line: whoever starts it should not have to read a traceback.
            logger.critical("cannot start", extra={"problem": str(error)})
            sys.exit(CANNOT_LOAD)
        self._served.start()
        return self._served.web

    def hang_up(self) -> None:
        """Let everybody go who listens."""
        if self._served:
            self._served.hang_up()

    def _worker_exit(self, _server: object, _worker: object) -> None:
        if self._served:
            self._served.stop()
