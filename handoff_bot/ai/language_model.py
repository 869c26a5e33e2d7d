"""Asks a language model through the Responses API, within a deadline, for an answer of a fixed shape."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import openai
from pydantic import BaseModel

from handoff_bot.domain.errors import ModelError

Shape = TypeVar("Shape", bound=BaseModel)

_TRIES = 2
_WORTH_A_TRY = 0.25  # seconds left of the deadline below which nothing is begun
_TOKENS = 1_000


def connect(api_key: str, base_url: str = "") -> openai.OpenAI:
    """A client without retries of its own: they would outlast our deadlines. Close it when done.

    Args:
        api_key: the secret.
        base_url: of a compatible service, e.g. "http://127.0.0.1:8080/v1"; "" for OpenAI itself.
    """
    return openai.OpenAI(api_key=api_key, base_url=base_url or None, max_retries=0)


class LanguageModel:
    """One model of one service. Safe to use from many threads at once."""

    def __init__(
        self, client: openai.OpenAI, model: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._model = model
        self._clock = clock

    def ask(self, instructions: str, data: str, shape: type[Shape], seconds: float) -> Shape:
        """The model's answer to the data, nothing stored at the service.

        A broken connection, a server error and a malformed answer are tried once more while time is
        left; a rate limit, a timeout and a refusal are not.

        Raises:
            ModelError: with the kind of failure as its whole text, e.g. "timeout".
        """
        deadline = self._clock() + seconds
        kind = "timeout"
        for _ in range(_TRIES):
            left = deadline - self._clock()
            if left < _WORTH_A_TRY:
                break
            answer, kind = self._once(instructions, data, shape, left)
            if answer is not None:
                return answer
        raise ModelError(kind)

    def _once(
        self, instructions: str, data: str, shape: type[Shape], seconds: float
    ) -> tuple[Shape | None, str]:
        """An answer, or the kind of failure that is worth another try; raises for the others."""
        try:
            response = self._client.responses.parse(
                model=self._model,
                instructions=instructions,
                input=data,
                text_format=shape,
                store=False,
                max_output_tokens=_TOKENS,
                timeout=seconds,
            )
            answer = response.output_parsed
        except openai.APITimeoutError:
            raise ModelError("timeout") from None
        except openai.RateLimitError:
            raise ModelError("rate limited") from None
        except openai.APIConnectionError:
            return None, "unreachable"
        except openai.InternalServerError:
            return None, "server error"
        except openai.APIStatusError as error:
            raise ModelError(f"refused with HTTP {error.status_code}") from None
        except (openai.OpenAIError, ValueError, TypeError, AttributeError):
            # What is not a response at all, or not of the shape, trips the client in many ways.
            return None, "malformed answer"
        if answer is None:
            raise ModelError("refusal or no answer")
        return answer, ""
