"""The ways to ask a service for an answer of a shape, best first, and how it says that it has not got one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import openai
from openai.types.chat import ChatCompletionMessageParam
from openai.types.responses import EasyInputMessageParam
from pydantic import BaseModel

from handoff_bot.ai.model_answers import Said, read_completion, read_response

TOKENS = 1_000

_FORM = re.compile(
    r"json[ _]schema|response_format|text_format|structured[ _]output|text\W{1,6}format"
)
_LACK = re.compile(
    r"not support|n't support|unsupported|not permitted|not allowed|not implemented|not available"
    r"|unavailable|unknown|not recogni[sz]ed|unrecogni[sz]ed|forbidden|no endpoints|unexpected"
)
_OUR_MISTAKE = "invalid_json_schema"  # says "not permitted" of a part of the schema


@dataclass(frozen=True)
class Question:
    """What is asked of a model.

    Attributes:
        model: its name.
        instructions: ours.
        data: what they are about; it may hold anything.
        shape: of the answer. Every field is required.
        contact_id: whose share of the spending it is.
    """

    model: str
    instructions: str
    data: str
    shape: type[BaseModel]
    contact_id: int | None = None

    @property
    def instructions_with_schema(self) -> str:
        """For a service that does not take the schema as such. Some insist on the word JSON."""
        schema = json.dumps(self.shape.model_json_schema())
        form = "Answer with one JSON object and nothing else. It must fit this JSON schema"
        return f"{self.instructions}\n\n{form}:\n{schema}"


@dataclass(frozen=True)
class Way:
    """One way to ask.

    Attributes:
        send: sends the question and returns the body of the answer; the seconds are for each read.
        read: what the model said, from that body; ValueError when it is no answer.
        instead: the way to ask when this error says that the service has not got this one, else None.
    """

    send: Callable[[openai.OpenAI, Question, float], str]
    read: Callable[[str], Said]
    instead: Callable[[openai.APIStatusError], Way | None]


def _send_schema(client: openai.OpenAI, question: Question, seconds: float) -> str:
    return client.responses.with_raw_response.parse(
        model=question.model,
        instructions=question.instructions,
        input=question.data,
        text_format=question.shape,
        store=False,
        max_output_tokens=TOKENS,
        timeout=seconds,
    ).text


def _send_object(client: openai.OpenAI, question: Question, seconds: float) -> str:
    # As a message: OpenAI looks for the word JSON in the input and not in the instructions.
    system = EasyInputMessageParam(role="system", content=question.instructions_with_schema)
    return client.responses.with_raw_response.create(
        model=question.model,
        input=[system, EasyInputMessageParam(role="user", content=question.data)],
        text={"format": {"type": "json_object"}},
        store=False,
        max_output_tokens=TOKENS,
        timeout=seconds,
    ).text


def _send_chat(client: openai.OpenAI, question: Question, seconds: float) -> str:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": question.instructions_with_schema},
        {"role": "user", "content": question.data},
    ]
    return client.chat.completions.with_raw_response.create(
        model=question.model,
        messages=messages,
        response_format={"type": "json_object"},
        store=False,
        max_tokens=TOKENS,  # its newer name is unknown to many who have no Responses API
        timeout=seconds,
    ).text


def _instead_of_schema(error: openai.APIStatusError) -> Way | None:
    return BY_OBJECT if _has_no_schemas(error) else _instead_of_object(error)


def _instead_of_object(error: openai.APIStatusError) -> Way | None:
    return BY_CHAT if _has_no_responses(error) else None


def _has_no_schemas(error: openai.APIStatusError) -> bool:
    said = error.response.text.casefold()
    lacks = _FORM.search(said) and _LACK.search(said) and _OUR_MISTAKE not in said
    return error.status_code in {400, 404, 422} and bool(lacks)


def _has_no_responses(error: openai.APIStatusError) -> bool:
    """Is there nothing at the address? That a model is unknown is said with the same status."""
    return error.status_code in {404, 405} and "model" not in error.response.text.casefold()


BY_CHAT = Way(_send_chat, read_completion, lambda _: None)
BY_OBJECT = Way(_send_object, read_response, _instead_of_object)
BY_SCHEMA = Way(_send_schema, read_response, _instead_of_schema)
