"""Fixtures of the AI tests: the shipped detector, the sample knowledge base, a scripted service."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.ai.language_model import LanguageModel, connect
from handoff_bot.domain.language_models import Usage
from tests.loopback import Loopback

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
class Purse:
    """Spending that remembers."""

    is_empty: bool = False
    spent: list[Usage] = field(default_factory=list)
    contacts: list[int | None] = field(default_factory=list)

    def allows(self, contact_id):
        return not self.is_empty

    def record(self, contact_id, usage):
        self.contacts.append(contact_id)
        self.spent.append(usage)


@dataclass
class Service:
    """A service on loopback that answers from a script and keeps what it was asked.

    Attributes:
        asked: the requests, each with its path; raw: their bodies as they came.
    """

    url: str = ""
    script: list[tuple[int, Any, dict[str, str]]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def answers(self, content, status="completed", usage=None):
        """The next answer: a completed response with this object as its JSON text."""
        self.fails(200, response([said_as(content)], status, usage))

    def answers_to(self, make):
        """The next answer: what this makes of the request."""
        self.fails(200, lambda asked: response([said_as(make(asked))]))

    def chats(self, content, finish_reason="stop", refusal=None, usage=None):
        """The next answer, by Chat Completions."""
        text = content if isinstance(content, str | None) else json.dumps(content)
        message = {"role": "assistant", "content": text, "refusal": refusal}
        choice = {"index": 0, "message": message, "finish_reason": finish_reason}
        completion = {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice]}
        self.fails(200, json.dumps(completion | ({"usage": usage} if usage else {})))

    def refuses(self, usage=None):
        said = {"type": "refusal", "refusal": "I can't help with that."}
        self.fails(200, response([said], usage=usage))

    def fails(self, status, body="{}", **headers):
        self.script.append((status, body, headers))

    def hangs(self):
        self.script.append((0, "", {}))

    def drips(self):
        """The next answer comes a byte at a time and does not end."""
        self.script.append((1, "", {}))


def said_as(content):
    text = content if isinstance(content, str) else json.dumps(content)
    return {"type": "output_text", "text": text, "annotations": []}


def response(content, status="completed", usage=None):
    return json.dumps(
        ({"usage": usage} if usage else {})
        | {
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
            service.raw.append(body.decode(errors="replace"))
            is_json = self.headers["Content-Type"] == "application/json"
            service.asked.append({"path": self.path, **(json.loads(body) if is_json else {})})
            status, text, headers = service.script.pop(0)
            self.close_connection = status < 200
            if status < 200:
                self.keep_waiting(drip=bool(status))
                return
            raw = (text(service.asked[-1]) if callable(text) else text).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def keep_waiting(self, drip):
            if drip:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not service.gate.wait(0.02 if drip else 10) and drip:
                with contextlib.suppress(OSError):
                    self.wfile.write(b" ")

        def log_message(self, *arguments):
            """Quiet."""

    server = Loopback(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield service
    service.gate.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def purse():
    """The spending of the language model."""
    return Purse()


@pytest.fixture
def usage(purse):
    """What the language model was said to have used."""
    return purse.spent


@pytest.fixture
def language_model(service, purse):
    with connect("sk-secret", service.url) as client:
        yield LanguageModel(client, "stand-in", spending=purse)
