"""The local detector: a small trained model over the whole conversation. No network, no account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

import numpy as np

from handoff_bot.ai.detector import context, policy
from handoff_bot.ai.detector.language import language_of, last_language
from handoff_bot.ai.detector.model import SENSITIVITIES, Model, Reply, Utterance, sigmoid
from handoff_bot.domain.signals import Judgement, Signal, Turn

Sensitivity = Literal["low", "medium", "high"]

MODEL = Path(__file__).parent / "model" / "local.npz"
BY = "local"

_TURNS = 24
_CACHED = 1024
_SUMMARY = 140
_EVIDENCE = 200
_SHORT_ANSWER = 0.5


class LocalDetector:
    """Judges with the arrays of one model. Safe to use from many threads at once."""

    def __init__(self, model: Model, sensitivity: Sensitivity = "medium") -> None:
        row = model.thresholds[SENSITIVITIES.index(sensitivity)]
        strict = np.maximum(row, model.thresholds[SENSITIVITIES.index("low")])
        self._model = model
        self._thresholds: dict[Signal, float] = dict(zip(Signal, row.tolist(), strict=True))
        self._strict: dict[Signal, float] = dict(zip(Signal, strict.tolist(), strict=True))
        self._utterance: Callable[[str], Utterance] = lru_cache(_CACHED)(model.utterance)
        self._reply: Callable[[str], Reply] = lru_cache(_CACHED)(model.reply)
        self._language: Callable[[str], str] = lru_cache(_CACHED)(partial(language_of, model=model))

    @classmethod
    def load(cls, path: Path = MODEL, sensitivity: Sensitivity = "medium") -> LocalDetector:
        """Read the shipped model, or another one of the same format.

        Raises:
            ModelError: the file is missing or broken.
        """
        return cls(Model.load(path), sensitivity)

    def judge(self, turns: Sequence[Turn]) -> Judgement:
        """Judge the last customer turn; only what was said since an agent last spoke counts."""
        stretch = _stretch(turns)
        if not stretch:
            return Judgement(scores=dict.fromkeys(Signal, 0.0), by=BY)
        return self.conclude(turns, self._signals(self._talk(stretch)), BY)

    def conclude(self, turns: Sequence[Turn], scores: policy.Scores, by: str) -> Judgement:
        """A judgement from four scores, wherever they come from, by this detector's thresholds.

        There must be a customer turn after the last agent's.
        """
        stretch = _stretch(turns)
        talk = self._talk(stretch)
        said = [turn.text for turn in stretch if turn.role == "customer"]
        thresholds = self._strict_after_a_refusal() if talk.declined else self._thresholds
        reason = policy.tipping(scores, thresholds)
        return Judgement(
            scores=dict(scores),
            reason=reason,
            priority=policy.priority(
                reason,
                scores,
                urgent=any(map(policy.is_urgent, said)),
                again=any(self._asks(one) for one in talk.utterances[:-1]),
                angry=scores[Signal.SENTIMENT] >= thresholds[Signal.SENTIMENT],
            ),
            evidence=policy.one_line(_evidence(reason, talk, said[-1]), _EVIDENCE),
            summary=policy.one_line(self._topic(said), _SUMMARY),
            language=last_language(said, self._language),
            by=by,
        )

    def _talk(self, stretch: Sequence[Turn]) -> context.Scored:
        return context.scored([self._score(turn) for turn in stretch])

    def _score(self, turn: Turn) -> Utterance | Reply:
        return self._utterance(turn.text) if turn.role == "customer" else self._reply(turn.text)

    def _signals(self, talk: context.Scored) -> dict[Signal, float]:
        inputs = context.signal_features(talk, self._model.likeness)
        stages = self._model.stages
        return {
            signal: float(sigmoid(np.dot((*values, 1.0), stages[signal.value])))
            for signal, values in inputs.items()
        }

    def _strict_after_a_refusal(self) -> policy.Scores:
        """Who just refused a person is not handed over on weak evidence; a request still counts."""
        return self._strict | {Signal.REQUEST: self._thresholds[Signal.REQUEST]}

    def _asks(self, one: Utterance) -> bool:
        return one.request >= self._thresholds[Signal.REQUEST]

    def _topic(self, said: Sequence[str]) -> str:
        """What it is about, in the customer's words: the longest message that is not a request or an "ok"."""
        scored = [(words, self._utterance(words)) for words in said]
        telling = [
            words
            for words, one in scored
            if not self._asks(one) and max(one.yes, one.no, one.thanks) < _SHORT_ANSWER
        ]
        return max(telling or said, key=len)


def _stretch(turns: Sequence[Turn]) -> list[Turn]:
    """The last turns up to the customer's last one, without what came before an agent's words."""
    found: list[Turn] = []
    for turn in turns[-_TURNS:]:
        if turn.role == "agent":
            found.clear()
        else:
            found.append(turn)
    while found and found[-1].role != "customer":
        found.pop()
    return found


def _evidence(reason: Signal | None, talk: context.Scored, last: str) -> str:
    if reason is None:
        return ""
    if reason is Signal.REQUEST and talk.last.request >= talk.last.yes:
        return talk.last.request_words
    return talk.last.sentiment_words if reason is Signal.SENTIMENT else last
