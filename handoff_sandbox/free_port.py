"""Finds a port for a server that starts later, perhaps more than once."""

from __future__ import annotations

import contextlib
import secrets
import socket
import sys
from collections import deque

LOWEST, COUNT = 15_000, 15_000
"""Below the ports of outgoing connections (32768 and above on Linux): an outgoing connection could take the
port while its server restarts.
"""
TRIES = 100
HELD = 500
"""Ports that a process keeps to itself at most; the oldest is given up first."""
_held: deque[socket.socket] = deque()


def free_port() -> int:
    """Returns a loopback port without a listener.

    On Linux no other call returns it while this process lives: the port stays bound to a socket
    that does not listen, which a server that sets `SO_REUSEADDR`, as servers do, may bind beside.
    Elsewhere another process is only unlikely to choose the same port.
    """
    for _ in range(TRIES):
        port = LOWEST + secrets.randbelow(COUNT)
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.close()
            continue
        # Set after the bind: a call elsewhere binds without it first, and is refused.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _hold(probe)
        return port
    raise OSError("no port is free")


def _hold(probe: socket.socket) -> None:
    if sys.platform != "linux":
        probe.close()
        return
    _held.append(probe)
    if len(_held) > HELD:
        with contextlib.suppress(IndexError):  # another thread was faster
            _held.popleft().close()
