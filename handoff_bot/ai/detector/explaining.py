"""Explains a judgement: signals, thresholds, features, words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from handoff_bot.ai.detector.context import NAMES
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.ai.detector.model import KINDS
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.signals import Signal

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
