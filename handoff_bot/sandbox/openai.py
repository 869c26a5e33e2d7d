"""A stand-in for OpenAI: the Responses API as far as the bot uses it, with answers from a script."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, jsonify, request

from handoff_bot.sandbox.server import Answer, Faults, Journal, Server, json_answer

Json = dict[str, Any]
Script = Callable[[Json], Json | str | None]
"""What to answer to a request: an object for its schema, a text as it is, or None to refuse."""


class OpenAIStandIn:
    """OpenAI on loopback, for the unchanged client: `OpenAI(base_url=stand_in.base_url)`.

    Args:
        api_key: nothing else is accepted.
        script: answers; by default the smallest object that fits the schema asked for.
    """

    def __init__(
        self,
        api_key: str = "sk-sandbox",
        journal: Journal | None = None,
        faults: Faults | None = None,
        *,
        script: Script | None = None,
    ) -> None:
        self.api_key = api_key
        self.journal, self.faults = journal or Journal(), faults or Faults()
        self.script = script or smallest_answer
        self._requests: list[Json] = []
        self._guard = threading.Lock()
        self._server = Server(
            self._routes(), "openai", self.journal, self.faults, fault_answer=_fault
        )
        self.base_url = f"{self._server.url}/v1"

    def start(self) -> OpenAIStandIn:
        """Begin to answer; returns itself."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop answering."""
        self._server.stop()

    def __enter__(self) -> OpenAIStandIn:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def requests(self) -> list[Json]:
        """The bodies that were sent, oldest first."""
        with self._guard:
            return list(self._requests)

    def _routes(self) -> Flask:
        app = Flask("openai")
        app.add_url_rule("/v1/responses", view_func=self._responses, methods=["POST"])
        return app

    def _responses(self) -> Response:
        if request.headers.get("Authorization") != f"Bearer {self.api_key}":
            return _problem(401, "invalid_api_key", "Incorrect API key provided.")
        body = request.get_json(silent=True)
        if not isinstance(body, dict) or "model" not in body or "input" not in body:
            return _problem(400, "invalid_request_error", "model and input are required.")
        with self._guard:
            self._requests.append(body)
        return jsonify(_response(body, self.script(body)))


def smallest_answer(body: Json) -> Json | str:
    """The smallest object that fits the schema asked for, or a short text when none is."""
    wanted = (body.get("text") or {}).get("format") or {}
    if wanted.get("type") != "json_schema":
        return "Understood."
    example = _example(wanted["schema"], wanted["schema"].get("$defs", {}))
    return example if isinstance(example, dict) else str(example)


def _example(schema: Json, named: Json) -> Any:
    if "$ref" in schema:
        return _example(named[schema["$ref"].rpartition("/")[2]], named)
    if "enum" in schema:
        return schema["enum"][-1]
    if "anyOf" in schema:
        return _example(schema["anyOf"][-1], named)
    kind = schema.get("type")
    if kind == "object":
        return {name: _example(part, named) for name, part in schema["properties"].items()}
    return {"array": [], "boolean": False, "number": 0.0, "integer": 0, "null": None}.get(
        str(kind), ""
    )


def _response(body: Json, said: Json | str | None) -> Json:
    content: Json = {"type": "refusal", "refusal": "I cannot help with that."}
    if said is not None:
        text = said if isinstance(said, str) else json.dumps(said)
        content = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    message = {
        "type": "message",
        "id": f"msg_{uuid.uuid4().hex}",
        "role": "assistant",
        "status": "completed",
        "content": [content],
    }
    return {
        "id": f"resp_{uuid.uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": {},
        "model": body["model"],
        "output": [message],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "store": body.get("store", True),
        "text": body.get("text", {"format": {"type": "text"}}),
        "usage": _usage(body, content),
    }


def _usage(body: Json, content: Json) -> Json:
    """Tokens as a rough count of four characters each."""
    given, made = len(json.dumps(body)) // 4 + 1, len(json.dumps(content)) // 4 + 1
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": given + made,
    }


def _error(code: str, words: str) -> Json:
    return {"error": {"message": words, "type": code, "param": None, "code": code}}


def _problem(status: int, code: str, words: str) -> Response:
    response = jsonify(_error(code, words))
    response.status_code = status
    return response


def _fault(status: int) -> Answer:
    """How OpenAI words a fault."""
    code = "rate_limit_exceeded" if status == 429 else "server_error"
    return json_answer(status, _error(code, "The stand-in was told to fail."))
