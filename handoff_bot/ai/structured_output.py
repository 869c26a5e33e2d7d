"""Structured answers of language models: request forms by what a service refuses, and parsing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any

import openai
from pydantic import AliasChoices, BaseModel, Field, ValidationError

# -- parsing: the Responses API and Chat Completions


@dataclass(frozen=True)
class Call:
    """A function that the model calls; `arguments` is JSON as it wrote it, and may be anything."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Said:
    """A model's response.

    Attributes:
        text: its text, or "".
        calls: the functions that it calls instead of answering.
        is_refusal: True if it refused.
        is_cut: True if it is incomplete.
        lacks_room: True if the token limit was the cause.
        has_reasoned: True if tokens were used for reasoning.
    """

    text: str
    is_refusal: bool = False
    is_cut: bool = False
    lacks_room: bool = False
    has_reasoned: bool = False
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True)
class Tokens:
    """A service's token counts; `cached` is the part of `given` read from its cache."""

    given: int
    made: int
    cached: int = 0


class _Part(BaseModel):
    type: str
    text: str | None = None


class _Item(BaseModel):
    type: str
    content: list[_Part] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None


class _Incomplete(BaseModel):
    reason: str | None = None


class _Response(BaseModel):
    status: str | None = None
    incomplete_details: _Incomplete | None = None
    output: list[_Item]


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)


class _Tokens(BaseModel):
    input_tokens: int = Field(
        gt=0, lt=2**31, validation_alias=AliasChoices("input_tokens", "prompt_tokens")
    )
    output_tokens: int = Field(
        gt=0, lt=2**31, validation_alias=AliasChoices("output_tokens", "completion_tokens")
    )


class _Cached(BaseModel):
    cached_tokens: int = Field(ge=0, lt=2**31)


class _Details(BaseModel):
    details: _Cached = Field(
        validation_alias=AliasChoices("input_tokens_details", "prompt_tokens_details")
    )


class _MeteredInDetail(BaseModel):
    usage: _Details


class _Metered(BaseModel):
    usage: _Tokens


def read_response(body: str) -> Said:
    """Parses a Responses API response.

    Raises:
        ValueError: another format.
    """
    response = _Response.model_validate_json(body)
    details = response.incomplete_details if response.status == "incomplete" else None
    parts = [
        part for item in response.output if item.type == "message" for part in item.content or ()
    ]
    return Said(
        "".join(part.text or "" for part in parts if part.type == "output_text"),
        is_refusal=any(part.type == "refusal" for part in parts),
        is_cut=response.status == "incomplete",
        lacks_room=bool(details and details.reason == "max_output_tokens"),
        has_reasoned=any(item.type == "reasoning" for item in response.output),
        calls=tuple(
            Call(item.call_id or "", item.name or "", item.arguments or "")
            for item in response.output
            if item.type == "function_call"
        ),
    )


def read_completion(body: str) -> Said:
    """Parses a Chat Completions response.

    Raises:
        ValueError: another format.
    """
    choice = _Completion.model_validate_json(body).choices[0]
    is_cut = choice.finish_reason == "length"
    return Said(
        choice.message.content or "",
        is_refusal=bool(choice.message.refusal) or choice.finish_reason == "content_filter",
        is_cut=is_cut,
        lacks_room=is_cut,
        has_reasoned=is_cut and not choice.message.content,
    )


def tokens_in(body: str) -> Tokens | None:
    """Returns the service's token counts, None if not given."""
    try:
        usage = _Metered.model_validate_json(body).usage
    except ValidationError:
        return None
    return Tokens(usage.input_tokens, usage.output_tokens, _cached_in(body))


def _cached_in(body: str) -> int:
    try:
        return _MeteredInDetail.model_validate_json(body).usage.details.cached_tokens
    except ValidationError:
        return 0


def unfenced(text: str) -> str:
    """Removes the Markdown fence that some models put around JSON despite the instructions."""
    text = text.strip()
    if not text.startswith("```"):
        return text
    return text.partition("\n")[2].removesuffix("```")


# -- request forms, by what the service is known to refuse

DEFAULT = "default"
"""Leaves the reasoning effort to the model."""
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""From https://developers.openai.com/api/docs/models/gpt-6-luna, plus earlier models' "minimal"."""

