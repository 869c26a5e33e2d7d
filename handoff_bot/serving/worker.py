"""gunicorn's part: the process that it forks, watches and stops, with uvicorn's event loop in it."""

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
from gunicorn import glogging
from gunicorn.workers.base import Worker as GunicornWorker

from handoff_bot.serving.connection import LARGEST_HEAD, Connection
from handoff_bot.serving.crowd import KEEP_ALIVE, Crowd
from handoff_bot.serving.wsgi import Application

logger = logging.getLogger(__name__)

GRACEFUL_SECONDS = 15
"""For requests in progress when the process stops; gunicorn kills after 20."""
BEAT = 1.0
"""Seconds between two looks at the connections."""


class Log(glogging.Logger):
    """gunicorn's own lines, through our handler: JSON as all others."""

    def setup(self, cfg: Any) -> None:
        """Let the root's handler have them."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class _Loop(uvicorn.Server):
    """uvicorn's server, which must not wait at the end for visitors who only listen."""

    def __init__(self, config: uvicorn.Config, hang_up: Any, crowd: Crowd) -> None:
        super().__init__(config)
        self._hang_up = hang_up
        self._crowd = crowd

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to stop."""
        # In a thread: a signal may have come while this one holds a lock.
        threading.Thread(target=self._hang_up, daemon=True).start()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what has arrived."""
        self._crowd.stop(asyncio.get_running_loop().time())
        await super().shutdown(sockets)


class Worker(GunicornWorker):
    """One process that serves."""

    def run(self) -> None:
        """Serve until told to stop."""
        # uvicorn warns of each malformed request, which would fill the log; we count them instead.
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
            asyncio.run(self._serve(loop, crowd))
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
        """Tell gunicorn that we live, and look at the connections."""
        while True:
            self.notify()
            if os.getppid() != self.ppid:
                loop.should_exit = True  # gunicorn's master was killed
            crowd.sweep(asyncio.get_running_loop().time())
            await asyncio.sleep(BEAT)


async def _unused(_scope: Any, _receive: Any, _send: Any) -> None:
    """Stands where uvicorn wants an application: each connection brings its own."""


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
