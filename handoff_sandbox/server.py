"""The base of all stand-ins: a loopback server that journals every exchange and injects faults.

It really drops connections (the socket closes without a response) and keeps working ones alive, which
werkzeug's own request handler never does.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app

from handoff_sandbox.faults import Drop, Fault, Faults
from handoff_sandbox.journal import (
    UNANSWERED,
    Direction,
    Entry,
    Journal,
    Who,
    readable,
    without_secrets,
)

__all__ = [
    "HOST",
    "UNANSWERED",
    "Answer",
    "Direction",
    "Drop",
    "Entry",
    "Fault",
    "Faults",
    "Journal",
    "Server",
    "Who",
    "json_answer",
    "plain_fault",
    "readable",
]

HOST = "127.0.0.1"
SWITCHING_PROTOCOLS = 101

_IDLE = 30
"""Seconds until an idle connection is closed."""
_PATIENCE = 5
"""Timeout in seconds for threads to end."""


class Answer(NamedTuple):
    """A complete HTTP response."""

    status: int
    headers: Headers
    body: bytes


def json_answer(status: int, content: object) -> Answer:
    """Returns a JSON response."""
    return Answer(
        status, Headers({"Content-Type": "application/json"}), json.dumps(content).encode()
    )


def plain_fault(status: int) -> Answer:
    """The default body of an injected HTTP error."""
    return json_answer(status, {"error": "fault"})


class Server:
    """Serves one stand-in on 127.0.0.1 from threads of this process.

    Args:
        app: the stand-in.
        who: the vendor, for the journal.
        journal: gets every exchange.
        faults: apply before the app is called.
        port: 0 for any free one. It is bound at once, so that `url` is known before `start()`.
        fault_answer: the vendor's body of a 429 or 500.

    A view that took over the socket (a websocket) returns status 101 when it is done with it. Responses are
    sent whole, never streamed.

    Raises:
        OSError: the port is taken.
    """

    def __init__(
        self,
        app: Flask,
        who: Who,
        journal: Journal,
        faults: Faults,
        *,
        port: int = 0,
        fault_answer: Callable[[int], Answer] = plain_fault,
    ) -> None:
        self._app, self._who, self._journal, self._faults = app, who, journal, faults
        self._fault_answer = fault_answer
        self._ending = threading.Event()
        with socket.create_server((HOST, port), backlog=1024) as bound:
            self._listener = _Listener(bound, self.exchange)
        self.url = f"http://{HOST}:{self._listener.port}"
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(0.02,), name=f"{who}-stand-in", daemon=True
        )

    def start(self) -> Server:
        """Starts the server; returns itself."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Closes every connection and waits for the threads to end."""
        self._ending.set()
        if self._thread.ident is not None:
            self._listener.shutdown()
            self._thread.join(_PATIENCE)
        self._listener.server_close()
        self._listener.hang_up()

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def exchange(self, environ: dict[str, Any], body: bytes) -> Answer | None:
        """Handles one request; None closes the connection without a response."""
        fault = self._faults.strike(environ["PATH_INFO"])
        if fault.latency:
            self._ending.wait(fault.latency)
        answer = None if fault.drop == "before" else self._answer(environ, fault)
        if answer and answer.status == SWITCHING_PROTOCOLS:
            return None
        self._write_down(environ, body, answer, is_dropped=fault.drop is not None)
        return None if fault.drop else answer

    def _answer(self, environ: dict[str, Any], fault: Fault) -> Answer:
        if fault.status:
            answer = self._fault_answer(fault.status)
            if fault.retry_after is not None:
                answer.headers["Retry-After"] = str(fault.retry_after)
            return answer
        pieces, status, headers = run_wsgi_app(self._app, environ, buffered=True)
        return Answer(int(status.split()[0]), headers, b"".join(pieces))

    def _write_down(
        self, environ: dict[str, Any], body: bytes, answer: Answer | None, *, is_dropped: bool
    ) -> None:
        query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        request = readable(environ.get("CONTENT_TYPE", ""), body) if body else query
        kind = answer.headers.get("Content-Type", "") if answer else ""
        entry = Entry(
            at=time.time(),
            who=self._who,
            direction="in",
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            request=without_secrets(request),
            status=answer.status if answer and not is_dropped else UNANSWERED,
            response=readable(kind, answer.body) if answer else None,
        )
        self._journal.add(entry)


class _Listener(ThreadedWSGIServer):
    """Werkzeug's server with a list of its connections, so that it can close them."""

    def __init__(
        self,
        bound: socket.socket,
        exchange: Callable[[dict[str, Any], bytes], Answer | None],
    ) -> None:
        self.exchange = exchange
        self._open: dict[threading.Thread, socket.socket] = {}
        self._guard = threading.Lock()
        self._is_over = False
        port = bound.getsockname()[1]
        super().__init__(HOST, port, _never, handler=_Handler, fd=bound.fileno())

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serves one connection until it ends."""
        thread = threading.current_thread()
        with self._guard:
            self._open[thread] = request
            if self._is_over:
                _end(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._guard:
                del self._open[thread]

    def hang_up(self) -> None:
        """Closes every connection and waits for its thread."""
        with self._guard:
            self._is_over = True
            connections = list(self._open.items())
        for _, connection in connections:
            _end(connection)
        for thread, _ in connections:
            thread.join(_PATIENCE)


def _end(connection: socket.socket) -> None:
    """Shuts the connection down on both sides; its thread then closes the socket."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _never(environ: object, start_response: object) -> list[bytes]:
    """A placeholder: werkzeug needs an application, but the handler calls `exchange`."""
    raise NotImplementedError


class _Handler(WSGIRequestHandler):
    """Reads a whole request, responds at once, and keeps the connection open."""

    server: _Listener
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE

    def run_wsgi(self) -> None:
        """Handles one request."""
        environ = self.make_environ()
        body = self._body(environ)
        environ["wsgi.input"] = BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        answer = self.server.exchange(environ, body)
        if answer is None:
            self._hang_up()
        else:
            self._send(answer)

    def _body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):
            return bytes(environ["wsgi.input"].read())
        return self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        if self.command != "HEAD":
            answer.headers["Content-Length"] = str(len(answer.body))
        if self.close_connection:
            answer.headers["Connection"] = "close"
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def _hang_up(self) -> None:
        self.close_connection = True
        _end(self.connection)

    def log(self, type: str, message: str, *args: Any) -> None:
        """The journal replaces the log."""
