"""Runs the WSGI application in threads, with requests that have arrived whole.

No thread is taken by a client: not before the body is there, and not while an answer is being sent. A short
answer is made in one step. A long one, or one of unknown length, is taken piece by piece, and the next piece
is made when the client has taken the one before.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

SHORT = 128 * 1024
"""Bytes of an answer that is made in one step."""

Piece = Callable[[bytes, bool], Awaitable[bool]]
"""Sends a piece of a body, and whether more follow; False when the client is gone."""


@dataclass
class Answer:
    """What the application has answered.

    Attributes:
        rest: pieces of the body beyond `body`, None when there are none.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    rest: Iterable[bytes] | None


class Application:
    """A WSGI application and its threads.

    Args:
        threads: requests that are worked on at once.
        listeners: answers besides that wait for their next piece at once.
    """

    def __init__(self, web: WSGIApplication, threads: int, listeners: int) -> None:
        self._web = web
        self._workers = ThreadPoolExecutor(threads, "web")
        # An answer that waits for news has a thread of its own, so it is never in a webhook's way.
        self._waiting = ThreadPoolExecutor(threads + listeners, "pieces")

    async def answer(self, environ: WSGIEnvironment) -> Answer:
        """What the application says, before anything of `rest` is made."""
        answer: Answer = await _in(self._workers, self._run, environ)
        return answer

    async def send_rest(self, rest: Iterable[bytes], send: Piece) -> None:
        """Send the pieces as the client takes them."""
        pieces = iter(rest)
        try:
            while (piece := await _in(self._waiting, next, pieces, None)) is not None:
                if not await send(piece, True):
                    return
            await send(b"", False)
        finally:
            await _in(self._waiting, _close, rest)

    def close(self) -> None:
        """Begin nothing more."""
        for pool in (self._workers, self._waiting):
            pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, environ: WSGIEnvironment) -> Answer:
        started: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
            started[:] = [int(status[:3]), headers]
            return _no_write

        body = self._web(environ, start)
        length = {name.lower(): value for name, value in started[1]}.get("content-length", "")
        encoded = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in started[1]]
        if not (length.isdecimal() and int(length) <= SHORT):
            return Answer(started[0], encoded, b"", body)
        try:
            return Answer(started[0], encoded, b"".join(body), None)
        finally:
            _close(body)


async def _in(pool: ThreadPoolExecutor, run: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(pool, run, *arguments)


def _no_write(_data: bytes) -> object:
    raise NotImplementedError("nothing here uses WSGI's write()")


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close:
        # A process that stops may leave a generator in the middle of a piece.
        with contextlib.suppress(ValueError):
            close()


def environ_of(scope: Any, body: bytes | bytearray) -> WSGIEnvironment:
    """The request as WSGI has it (PEP 3333)."""
    server, client = scope["server"] or ("", 0), scope["client"] or ("", 0)
    target = scope["raw_path"]
    if not target.startswith(b"/") and b"://" in target:  # an absolute form: http://host/path
        target = b"/" + target.partition(b"://")[2].partition(b"/")[2]
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(target).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    environ |= _headers(scope["headers"])
    if body or "HTTP_CONTENT_LENGTH" in environ:
        environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("HTTP_CONTENT_LENGTH", None)
    environ.pop("HTTP_TRANSFER_ENCODING", None)  # the body has been put together
    if "HTTP_CONTENT_TYPE" in environ:
        environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE")
    return environ


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        if b"_" in raw_name:
            continue  # X_Forwarded_For would pass for X-Forwarded-For
        name = "HTTP_" + raw_name.decode("latin-1").upper().replace("-", "_")
        value = raw_value.decode("latin-1")
        between = "; " if name == "HTTP_COOKIE" else ","
        found[name] = f"{found[name]}{between}{value}" if name in found else value
    return found