RESPONSES, SCHEMA, OBJECT, STORE, EFFORT, TOOLS = (
    "responses",
    "json_schema",
    "json_object",
    "store",
    "effort",
    "tools",
)
ROOM, LEAST_EFFORT = "more room", "least effort"
MORE_ROOM = 4
"""After a truncated answer, the token limit is multiplied by this from then on."""

KEPT = 6 * 60 * 60
"""Seconds until lessons expire: services change, and a lesson may have been wrong."""

Lesson = str
"""What a service lacks (a parameter, a form, "responses"), or how it must be asked instead."""


class Lessons:
    """What one model of one service has refused. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._learnt: frozenset[Lesson] = frozenset()
        self._since = 0.0

    def known(self) -> frozenset[Lesson]:
        """Returns the lessons that have not expired."""
        with self._guard:
            if self._learnt and self._clock() - self._since >= KEPT:
                self._learnt = frozenset()
            return self._learnt

    def learn(self, lessons: Set[Lesson]) -> bool:
        """Stores lessons; False if all were known."""
        with self._guard:
            if lessons <= self._learnt:
                return False
            if not self._learnt:
                self._since = self._clock()
            self._learnt |= lessons
            return True

    def forget(self) -> None:
        """Forgets everything."""
        with self._guard:
            self._learnt = frozenset()


@dataclass(frozen=True)
class Tool:
    """A function that the model may call.

    Attributes:
        parameters: their JSON schema.
        is_strict: True if the service can enforce the schema: each parameter is required.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    is_strict: bool = True

    def as_json(self) -> dict[str, Any]:
        """Returns it for the Responses API.

        See https://developers.openai.com/api/docs/guides/function-calling.
        """
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": dict(self.parameters),
            "strict": self.is_strict,
        }


@dataclass(frozen=True)
class Exchange:
    """A call of the model, and what it returned (data)."""

    call: Call
    output: str

    def as_json(self) -> list[dict[str, Any]]:
        """Returns both as input. Without the call's own id, because nothing is stored there."""
        call = {
            "type": "function_call",
            "call_id": self.call.id,
            "name": self.call.name,
            "arguments": self.call.arguments,
        }
        output = {
            "type": "function_call_output",
            "call_id": self.call.id,
            "output": self.output,
        }
        return [call, output]


