"""Detects with a language model, and with the local detector as fallback or shortcut."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel

from handoff_bot.ai import prompts
from handoff_bot.ai.detector.judgement import one_line
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.ai.language_model import LanguageModel, Probability
from handoff_bot.ai.personal_data import Redactor
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.messages import storable
from handoff_bot.domain.signals import Act, Judgement, Priority, QueueAct, Signal, Turn

logger = logging.getLogger(__name__)

BY = "openai"

_SURELY_NOT = 0.035
"""None of the 242 hard cases that need an agent scores less, and two thirds of ordinary questions do."""
_SURELY = 0.95
_EVIDENCE = 200
_SUMMARY = 140


class Signals(BaseModel):
    """A probability per signal."""

    request: Probability
    sentiment: Probability
    complexity: Probability
    confidence: Probability


class Verdict(BaseModel):
    """The language model's answer; evidence comes first, so that it looks before it decides."""

    evidence: str
    signals: Signals
    reason: Literal["request", "sentiment", "complexity", "confidence", "none"]
    escalate: bool
    priority: Literal["urgent", "high", "normal", "low"]
    confidence: Probability
    summary: str


class OpenAIDetector:
    """Evaluates with a language model by the local detector's thresholds."""

    def __init__(self, model: LanguageModel, local: LocalDetector, timeout: float = 3.0) -> None:
        self._model = model
        self._local = local
        self._timeout = timeout

    def quick_check(self, talk: ConversationContext) -> Judgement:
        """Returns the local detector's result; final only if it is certain."""
        local = self._local.judge(talk)
        return replace(local, final=_is_certain(local))

    def may_matter(self, words: str) -> bool:
        return self._local.may_matter(words)

    def announces(self, words: str) -> bool:
        return self._local.announces(words)

    def about(self, talk: ConversationContext) -> str:
        return self._local.about(talk)

    def queue_act(self, words: str) -> QueueAct:
        return self._local.queue_act(words)

    def judge(self, talk: ConversationContext) -> Judgement:
        """Evaluates the last turn. If the model fails, the local detector's result stands."""
        local = self._local.judge(talk)
        if _is_certain(local):
            return local
        redactor = Redactor()
        try:
            verdict = self._ask(talk, redactor)
        except ModelError as error:
            logger.warning("language model did not judge", extra={"kind": str(error)})
            return local
        judged = self._local.conclude(talk, _scores(verdict, local), BY)
        return _in_its_words(judged, verdict, talk.turns, redactor)

    def _ask(self, talk: ConversationContext, redactor: Redactor) -> Verdict:
        masked = prompts.masked(talk.open_turns, redactor.mask)
        return self._model.ask(
            prompts.JUDGE, prompts.transcript(masked), Verdict, self._timeout, talk.contact_id
        )


def _is_certain(local: Judgement) -> bool:
    if local.act is not Act.NONE:
        return True
    return local.score < _SURELY_NOT or local.scores[Signal.REQUEST] > _SURELY


def _scores(verdict: Verdict, local: Judgement) -> dict[Signal, float]:
    """Returns the model's signals; a request seen by either detector is never lost."""
    given = verdict.signals.model_dump()
    scores: dict[Signal, float] = {signal: given[signal.value] for signal in Signal}
    if verdict.escalate and verdict.reason == "request":
        scores[Signal.REQUEST] = max(scores[Signal.REQUEST], _SURELY)
    if local.reason is Signal.REQUEST:
        scores[Signal.REQUEST] = max(scores[Signal.REQUEST], local.scores[Signal.REQUEST])
    return scores


def _in_its_words(
    judged: Judgement, verdict: Verdict, turns: Sequence[Turn], redactor: Redactor
) -> Judgement:
    """Adds the model's summary and, if the customer really wrote it, its evidence."""
    evidence = one_line(storable(redactor.restore(verdict.evidence)), _EVIDENCE)
    said = " ".join(" ".join(turn.text.split()) for turn in turns if turn.role == "customer")
    summary = one_line(storable(redactor.restore(verdict.summary)), _SUMMARY)
    known = judged.escalate and evidence and evidence in said
    return replace(
        judged,
        evidence=evidence if known else judged.evidence,
        summary=summary or judged.summary,
        priority=_more_urgent(judged, Priority(verdict.priority)),
    )


def _more_urgent(judged: Judgement, other: Priority) -> Priority:
    if not judged.escalate:
        return judged.priority
    return min(judged.priority, other, key=lambda priority: priority.rank)
