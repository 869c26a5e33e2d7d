"""A Web API that answers what a test tells it to, on loopback; for failures that must be exact."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl

from tests.loopback import Loopback


@dataclass
class Reply:
    """What to answer; `drop` hangs up instead, `after` is done before anything else."""

    body: dict[str, Any] | str = field(default_factory=lambda: {"ok": True})
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    after: Callable[[], object] = lambda: None


@dataclass
class ScriptedApi:
    """Answers in order what was scripted for each method, otherwise `{"ok": true}`."""

    url: str
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    script: dict[str, list[Reply]] = field(default_factory=dict)

    def will(self, method: str, *replies: Reply) -> None:
        self.script.setdefault(method, []).extend(replies)

    def fails(self, method: str, error: str, status: int = 200, **headers: str) -> None:
        self.will(method, Reply({"ok": False, "error": error}, status, headers))

    def answers(self, method: str, **body: Any) -> None:
        self.will(method, Reply({"ok": True} | body))

    def asked(self, method: str) -> list[dict[str, Any]]:
        return [body for name, body in self.calls if name == method]

    def reply(self, method: str, body: dict[str, Any]) -> Reply:
        self.calls.append((method, body))
        scripted = self.script.get(method)
        return scripted.pop(0) if scripted else Reply()


@contextmanager
def scripted_api() -> Iterator[ScriptedApi]:
    """Serve until the end of the test."""
    api = ScriptedApi("")

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = _decoded(self.rfile.read(length).decode())
            path, _, query = self.path.partition("?")
            body |= dict(parse_qsl(query))
            reply = api.reply(path.rsplit("/", 1)[-1], body)
            reply.after()
            if reply.drop:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text.encode())))
            with suppress(ConnectionError):  # whoever asked may have lost patience
                self.end_headers()
                self.wfile.write(text.encode())

        def log_message(self, *args):
            pass

    for verb in ("GET", "POST"):
        setattr(Handler, f"do_{verb}", Handler.answer)
    server = Loopback(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}/api/"
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _decoded(body: str) -> dict[str, Any]:
    return json.loads(body) if body.startswith("{") else dict(parse_qsl(body))


def respond_to(api: ScriptedApi) -> dict[str, Any]:
    """What a click brings along, so that it can be answered here."""
    return {"response_url": f"{api.url}response"}