@dataclass(frozen=True)
class Question:
    """A request to a model.

    Attributes:
        model: its name.
        instructions: ours.
        data: the subject; may contain anything.
        shape: of the answer. Every field is required.
        contact_id: the contact whose spending cap applies.
        effort: one of `EFFORTS`, or `DEFAULT`.
        tokens: limit for the answer, including reasoning.
        tools: what the model may call. Only the Responses API gets them.
        exchanges: what it has called so far.
        may_call: False where no further call is allowed; the tools stay known, for its earlier calls.
        pictures: data URLs. In low detail, the service itself makes them small, so that they cost
            the same whatever their size: https://developers.openai.com/api/docs/guides/images-vision.
    """

    model: str
    instructions: str
    data: str
    shape: type[BaseModel]
    contact_id: int | None = None
    effort: str = DEFAULT
    tokens: int = 1_000
    tools: tuple[Tool, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    may_call: bool = True
    pictures: tuple[str, ...] = ()

    @property
    def data_with_results(self) -> str:
        """For an API without tools: what earlier calls returned follows the data."""
        return "\n".join([self.data, *(one.output for one in self.exchanges)])

    @property
    def instructions_with_schema(self) -> str:
        """For a service without schema support. Some require the word JSON."""
        schema = json.dumps(self.shape.model_json_schema())
        form = "Answer with one JSON object and nothing else. It must fit this JSON schema"
        return f"{self.instructions}\n\n{form}:\n{schema}"


@dataclass(frozen=True)
class Request:
    """A question as it is sent.

    Attributes:
        path: "/responses" or "/chat/completions".
        form: of the answer, `SCHEMA`, `OBJECT`, or "" if only the instructions ask for it.
        effort: the requested reasoning effort, "" for none.
        read: parses a response body; ValueError if invalid.
    """

    path: str
    body: dict[str, Any]
    form: str
    effort: str
    read: Callable[[str], Said]


_TOOL = "tool "


def refused_tool(name: str) -> Lesson:
    """Returns the lesson that this tool, and no other, is left out."""
    return f"{_TOOL}{name}"


def tools_in(lessons: Set[Lesson]) -> list[str]:
    """Returns the names of refused tools."""
    return sorted(one.removeprefix(_TOOL) for one in lessons if one.startswith(_TOOL))


def request_for(question: Question, lessons: Set[Lesson]) -> Request:
    """Returns the best request that these lessons allow."""
    form = next((one for one in (SCHEMA, OBJECT) if one not in lessons), "")
    effort = _effort(question.effort, lessons)
    if RESPONSES in lessons:
        return _by_chat(question, lessons, OBJECT if OBJECT not in lessons else "", effort)
    body: dict[str, Any] = {"model": question.model, **_asked(question, form)}
    if form:
        body["text"] = {"format": _format(question, form)}
    if effort:
        body["reasoning"] = {"effort": effort}
    tools = [one for one in question.tools if refused_tool(one.name) not in lessons]
    if tools and TOOLS not in lessons:
        body[TOOLS] = [one.as_json() for one in tools]
        body |= {} if question.may_call else {"tool_choice": "none"}
    optional = {STORE: False, "max_output_tokens": _tokens(question, lessons)}
    body |= {name: value for name, value in optional.items() if name not in lessons}
    return Request("/responses", body, form, effort, read_response)


def _by_chat(question: Question, lessons: Set[Lesson], form: str, effort: str) -> Request:
    body: dict[str, Any] = {
        "model": question.model,
        "messages": [
            {"role": "system", "content": question.instructions_with_schema},
            {"role": "user", "content": _with_chat_pictures(question)},
        ],
    }
    if form:
        body["response_format"] = {"type": form}
    if effort:
        body["reasoning_effort"] = effort
    if STORE not in lessons:
        body[STORE] = False
    # The older name first: many services without the Responses API do not know the newer one.
    names = [one for one in ("max_tokens", "max_completion_tokens") if one not in lessons]
    body |= {name: _tokens(question, lessons) for name in names[:1]}
    return Request("/chat/completions", body, form, effort, read_completion)


def _asked(question: Question, form: str) -> dict[str, Any]:
    called = [item for each in question.exchanges for item in each.as_json()]
    user = {"role": "user", "content": _with_pictures(question)}
    if form == SCHEMA:
        data = [user, *called] if called or question.pictures else question.data
        return {"instructions": question.instructions, "input": data}
    # As a message: OpenAI looks for the word JSON in the input and not in the instructions.
    system = {"role": "system", "content": question.instructions_with_schema}
    return {"input": [system, user, *called]}


def _with_pictures(question: Question) -> str | list[dict[str, str]]:
    if not question.pictures:
        return question.data
    pictures = (
        {"type": "input_image", "image_url": url, "detail": "low"} for url in question.pictures
    )
    return [{"type": "input_text", "text": question.data}, *pictures]


def _with_chat_pictures(question: Question) -> str | list[dict[str, Any]]:
    if not question.pictures:
        return question.data_with_results
    pictures = (
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}}
        for url in question.pictures
    )
    return [{"type": "text", "text": question.data_with_results}, *pictures]


def _format(question: Question, form: str) -> dict[str, Any]:
    if form != SCHEMA:
        return {"type": form}
    # OpenAI's own client creates strict schemas for functions; a format accepts the same ones.
    function = openai.pydantic_function_tool(question.shape)["function"]
    schema = function.get("parameters", {})
    return {"type": form, "name": question.shape.__name__, "schema": schema, "strict": True}


def _tokens(question: Question, lessons: Set[Lesson]) -> int:
    return question.tokens * (MORE_ROOM if ROOM in lessons else 1)


def refused_effort(effort: str) -> Lesson:
    """Returns the lesson that this value is refused."""
    return f"{EFFORT} {effort}"


def _effort(wanted: str, lessons: Set[Lesson]) -> str:
    """Returns the wanted effort, else the next higher one, else the next lower one that is not
    refused.
    """
    if wanted == DEFAULT or EFFORT in lessons:
        return ""
    at = 0 if LEAST_EFFORT in lessons else EFFORTS.index(wanted)
    order = [*EFFORTS[at:], *reversed(EFFORTS[:at])]
    return next((one for one in order if refused_effort(one) not in lessons), "")
