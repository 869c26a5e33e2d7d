"""Finds a port for a server that starts later, perhaps more than once."""

from __future__ import annotations

import contextlib
import secrets
import socket

LOWEST, COUNT = 15_000, 15_000
"""Below the ports of outgoing connections (32768 and above on Linux): an outgoing connection could take the
port while its server restarts.
"""
TRIES = 100


def free_port() -> int:
    """Returns a loopback port without a listener; another process is unlikely to choose the same one."""
    for _ in range(TRIES):
        port = LOWEST + secrets.randbelow(COUNT)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")
