"""Evaluates conversations given as JSON lines, for `handoff judge`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import BaseModel, ValidationError

from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.signals import Judgement, Turn
from handoff_bot.ports import Detector


class _Turn(BaseModel):
    role: Literal["customer", "assistant", "agent"]
    text: str


class _Conversation(BaseModel):
    id: str | int
    turns: list[_Turn]


def judge_lines(lines: Iterable[str], detector: Detector) -> Iterator[str]:
    """Yields one line of JSON, without a line end, for each non-blank line, as soon as it is read.

    In: {"id", "turns": [{"role": "customer"|"assistant"|"agent", "text"}]}. Out: {"id", "escalate",
    "score", "reason", "signals", "priority", "language"}; reason is "none" if no agent is needed.
    An invalid line gives {"id": null, "error"}; it never raises.
    """
    for line in lines:
        if line.strip():
            yield json.dumps(_judged(line, detector), ensure_ascii=False)


def read_talk(text: str) -> ConversationContext:
    """Parses one conversation; the id is optional.

    Raises:
        ValueError: invalid; describes the error without repeating the input.
    """
    try:
        asked = _Conversation.model_validate({"id": 0} | json.loads(text))
    except ValidationError as error:
        raise ValueError(_what_is_wrong(error)) from None
    except (TypeError, ValueError, RecursionError):
        raise ValueError("not a JSON object") from None
    return ConversationContext(tuple(Turn(turn.role, turn.text) for turn in asked.turns))


def _judged(line: str, detector: Detector) -> dict[str, object]:
    try:
        asked = _Conversation.model_validate_json(line)
        turns = tuple(Turn(turn.role, turn.text) for turn in asked.turns)
        return {"id": asked.id, **_answer(detector.judge(ConversationContext(turns)))}
    except ValidationError as error:
        return {"id": None, "error": _what_is_wrong(error)}
    except ModelError as error:
        return {"id": None, "error": str(error)}


def _what_is_wrong(error: ValidationError) -> str:
    """Returns the first error and its location, without the input, which may contain customer text."""
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]


def _answer(judgement: Judgement) -> dict[str, object]:
    return {
        "escalate": judgement.escalate,
        "score": round(judgement.score, 6),
        "reason": judgement.reason.value if judgement.reason else "none",
        "signals": {signal.value: round(score, 6) for signal, score in judgement.scores.items()},
        "priority": judgement.priority.value,
        "language": judgement.language,
    }
