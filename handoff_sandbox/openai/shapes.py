"""The JSON of OpenAI's two APIs: reading requests, and building responses."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from handoff_sandbox.server import Answer, json_answer

Json = dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """The model refuses to answer; the text of the refusal."""

    words: str = "I'm sorry, I can't help with that."


@dataclass(frozen=True)
class Called:
    """The model calls these functions instead of answering: name and arguments of each."""

    calls: tuple[tuple[str, Json], ...]


@dataclass(frozen=True)
class Wanted:
    """The requested format: "text", "json_object", or "json_schema" with a schema."""

    kind: str
    schema: Json
    is_strict: bool


def wanted_by(body: Json) -> Wanted:
    """Returns the requested format, for either API."""
    if "messages" in body:
        outer = body.get("response_format") or {}
        form = outer.get("json_schema") or {}
    else:
        outer = form = (body.get("text") or {}).get("format") or {}
    is_strict = form.get("strict") is True
    return Wanted(outer.get("type", "text"), form.get("schema") or {}, is_strict)


def words_of(body: Json, *roles: str) -> str:
    """Returns the text of a request, of all or some roles; a bare input counts as the user's."""
    asked = body.get("messages", body.get("input"))
    items = asked if isinstance(asked, list) else [{"role": "user", "content": asked}]
    items = [{"role": "system", "content": body.get("instructions")}, *items]
    spoken = [item for item in items if isinstance(item, dict)]
    return "\n".join(
        text for item in spoken if not roles or item.get("role") in roles for text in _texts(item)
    )


def _texts(item: Json) -> Iterator[str]:
    content = item.get("content")
    parts = content if isinstance(content, list) else [content]
    for part in parts:
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str):
            yield text


def response(body: Json, said: str | Refusal | Called, reasoned: int = 0) -> Json:
    """Returns a response of the Responses API.

    It is cut off if the tokens do not suffice for reasoning and text. Without reasoning it is never cut off.
    """
    now, given, made = int(time.time()), _tokens(body), reasoned + _tokens(str(said))
    room = (body.get("max_output_tokens") if reasoned else None) or made
    is_cut = made > room
    output = [_reasoning()] if reasoned else []
    if not is_cut:
        output += _calls(said) if isinstance(said, Called) else [_message(said)]
    return {
        "id": f"resp_{uuid.uuid4().hex}",
        "object": "response",
        "created_at": now,
        "completed_at": None if is_cut else now,
        "status": "incomplete" if is_cut else "completed",
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": body.get("metadata") or {},
        "model": body["model"],
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": effort_of(body), "summary": None},
        "service_tier": "default",
        "store": body.get("store", True),
        "temperature": 1.0,
        "text": body.get("text", {"format": {"type": "text"}}),
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools", []),
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": given,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": min(made, room),
            "output_tokens_details": {"reasoning_tokens": min(reasoned, room)},
            "total_tokens": given + min(made, room),
        },
    }


def effort_of(body: Json) -> str | None:
    """Returns the requested reasoning effort, for either API."""
    effort = body.get("reasoning_effort") or (body.get("reasoning") or {}).get("effort")
    return effort if isinstance(effort, str) else None


def _reasoning() -> Json:
    return {"type": "reasoning", "id": f"rs_{uuid.uuid4().hex}", "summary": []}


def _calls(said: Called) -> list[Json]:
    return [
        {
            "type": "function_call",
            "id": f"fc_{uuid.uuid4().hex}",
            "call_id": f"call_{uuid.uuid4().hex[:24]}",
            "name": name,
            "arguments": json.dumps(arguments),
            "status": "completed",
        }
        for name, arguments in said.calls
    ]


def outputs(body: Json, function: str) -> list[str]:
    """Returns what the calls of this function have returned."""
    asked = body.get("input")
    items = asked if isinstance(asked, list) else []
    ids = [one["call_id"] for one in items if one.get("name") == function]
    found = (one for one in items if one.get("type") == "function_call_output")
    return [str(one["output"]) for one in found if one["call_id"] in ids]


def _message(said: str | Refusal) -> Json:
    content: Json = {"type": "output_text", "text": said, "annotations": [], "logprobs": []}
    if isinstance(said, Refusal):
        content = {"type": "refusal", "refusal": said.words}
    return {
        "type": "message",
        "id": f"msg_{uuid.uuid4().hex}",
        "role": "assistant",
        "status": "completed",
        "content": [content],
    }


def completion(body: Json, said: str | Refusal, reasoned: int = 0) -> Json:
    """Returns a response of Chat Completions, cut off like one of the Responses API."""
    given, made = _tokens(body), reasoned + _tokens(str(said))
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    room = (limit if reasoned else None) or made
    content, refusal = (None, said.words) if isinstance(said, Refusal) else (said, None)
    if made > room:
        content, refusal = "", None
    message: Json = {
        "role": "assistant",
        "content": content,
        "refusal": refusal,
        "annotations": [],
    }
    finish = "length" if made > room else "stop"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [choice],
        "service_tier": "default",
        "usage": {
            "prompt_tokens": given,
            "completion_tokens": min(made, room),
            "total_tokens": given + min(made, room),
        },
    }


def _tokens(content: object) -> int:
    """Estimates a token count: four characters each."""
    return len(json.dumps(content)) // 4 + 1


def model(name: str, shutdown_date: str | None) -> Json:
    """Returns the response of `GET /v1/models/{name}`."""
    return {
        "id": name,
        "object": "model",
        "created": 1_780_000_000,
        "owned_by": "openai",
        "shutdown_date": shutdown_date,
    }


def error(words: str, kind: str, code: str | None = None, param: str | None = None) -> Json:
    """Returns an error."""
    return {"error": {"message": words, "type": kind, "param": param, "code": code}}


def fault(status: int) -> Answer:
    """Returns OpenAI's body of a 500 or a 429."""
    if status == 429:
        return json_answer(status, error("Rate limit reached", "requests", "rate_limit_exceeded"))
    return json_answer(status, error("The server had an error", "server_error"))
