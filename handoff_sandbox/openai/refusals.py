"""Parameters that services compatible with OpenAI refuse, and the format of their errors."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from handoff_sandbox.openai import shapes

Json = dict[str, Any]

EFFORTS = ("none", "low", "medium", "high", "xhigh", "max")
"""The values of gpt-6-luna: https://developers.openai.com/api/docs/models/gpt-6-luna."""
INSTEAD = {"max_tokens": "max_completion_tokens"}


@dataclass(frozen=True)
class Refused:
    """A refused parameter.

    Attributes:
        path: of the parameter, such as ("reasoning", "effort").
        words: the error message.
        code: OpenAI's code, None for none.
    """

    path: tuple[str, ...]
    words: str
    code: str | None = None


def refused(body: Json, lacks: Collection[str], efforts: Collection[str]) -> Iterator[Refused]:
    """Returns the refused parameters of a request.

    Args:
        lacks: names, such as "store" or "reasoning.effort" (in a chat: "reasoning_effort").
        efforts: the accepted values of the reasoning effort.
    """
    for path in _paths(body):
        name = ".".join(path)
        if name in lacks or name.replace("_effort", ".effort") in lacks:
            instead = f" Use '{INSTEAD[name]}' instead." if name in INSTEAD else ""
            words = f"Unsupported parameter: '{name}' is not supported with this model.{instead}"
            yield Refused(path, words, "unsupported_parameter")
        elif name.endswith("effort") and shapes.effort_of(body) not in efforts:
            yield Refused(
                path, _of_value(name, shapes.effort_of(body), efforts), "unsupported_value"
            )


def _of_value(name: str, value: object, efforts: Collection[str]) -> str:
    listed = ", ".join(f"'{one}'" for one in efforts)
    return (
        f"Unsupported value: '{name}' does not support '{value}' with this model. "
        f"Supported values are: {listed}."
    )


def _paths(body: Json) -> Iterator[tuple[str, ...]]:
    for name, value in body.items():
        if name == "reasoning" and isinstance(value, dict):
            yield from ((name, inner) for inner in value)
        else:
            yield (name,)


def as_openai(one: Refused) -> Json:
    """Returns OpenAI's error for the first of them, for status 400."""
    return shapes.error(one.words, "invalid_request_error", one.code, ".".join(one.path))


def as_fastapi(several: Collection[Refused], body: Json) -> Json:
    """Returns FastAPI's error for all of them, for status 422; it repeats the input."""
    return {
        "detail": [
            {
                "type": "extra_forbidden",
                "loc": ["body", *one.path],
                "msg": "Extra inputs are not permitted",
                "input": body.get(one.path[0]),
            }
            for one in several
        ]
    }
