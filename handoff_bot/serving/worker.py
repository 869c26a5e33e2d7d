"""gunicorn worker: a forked process with uvicorn's event loop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from typing import Any

import uvicorn
import uvloop
from gunicorn import glogging
from gunicorn.workers.base import Worker as GunicornWorker

from handoff_bot.serving.connection import KEEP_ALIVE, LARGEST_HEAD, Connection, Crowd
from handoff_bot.serving.wsgi import Application

logger = logging.getLogger(__name__)

GRACEFUL_SECONDS = 15
"""For requests in progress when the process stops; gunicorn kills after 20."""
BEAT = 1.0
"""Seconds between two checks of the connections."""


class Log(glogging.Logger):
    """gunicorn's log through our handler, as JSON."""

    def setup(self, cfg: Any) -> None:
        """Passes records to the root's handler."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class _Loop(uvicorn.Server):
    """uvicorn's server, which must not wait at shutdown for open streams."""

    def __init__(self, config: uvicorn.Config, hang_up: Any, crowd: Crowd) -> None:
        super().__init__(config)
        self._hang_up = hang_up
        self._crowd = crowd

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Starts the shutdown."""
        # In a thread: the signal may interrupt a thread that holds a lock.
        threading.Thread(target=self._hang_up, daemon=True).start()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finishes received requests."""
        self._crowd.stop(asyncio.get_running_loop().time())
        await super().shutdown(sockets)


class Worker(GunicornWorker):
    """One serving process."""

    def run(self) -> None:
        # uvicorn logs each malformed request, which would fill the log; they are counted instead.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        served = self.app
        crowd = Crowd(served.most_connections, served.most_each)
        application = Application(self.wsgi, served.threads, served.listeners)
        protocol = type(
            "Connection",
            (Connection,),
            {
                "crowd": crowd,
                "served": application,
                "largest_body": staticmethod(served.largest_body),
            },
        )
        loop = _Loop(_config(protocol), served.hang_up, crowd)
        signal.signal(signal.SIGQUIT, loop.handle_exit)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve(loop, crowd))
        except Exception:
            logger.exception("the server has failed")
            sys.exit(1)
        finally:
            application.close()

    async def _serve(self, loop: _Loop, crowd: Crowd) -> None:
        beat = asyncio.create_task(self._beat(loop, crowd))
        try:
            if self.alive:
                await loop.serve([one.sock for one in self.sockets])
        finally:
            beat.cancel()

    async def _beat(self, loop: _Loop, crowd: Crowd) -> None:
        """Sends gunicorn's heartbeat and checks the connections."""
        while True:
            self.notify()
            if os.getppid() != self.ppid:
                loop.should_exit = True  # gunicorn's master was killed
            crowd.sweep(asyncio.get_running_loop().time())
            await asyncio.sleep(BEAT)


async def _unused(_scope: Any, _receive: Any, _send: Any) -> None:
    """Placeholder application for uvicorn: each connection has its own."""


def _config(protocol: type[asyncio.Protocol]) -> uvicorn.Config:
    return uvicorn.Config(
        _unused,
        http=protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        h11_max_incomplete_event_size=LARGEST_HEAD,
    )
