"""Fixtures of the AI tests: the shipped detector, the sample knowledge base, a scripted service."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.ai.language_model import LanguageModel, connect

SAMPLES = Path(__file__).parents[2] / "knowledge"


@pytest.fixture(scope="session")
def detector():
    return LocalDetector.load()


@pytest.fixture(scope="session")
def known(detector):
    """The sample knowledge base with its meanings, read once."""
    with Knowledge(SAMPLES, meaning=detector.encoder.vectors) as knowledge:
        yield knowledge


@pytest.fixture
def knowledge(known):
    return known


@dataclass
class Service:
    """A Responses API on loopback that answers from a script and keeps what it was asked."""

    url: str = ""
    script: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def answers(self, content, status="completed"):
        """The next answer: a completed response with this object as its JSON text."""
        text = content if isinstance(content, str) else json.dumps(content)
        self.script.append((200, said(text, status)))

    def answers_by(self, answer):
        """The next answer: the object that `answer` makes of the request's body."""
        self.script.append((200, lambda body: said(json.dumps(answer(body)))))

    def refuses(self):
        self.script.append(
            (200, response([{"type": "refusal", "refusal": "I can't help with that."}]))
        )

    def fails(self, status, body="{}"):
        self.script.append((status, body))

    def hangs(self):
        self.script.append((0, ""))


def said(text, status="completed"):
    return response([{"type": "output_text", "text": text, "annotations": []}], status)


def response(content, status="completed"):
    return json.dumps(
        {
            "id": "resp_1",
            "object": "response",
            "created_at": 0,
            "status": status,
            "model": "stand-in",
            "output": [
                {
                    "type": "message",
                    "id": "msg_1",
                    "status": status,
                    "role": "assistant",
                    "content": content,
                }
            ],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
        }
    )


@pytest.fixture
def service():
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.asked.append({"path": self.path, **json.loads(body)})
            status, text = service.script.pop(0)
            text = text(service.asked[-1]) if callable(text) else text
            if not status:
                service.gate.wait(10)
                self.close_connection = True
                return
            raw = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *arguments):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield service
    service.gate.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def language_model(service):
    with connect("sk-secret", service.url) as client:
        yield LanguageModel(client, "stand-in")
