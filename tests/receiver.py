"""A server on loopback that keeps what is posted to it: a collector of spans, or Sentry."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PATIENCE = 20.0


class Receiver:
    """Answers `status` to every request, after `gate` is open."""

    def __init__(self) -> None:
        self.status = 200
        self.gate = threading.Event()
        self.gate.set()
        self.bodies: list[bytes] = []
        self.heads: list[str] = []
        self._changed = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver.gate.wait(PATIENCE)
                with receiver._changed:
                    receiver.heads.append(f"{self.path}\n{self.headers}")
                    receiver.bodies.append(body)
                    receiver._changed.notify_all()
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST  # noqa: N815 - the library's name

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait_for(self, holds: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(holds, PATIENCE), "it was not received in time"

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    # -- a collector of spans

    def spans(self) -> list[dict[str, Any]]:
        """All spans, with attributes as a plain dictionary, and `trace`, `id`, `parent` in hexadecimal."""
        return [span for body in list(self.bodies) for span in _spans_in(body)]

    # -- Sentry

    def events(self) -> list[dict[str, Any]]:
        """The events in all envelopes."""
        return [
            json.loads(line)
            for body in list(self.bodies)
            for line in body.split(b"\n")
            if b'"logger"' in line
        ]


def _spans_in(body: bytes) -> Iterator[dict[str, Any]]:
    request = ExportTraceServiceRequest.FromString(body)
    for resource in request.resource_spans:
        about = {one.key: one.value.string_value for one in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                plain = MessageToDict(span)
                yield plain | {
                    "trace": span.trace_id.hex(),
                    "id": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "attributes": {
                        one.key: one.value.string_value or one.value.int_value
                        for one in span.attributes
                    },
                    "resource": about,
                }
