"""Parses language model responses of the Responses API and of Chat Completions."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import AliasChoices, BaseModel, Field, ValidationError


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
