"""Asks a language model, within a deadline, for an answer of a fixed shape, however its service knows it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import openai
from pydantic import BaseModel, ValidationError

from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.spending import Usage
from handoff_bot.ports import Spending

Shape = TypeVar("Shape", bound=BaseModel)

_TRIES = 2
_WORTH_A_TRY = 0.25  # seconds left of the deadline below which nothing is begun
_TOKENS = 1_000
_CHARACTERS = 4  # of a token, roughly: where the service does not count
_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_ABOUT_THE_FORM = ("json_schema", "text.format", "response_format", "structured output", "schema")


def connect(api_key: str, base_url: str = "") -> openai.OpenAI:
    """A client without retries of its own: they would outlast our deadlines. Close it when done.

    Args:
        api_key: the secret.
        base_url: of a compatible service, e.g. "http://127.0.0.1:8080/v1"; "" for OpenAI itself.
    """
    return openai.OpenAI(api_key=api_key, base_url=base_url or None, max_retries=0)


@dataclass(frozen=True)
class _Asked:
    """One request."""

    instructions: str
    data: str
    shape: type[BaseModel]
    seconds: float


class LanguageModel:
    """One model of one service. Safe to use from many threads at once.

    It begins with the Responses API and a JSON schema; a service that knows no schemas is asked for any
    JSON object, one without that API through Chat Completions. What worked last is tried first.
    """

    def __init__(
        self,
        client: openai.OpenAI,
        model: str,
        spending: Spending | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._model = model
        self._spending = spending
        self._clock = clock
        self._ways = (self._by_schema, self._by_object, self._by_chat)
        self._way = 0

    def ask(
        self,
        instructions: str,
        data: str,
        shape: type[Shape],
        seconds: float,
        contact_id: int | None = None,
    ) -> Shape:
        """The model's answer to the data, nothing stored at the service.

        A broken connection, a server error and a malformed answer are tried once more while time is
        left; a rate limit, a timeout and a refusal are not.

        Args:
            contact_id: whose share of the spending it is.

        Raises:
            ModelError: with the kind of failure as its whole text, e.g. "timeout".
        """
        if self._spending and not self._spending.allows(contact_id):
            raise ModelError("spent enough for today")
        deadline = self._clock() + seconds
        kind = "timeout"
        tries = 0
        while tries < _TRIES:
            left = deadline - self._clock()
            if left < _WORTH_A_TRY:
                break
            way = self._way
            asked = _Asked(instructions, data, shape, left)
            text, kind = self._once(asked, contact_id)
            if text:
                try:
                    return shape.model_validate_json(_bare(text))
                except ValidationError:
                    kind = "malformed answer"
            tries += self._way == way  # learning how to ask is not a try
        raise ModelError(kind)

    def _once(self, asked: _Asked, contact_id: int | None) -> tuple[str, str]:
        """A text, or the kind of failure that is worth another try; raises for the others."""
        try:
            text, usage = self._ways[self._way](asked)
        except openai.APIStatusError as error:
            return "", self._kind_of(error)
        except openai.APITimeoutError:
            raise ModelError("timeout") from None
        except openai.APIConnectionError:
            return "", "unreachable"
        except (openai.OpenAIError, ValueError, TypeError, AttributeError, LookupError):
            # What is not a response at all trips the client in many ways.
            return "", "malformed answer"
        if self._spending:
            self._spending.record(contact_id, usage)
        if not text:
            raise ModelError("refusal or no answer")
        return text, ""

    def _kind_of(self, error: openai.APIStatusError) -> str:
        """What kind of failure worth another try the service's refusal is; raises for the others."""
        if isinstance(error, openai.RateLimitError):
            raise ModelError("rate limited") from None
        if isinstance(error, openai.InternalServerError):
            return "server error"
        if self._learnt(error):
            return "timeout"
        raise ModelError(f"refused with HTTP {error.status_code}") from None

    def _learnt(self, error: openai.APIStatusError) -> bool:
        """Does the refusal mean that this way of asking is not known there? Then the next one is tried."""
        last = len(self._ways) - 1
        words = str(error.message).casefold()
        if error.status_code == 404 and "model" not in words and self._way < last:
            self._way = last
            return True
        about_the_form = any(one in words for one in _ABOUT_THE_FORM)
        if error.status_code in {400, 422} and about_the_form and self._way < last:
            self._way += 1
            return True
        return False

    def _by_schema(self, asked: _Asked) -> tuple[str, Usage]:
        form = {
            "type": "json_schema",
            "name": asked.shape.__name__,
            "schema": _schema(asked.shape),
            "strict": True,
        }
        return self._respond(asked, asked.instructions, form)

    def _by_object(self, asked: _Asked) -> tuple[str, Usage]:
        return self._respond(asked, _with_schema(asked), {"type": "json_object"})

    def _respond(self, asked: _Asked, instructions: str, form: Any) -> tuple[str, Usage]:
        response = self._client.responses.create(
            model=self._model,
            instructions=instructions,
            input=asked.data,
            text={"format": form},
            store=False,
            max_output_tokens=_TOKENS,
            timeout=asked.seconds,
        )
        text = response.output_text
        used = response.usage
        counts = (used.input_tokens, used.output_tokens) if used else (0, 0)
        return text, self._usage(asked, text, *counts)

    def _by_chat(self, asked: _Asked) -> tuple[str, Usage]:
        completion = self._client.chat.completions.create(
            model=self._model,
            messages=[
                {"role": "system", "content": _with_schema(asked)},
                {"role": "user", "content": asked.data},
            ],
            response_format={"type": "json_object"},
            timeout=asked.seconds,
        )
        text = completion.choices[0].message.content or ""
        used = completion.usage
        counts = (used.prompt_tokens, used.completion_tokens) if used else (0, 0)
        return text, self._usage(asked, text, *counts)

    def _usage(self, asked: _Asked, text: str, tokens_in: int, tokens_out: int) -> Usage:
        """As the service counted, else as the characters suggest; never nothing, for nothing is free."""
        guess = (len(asked.instructions) + len(asked.data)) // _CHARACTERS + 1
        return Usage(self._model, tokens_in or guess, tokens_out or len(text) // _CHARACTERS + 1)


def _schema(shape: type[BaseModel]) -> Any:
    """The shape as the service wants it for strict answers."""
    return openai.pydantic_function_tool(shape)["function"].get("parameters", {})


def _with_schema(asked: _Asked) -> str:
    schema = json.dumps(_schema(asked.shape), ensure_ascii=False)
    return f"{asked.instructions}\nAnswer with one JSON object of this schema and nothing else:\n{schema}"


def _bare(text: str) -> str:
    """The answer without a fence around it."""
    fenced = _FENCE.match(text)
    return fenced[1] if fenced else text
