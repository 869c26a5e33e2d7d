"""Runs the WSGI application in threads, with complete requests.

No client occupies a thread: not before the body has arrived, and not while a response is sent. A
short response is made in one step. A long one is made in chunks, each when the client has received
the previous one.
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
"""Maximum bytes of a response made in one step."""

Piece = Callable[[bytes, bool], Awaitable[bool]]
"""Sends a chunk of a body with whether more follow; False if the client is gone."""


@dataclass
class Answer:
    """The application's response.

    Attributes:
        rest: chunks after `body`, None if there are none.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    rest: Iterable[bytes] | None


class Application:
    """A WSGI application and its threads.

    Args:
        threads: concurrent requests.
        listeners: additional responses that wait for their next chunk.
    """

    def __init__(self, web: WSGIApplication, threads: int, listeners: int) -> None:
        self._web = web
        self._workers = ThreadPoolExecutor(threads, "web")
        # A waiting response has its own thread, so it never blocks a webhook.
        self._waiting = ThreadPoolExecutor(threads + listeners, "pieces")

    async def answer(self, environ: WSGIEnvironment) -> Answer:
        """Returns the response before any chunk of `rest` is made."""
        answer: Answer = await _in(self._workers, self._run, environ)
        return answer

    async def send_rest(self, rest: Iterable[bytes], send: Piece) -> None:
        """Sends the chunks at the client's pace."""
        pieces = iter(rest)
        try:
            while (piece := await _in(self._waiting, next, pieces, None)) is not None:
                if not await send(piece, True):
                    return
            await send(b"", False)
        finally:
            await _in(self._waiting, _close, rest)

    def close(self) -> None:
        """Accepts no new work."""
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
        # A stopping process may leave a generator in the middle of a chunk.
        with contextlib.suppress(ValueError):
            close()


def environ_of(scope: Any, body: bytes | bytearray) -> WSGIEnvironment:
    """Returns the request as a WSGI environment (PEP 3333)."""
    server, client = scope["server"] or ("", 0), scope["client"] or ("", 0)
    target = scope["raw_path"]
    if not target.startswith(b"/") and b"://" in target:  # an absolute URL: http://host/path
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
    environ.pop("HTTP_TRANSFER_ENCODING", None)  # the body is complete
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
