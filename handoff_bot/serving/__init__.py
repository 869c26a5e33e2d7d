"""Serves in one command with no configuration file: gunicorn's processes, uvicorn's event loop (ADR 11)."""

from __future__ import annotations

import logging
import resource
import sys
from collections.abc import Callable
from typing import Any, Protocol

from gunicorn.app.base import BaseApplication

from handoff_bot.domain.errors import DatabaseAway, HandoffError
from handoff_bot.serving.crowd import MOST_EACH, SMALL
from handoff_bot.serving.worker import Log, Worker

logger = logging.getLogger(__name__)

SWITCH_INTERVAL = 0.0005
"""Seconds a thread may keep the GIL. The default of 5 ms lets one that holds the database's writer wait."""


CANNOT_LOAD = 4
"""The exit code that tells gunicorn's master to give up instead of trying again."""

FAILED = 3
"""gunicorn's own exit code for a process that could not begin."""
TRY_AGAIN = 1
"""An exit code that has gunicorn's master start another process."""

IDLE_CONNECTIONS = 1000
"""Connections of each process that are kept open without a request."""
OTHER_FILES = 200
"""Open files of a process that are no connections: the database, vendors, logs."""


class Served(Protocol):
    """What one process runs."""

    web: Any

    def start(self) -> None:
        """Begin the lanes and timers."""

    def hang_up(self) -> None:
        """Let everybody go who waits for news, so that their requests end."""

    def stop(self) -> None:
        """End them."""


class Server(BaseApplication):
    """Everything is built after the fork, in the process that runs it.

    Args:
        threads: requests of a process that are worked on at once.
        listeners: requests of a process that only wait for news, besides.
        proxies: how many stand before us; with any, the address of a connection says nothing.
        bodies: bytes of the largest body at a path, where it may be larger than elsewhere.
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
        proxies: int = 0,
        bodies: dict[str, int] | None = None,
    ) -> None:
        self._build = build
        self._served: Served | None = None
        self.threads = threads
        self.listeners = listeners
        self.most_each = 0 if proxies else MOST_EACH
        self._bodies = bodies or {}
        self._options = {
            "bind": f"{host}:{port}",
            "workers": processes,
            "worker_class": Worker,
            "logger_class": Log,
            "timeout": 60,
            "graceful_timeout": 20,
            "accesslog": None,
            "loglevel": "warning",
            "control_socket_disable": True,  # nothing here is steered through it
            "worker_exit": self._worker_exit,
        }
        super().__init__()

    @property
    def most_connections(self) -> int:
        """Connections that this process may hold."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return min(self.threads + self.listeners + IDLE_CONNECTIONS, files - OTHER_FILES)

    def largest_body(self, path: str) -> int:
        """Bytes of the largest body at this path."""
        return self._bodies.get(path, SMALL)

    def load_config(self) -> None:
        """Our options instead of a file's and the command line's."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """Build and start what this process runs."""
        sys.setswitchinterval(SWITCH_INTERVAL)
        _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
        try:
            self._served = self._build()
            self._start(self._served)
        except HandoffError as error:
            # In one line: whoever starts it should not have to read a traceback.
            logger.critical("cannot start", extra={"problem": str(error)})
            sys.exit(CANNOT_LOAD)
        except Exception:  # gunicorn would print its text, and databases quote what they hold
            logger.critical("cannot start", exc_info=True)
            sys.exit(FAILED)
        return self._served.web

    def _start(self, served: Served) -> None:
        try:
            served.start()
        except DatabaseAway as error:  # it answered a moment ago, when this process was built
            logger.warning("start is tried again", extra={"why": str(error)})
            sys.exit(TRY_AGAIN)

    def hang_up(self) -> None:
        """Let everybody go who listens."""
        if self._served:
            self._served.hang_up()

    def _worker_exit(self, _server: object, _worker: object) -> None:
        if self._served:
            self._served.stop()
