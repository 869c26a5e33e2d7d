"""Serves with gunicorn, embedded: one command, no configuration file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Protocol

from gunicorn.app.base import BaseApplication

SWITCH_INTERVAL = 0.0005
"""Seconds a thread may keep the GIL. The default of 5 ms lets one that holds the database's writer wait."""


class Served(Protocol):
    """What one process runs."""

    web: Any

    def start(self) -> None:
        """Begin the lanes and timers."""

    def stop(self) -> None:
        """End them."""


class Server(BaseApplication):
    """gunicorn with threads; everything is built after the fork, in the process that runs it."""

    def __init__(
        self, build: Callable[[], Served], *, host: str, port: int, processes: int, threads: int
    ) -> None:
        self._build = build
        self._served: Served | None = None
        self._options = {
            "bind": f"{host}:{port}",
            "workers": processes,
            "threads": threads,
            "worker_class": "gthread",
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
        self._served = self._build()
        self._served.start()
        return self._served.web

    def _worker_exit(self, _server: object, _worker: object) -> None:
        if self._served:
            self._served.stop()
