"""Finds a port for a server that is started later, perhaps more than once."""

from __future__ import annotations

import contextlib
import secrets
import socket

LOWEST, COUNT = 15_000, 15_000
"""Below the ports that systems give to outgoing connections (32768 and above on Linux): one of these would
take the place of a server that is being restarted."""
TRIES = 100


def free_port() -> int:
    """A port on loopback without a listener; another process is unlikely to choose the same one."""
    for _ in range(TRIES):
        port = LOWEST + secrets.randbelow(COUNT)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")
