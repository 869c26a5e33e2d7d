"""The server: gunicorn's processes with uvicorn's event loop, without a configuration file (ADR 11)."""

from __future__ import annotations

import gc
import logging
import resource
import sys
from collections.abc import Callable
from typing import Any, Protocol

from gunicorn.app.base import BaseApplication

from handoff_bot.domain.errors import DatabaseAway, HandoffError
from handoff_bot.serving.connection import MOST_EACH, SMALL
from handoff_bot.serving.worker import Log, Worker

logger = logging.getLogger(__name__)

SWITCH_INTERVAL = 0.0005
"""Seconds a thread may hold the GIL. With the default of 5 ms, the database's writer thread would
wait.
"""

YOUNG_OBJECTS = 10_000
"""New objects before the garbage collector looks at them. One message makes some thousands."""

CANNOT_LOAD = 4
"""Exit code that tells gunicorn's master to give up."""

FAILED = 3
"""gunicorn's own exit code for a process that could not start."""
TRY_AGAIN = 1
"""Exit code that makes gunicorn's master start another process."""

IDLE_CONNECTIONS = 1000
"""Idle connections per process."""
OTHER_FILES = 200
"""Open files of a process besides connections: database, vendors, logs."""


class Served(Protocol):
    """The content of one process."""

    web: Any

    def start(self) -> None:
        """Starts lanes and timers."""

    def hang_up(self) -> None:
        """Ends all waiting streams and polls, so that their requests end."""

    def stop(self) -> None: ...


class Server(BaseApplication):
    """Everything is built after the fork, in the process that runs it.

    Args:
        threads: concurrent requests per process.
        listeners: additional requests that only wait for changes.
        proxies: number of reverse proxies; with any, a connection's address is meaningless.
        bodies: maximum body size in bytes for paths with a higher limit, or what returns it.
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
        bodies: dict[str, int] | Callable[[str], int | None] | None = None,
    ) -> None:
        self._build = build
        self._served: Served | None = None
        self.threads = threads
        self.listeners = listeners
        self.most_each = 0 if proxies else MOST_EACH
        self._bodies = bodies if callable(bodies) else (bodies or {}).get
        self._options = {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": processes,
            "worker_class": Worker,
            "logger_class": Log,
            "timeout": 60,
            "graceful_timeout": 20,
            "accesslog": None,
            "loglevel": "warning",
            "control_socket_disable": True,  # gunicorn's control interface is not used
            "worker_exit": self._worker_exit,
        }
        super().__init__()

    @property
    def most_connections(self) -> int:
        """Returns the maximum number of connections of this process."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return min(self.threads + self.listeners + IDLE_CONNECTIONS, files - OTHER_FILES)

    def largest_body(self, path: str) -> int:
        """Returns the maximum body size at this path in bytes."""
        return self._bodies(path) or SMALL

    def load_config(self) -> None:
        """Sets our options in place of a file's and the command line's."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """Builds and starts the process."""
        sys.setswitchinterval(SWITCH_INTERVAL)
        _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
        try:
            self._served = self._build()
            self._start(self._served)
        except HandoffError as error:
            # One line instead of a traceback for the operator.
            logger.critical("cannot start", extra={"problem": str(error)})
            sys.exit(CANNOT_LOAD)
        except Exception:  # gunicorn would print the error's text, and databases quote their data
            logger.critical("cannot start", exc_info=True)
            sys.exit(FAILED)
        _keep_program_out_of_collections()
        return self._served.web

    def _start(self, served: Served) -> None:
        try:
            served.start()
        except (
            DatabaseAway
        ) as error:  # the database responded a moment ago, when this process was built
            logger.warning("start is tried again", extra={"why": str(error)})
            sys.exit(TRY_AGAIN)

    def hang_up(self) -> None:
        """Ends all streams."""
        if self._served:
            self._served.hang_up()

    def _worker_exit(self, _server: object, _worker: object) -> None:
        if self._served:
            self._served.stop()


def _keep_program_out_of_collections() -> None:
    """Lets the garbage collector skip what the program consists of.

    A full collection over its 160,000 objects would stop all requests for 40 ms and find nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
