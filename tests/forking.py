"""Bots as processes that are forked from one in which everything is imported.

A new interpreter takes 3.5 seconds of processor time until the bot serves, a fork 0.6. What is forked is
a process like any other: with a session, an environment and a log of its own, and it can be killed.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from pathlib import Path

from handoff_sandbox.world import ROOT, Process, new_process

_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.imported"])
_LOCK = threading.Lock()
"""multiprocessing reads an exit code once, whichever thread asks."""


class Forked:
    """A forked process, with the part of `subprocess.Popen` that a world needs."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        log.touch()
        told, tells = _FORKS.Pipe(duplex=False)
        given = (tuple(arguments), dict(environment), str(log), tells)
        # A daemon in the sense of multiprocessing: the tests do not wait for it at their end.
        self._process = _FORKS.Process(target=_run, args=given, daemon=True)
        with _LOCK:
            self._process.start()
        tells.close()
        connection.wait([told, self._process.sentinel])  # closed when it has a session of its own
        told.close()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def poll(self) -> int | None:
        """Returns the exit code, negative for a signal; None while it runs."""
        with _LOCK:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Returns the exit code. Raises subprocess.TimeoutExpired."""
        connection.wait([self._process.sentinel], timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("a forked bot", timeout or 0.0)
        return code

    def terminate(self) -> None:
        with _LOCK:
            self._process.terminate()


def fork(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Process:
    """Runs `python -m MODULE ARGUMENTS` in a fork; anything else is a new process."""
    if arguments[0] == "-m":
        return Forked(arguments, environment, log)
    return new_process(arguments, environment, log)


def _run(
    arguments: Sequence[str], environment: Mapping[str, str], log: str, tells: Connection
) -> None:
    """Makes the fork what `new_process` would have started."""
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    os.close(output)
    tells.close()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    _, module, *rest = arguments
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
