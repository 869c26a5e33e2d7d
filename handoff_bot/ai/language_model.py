"""Asks a language model, within a deadline, for an answer of a fixed shape, and counts what it uses."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Annotated, TypeVar

import openai
from pydantic import AfterValidator, BaseModel

from handoff_bot.ai.deadline import within
from handoff_bot.ai.model_answers import Said, tokens_in, unfenced
from handoff_bot.ai.ways_of_asking import BY_SCHEMA, Question, Way
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.spending import Usage
from handoff_bot.ports import Spending

Shape = TypeVar("Shape", bound=BaseModel)

_TRIES = 2
_WORTH_A_TRY = 0.25  # seconds left of the deadline below which nothing is begun
_LONGEST = 200_000  # characters of a whole answer; what we ask for fits into a tenth
_CHARACTERS_PER_TOKEN = 4


def _probability(value: float) -> float:
    if not 0.0 <= value <= 1.0:  # not a number is not in between either
        raise ValueError("is no probability")
    return value


Probability = Annotated[float, AfterValidator(_probability)]
"""From 0 to 1. Checked here alone: not every service takes bounds in a schema."""


def connect(api_key: str, base_url: str = "") -> openai.OpenAI:
    """A client without retries of its own: they would outlast our deadlines. Close it when done.

    Args:
        api_key: the secret.
        base_url: of a compatible service, e.g. "http://127.0.0.1:8080/v1"; "" for OpenAI itself.
    """
    return openai.OpenAI(api_key=api_key, base_url=base_url or None, max_retries=0)


class LanguageModel:
    """One model of one service. Safe to use from many threads at once.

    Args:
        client: from `connect`.
        model: its name.
        clock: monotonic seconds.
        spending: asked before every question, told of every answer, the useless ones too.

    Services that are compatible with OpenAI's may lack structured output, or the whole Responses API.
    What worked once instead is what is asked from then on.
    """

    def __init__(
        self,
        client: openai.OpenAI,
        model: str,
        clock: Callable[[], float] = time.monotonic,
        spending: Spending | None = None,
    ) -> None:
        self._client = client
        self._model = model
        self._clock = clock
        self._spending = spending
        self._way = BY_SCHEMA

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
        question = Question(self._model, instructions, data, shape, contact_id)
        way, tries, kind = self._way, _TRIES, "timeout"
        while tries and (left := deadline - self._clock()) >= _WORTH_A_TRY:
            try:
                answer = shape.model_validate_json(self._words(way, question, left))
            except _NotThisWay as instead:
                way, kind = instead.way, "timeout"
            except _OnceMore as failure:
                tries, kind = tries - 1, str(failure)
            except ValueError:
                tries, kind = tries - 1, "malformed answer"
            else:
                return answer
        raise ModelError(kind)

    def _words(self, way: Way, question: Question, seconds: float) -> str:
        """What the model said, which should be JSON."""
        body = self._body(way, question, seconds)
        self._way = way
        said = _said(way, body)
        if self._spending:
            self._spending.record(question.contact_id, _usage(question, body, said))
        if len(body) > _LONGEST:
            raise ModelError("oversized answer")
        if said is None:
            raise _OnceMore("malformed answer")
        if kind := _what_is_missing(said):
            raise ModelError(kind)
        return unfenced(said.text)

    def _body(self, way: Way, question: Question, seconds: float) -> str:
        try:
            return within(seconds, lambda: way.send(self._client, question, seconds))
        except (openai.APITimeoutError, TimeoutError):
            raise ModelError("timeout") from None
        except openai.RateLimitError:
            raise ModelError("rate limited") from None
        except openai.APIConnectionError:
            raise _OnceMore("unreachable") from None
        except openai.InternalServerError:
            raise _OnceMore("server error") from None
        except openai.APIStatusError as error:
            if instead := way.instead(error):
                raise _NotThisWay(instead) from None
            raise ModelError(f"refused with HTTP {error.status_code}") from None
        except openai.OpenAIError:
            raise _OnceMore("malformed answer") from None


class _OnceMore(Exception):
    """A failure, by its kind, that another try may not meet."""


class _NotThisWay(Exception):
    """The service has not got the way it was asked in; here is another."""

    def __init__(self, way: Way) -> None:
        super().__init__()
        self.way = way


def _said(way: Way, body: str) -> Said | None:
    """What the model said, None when the service answered something else or without end."""
    try:
        return way.read(body) if len(body) <= _LONGEST else None
    except ValueError:
        return None


def _what_is_missing(said: Said) -> str:
    if said.is_refusal:
        return "refusal"
    if said.is_cut:
        return "incomplete answer"
    return "" if said.text.strip() else "empty answer"


def _usage(question: Question, body: str, said: Said | None) -> Usage:
    """By the service's count, or else by the length of what was sent and came back."""
    given = _about(question.instructions_with_schema) + _about(question.data)
    tokens = tokens_in(body) or (given, _about(said.text if said else body))
    return Usage(question.model, *tokens)


def _about(text: str) -> int:
    return max(1, math.ceil(len(text) / _CHARACTERS_PER_TOKEN))
