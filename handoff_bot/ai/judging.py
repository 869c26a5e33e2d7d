"""Judges conversations for `handoff judge`, and explains a judgement."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import BaseModel, ValidationError

from handoff_bot.ai.detector.context import NAMES
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.ai.detector.model import KINDS
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.signals import Judgement, Signal, Turn
from handoff_bot.ports import Detector

# -- conversations as JSON lines, for `handoff judge`


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


# -- the explanation of a judgement: signals, thresholds, features, words

_MOST_WORDS = 60
_SHOWN = 4
_WORTH_SAYING = 0.02


def explain(detector: LocalDetector, talk: ConversationContext) -> Iterator[str]:
    """Yields text lines about the last turn. They contain customer text."""
    judged = detector.judge(talk)
    reason = judged.reason.value if judged.reason else "none"
    verdict = "An agent is needed" if judged.escalate else "No agent is needed"
    yield f"{verdict}: reason {reason}, priority {judged.priority}, language {judged.language or '?'}."
    if judged.evidence:
        yield f"Evidence: “{judged.evidence}”"
    danger, danger_least = detector.danger(talk)
    if danger >= danger_least:
        yield f"Mentions danger, health, fraud or the law: {danger:.3f}, from {danger_least:.3f}."
    thresholds = detector.thresholds(talk)
    for signal in Signal:
        score, least = judged.scores[signal], thresholds[signal]
        tipped = "  <- decided" if signal is judged.reason else ""
        over = "over" if score >= least else "below"
        yield f"\n{signal:<11}{score:.3f}  {over} its threshold of {least:.3f}{tipped}"
        yield from _moved(detector, talk, signal)
        if words := _words(detector, talk, signal):
            yield f"    words: {', '.join(words)}"


def _moved(detector: LocalDetector, talk: ConversationContext, signal: Signal) -> Iterator[str]:
    """Yields the features with the largest effect on the score, in log-odds."""
    inputs = detector.inputs(talk).get(signal)
    if inputs is None:
        return
    constants = np.cumsum(np.array(KINDS[signal]) + 1) - 1
    weights = np.delete(detector.last_layer(signal, talk.rules), constants)
    shares = np.array(inputs) * weights
    for place in np.argsort(-np.abs(shares))[:_SHOWN].tolist():
        if abs(shares[place]) >= _WORTH_SAYING:
            yield f"    {shares[place]:+.2f}  {NAMES[signal][place]}"


def _words(detector: LocalDetector, talk: ConversationContext, signal: Signal) -> list[str]:
    """Returns the words whose removal weakens the signal most."""
    last = talk.turns[-1]
    words = last.text.split()[:_MOST_WORDS]
    if last.role != "customer" or len(words) < 2:
        return []
    whole = detector.judge(talk).scores[signal]
    drops = {}
    for place, word in enumerate(words):
        rest = " ".join(words[:place] + words[place + 1 :])
        without = replace(talk, turns=(*talk.turns[:-1], replace(last, text=rest)))
        drops[place, word] = whole - detector.judge(without).scores[signal]
    telling = sorted(drops.items(), key=lambda item: -item[1])[:_SHOWN]
    return [f"{word} (-{drop:.2f})" for (_, word), drop in telling if drop >= _WORTH_SAYING]
