"""Slack's end of Socket Mode, on loopback: opens connections when asked to, sends envelopes, takes acks."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from simple_websocket import ConnectionClosed
from simple_websocket import Server as WebSocket

from tests.loopback import Loopback

PATIENCE = 5


@dataclass
class SocketSide:
    """What a test uses: `envelopes` are sent one after the other, each waits for its ack.

    Attributes:
        refusals: how many times to refuse to open a connection.
        opened: how many connections there were.
    """

    url: str = ""
    refusals: int = 0
    opened: int = 0
    token: str = ""
    envelopes: "queue.Queue[dict[str, Any] | None]" = field(default_factory=queue.Queue)
    acks: "queue.Queue[dict[str, Any] | None]" = field(default_factory=queue.Queue)

    def sends(self, kind: str, payload: dict[str, Any], **more: Any) -> dict[str, Any] | None:
        """Send an envelope; what came back, None when nothing did in time."""
        envelope = {"envelope_id": f"E{id(payload)}", "type": kind, "payload": payload}
        self.envelopes.put(envelope | more)
        return self.acks.get(timeout=2 * PATIENCE)


@contextmanager
def socket_side(port: int = 0, **options: Any) -> Iterator[SocketSide]:
    """Serve until the end of the test."""
    side = SocketSide(**options)

    class Handler(BaseHTTPRequestHandler):
        def open_connection(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            side.token = self.headers["Authorization"]
            answer: dict[str, Any] = {
                "ok": True,
                "url": f"ws://127.0.0.1:{server.server_port}/link?ticket=1",
            }
            if side.refusals:
                side.refusals -= 1
                answer = {"ok": False, "error": "internal_error"}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def link(self):
            headers = {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in self.headers.items()}
            link = WebSocket({**headers, "werkzeug.socket": self.connection})
            self.close_connection = True
            side.opened += 1
            try:
                link.send(json.dumps({"type": "hello", "num_connections": 1}))
                while (envelope := side.envelopes.get()) is not None:
                    link.send(json.dumps(envelope))
                    ack = link.receive(timeout=envelope.get("patience", PATIENCE))
                    side.acks.put(json.loads(ack) if ack else None)
                link.close()
            except ConnectionClosed:
                side.acks.put(None)

        def log_message(self, *args):
            pass

    setattr(Handler, "do_POST", Handler.open_connection)  # noqa: B010 - http.server's name for it
    setattr(Handler, "do_GET", Handler.link)  # noqa: B010 - the same
    server = Loopback(("127.0.0.1", port), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    side.url = f"http://127.0.0.1:{server.server_port}/api/"
    try:
        yield side
    finally:
        side.envelopes.put(None)
        server.shutdown()
        thread.join()
        server.server_close()
