"""Runs the sandbox until it is stopped."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from handoff_sandbox.page.server import PageServer, origins
from handoff_sandbox.page.stage import Stage
from handoff_sandbox.server import HOST

SECRETS = (
    "SLACK_BOT_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_APP_TOKEN",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_API_SECRET",
    "OPENAI_API_KEY",
)
"""Settings that connect to a real account."""


def real_credentials(environ: Mapping[str, str]) -> list[str]:
    """Returns the names of settings in this environment that connect to a real account."""
    names = (name + suffix for name in SECRETS for suffix in ("", "_FILE"))
    return [name for name in names if environ.get(name, "").strip()]


def run(port: int, echo: Callable[[str], object]) -> int:
    """Serves the sandbox until SIGINT or SIGTERM; returns the exit code."""
    found = real_credentials(os.environ)
    if found:
        echo(
            f"The sandbox does not start while real credentials are set: {', '.join(found)}.\n"
            "Unset them, also in .env, or run `handoff serve` to serve for real."
        )
        return 2
    if _is_taken(port):
        echo(f"Port {port} is taken. Stop what listens there, or set PORT to another one.")
        return 1
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with tempfile.TemporaryDirectory(prefix="handoff-sandbox-") as folder:
        stage = Stage(Path(folder), origins(port))
        page = PageServer(stage, port).start()
        try:
            stage.start_bot()
            echo(f"\n  Open http://{HOST}:{port}/sandbox\n\n  Ctrl-C ends it; nothing is kept.\n")
            ended.wait()
        finally:
            page.stop()
            stage.stop()
    return 0


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False
