"""Suggestions from the team's feedback: thresholds, and a last layer that fits its customers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from handoff_bot.ai.detector.heads import Floats, descent
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.ai.detector.model import KINDS
from handoff_bot.domain.conversation_context import TrainingExample
from handoff_bot.domain.detection import Rules
from handoff_bot.domain.signals import Signal

FEWEST = 5
"""Minimum number of explicit decisions before anything is suggested for a signal."""

_SHIFTS = np.arange(-2.0, 2.01, 0.1)
_SAID, _SHOWN = 1.0, 0.2  # explicit feedback weighs more than inferred feedback
_LATE = 2.0  # a late escalation is worse than an unnecessary one
_HOLD = 0.02  # per unit of shift and decision: without strong evidence nothing changes
_TIE = 0.5  # how strongly the shipped weights are kept
_STEPS = 400
_PACE = 0.3


@dataclass(frozen=True)
class Advice:
    """Feedback about one signal.

    Attributes:
        said: number of explicit decisions.
        needless, missed: errors with the present threshold.
        threshold: current, 0 to 1.
        shift: suggested, in log-odds; 0 for none.
        needless_then, missed_then: errors with the suggestion.
    """

    signal: Signal
    said: int
    needless: int
    missed: int
    threshold: float
    shift: float
    needless_then: int
    missed_then: int


@dataclass(frozen=True)
class _Evidence:
    """Training examples of one signal: features, whether an agent was needed, weight."""

    inputs: Floats
    needed: Floats
    weights: Floats
    said: int


def advise(
    detector: LocalDetector, lessons: Sequence[TrainingExample], rules: Rules
) -> Iterator[Advice]:
    """Yields one suggestion per signal, in order."""
    for signal in Signal:
        evidence = _evidence(detector, lessons, signal)
        margins = _margins(detector, lessons, signal, rules)
        present = rules.tuning.shifts.get(signal, 0.0)
        threshold = detector.threshold(signal, rules)
        if math.isinf(threshold):  # switched off
            yield Advice(signal, evidence.said, 0, 0, threshold, present, 0, 0)
            continue
        least = math.log(threshold / (1 - threshold)) - present
        shift = present if evidence.said < FEWEST else _best(evidence, margins, least, present)
        now, then = least + present, least + shift
        yield Advice(
            signal,
            evidence.said,
            *_wrong(evidence, margins, now),
            threshold,
            shift,
            *_wrong(evidence, margins, then),
        )


def _wrong(evidence: _Evidence, margins: Floats, least: float) -> tuple[int, int]:
    raised = margins >= least
    wanted = evidence.needed > 0
    return int((raised & ~wanted).sum()), int((~raised & wanted).sum())


def _best(evidence: _Evidence, margins: Floats, least: float, present: float) -> float:
    def cost(shift: float) -> float:
        raised = margins >= least + shift
        late = _LATE * evidence.weights @ (~raised * evidence.needed)
        needless = evidence.weights @ (raised * (1 - evidence.needed))
        return float(late + needless + _HOLD * abs(shift - present) * evidence.weights.sum())

    found = min((present, *_SHIFTS.tolist()), key=cost)
    return round(float(found), 2)


def retrained(
    detector: LocalDetector, lessons: Sequence[TrainingExample]
) -> dict[Signal, tuple[float, ...]]:
    """Returns last-layer weights for signals with enough feedback.

    Gradient descent from the shipped weights with a penalty for distance, so a few examples change
    little and none can reverse it.
    """
    found = {}
    for signal in Signal:
        evidence = _evidence(detector, lessons, signal)
        if evidence.said >= FEWEST:
            shipped = detector.last_layer(signal, Rules())
            taught = _descended(evidence, shipped, signal)
            found[signal] = tuple(np.round(taught, 5).tolist())
    return found


def _margins(
    detector: LocalDetector, lessons: Sequence[TrainingExample], signal: Signal, rules: Rules
) -> Floats:
    """Returns the log-odds of the scores that the examples would have now, one for each."""
    scores = [detector.signals(one.talk, rules)[signal] for one in _about(lessons, signal)]
    found = np.clip(np.array(scores, dtype=np.float64), 1e-9, 1 - 1e-9)
    margins: Floats = np.log(found / (1 - found))
    return margins


def _descended(evidence: _Evidence, shipped: Floats, signal: Signal) -> Floats:
    layer = shipped.copy()
    shares = evidence.weights / evidence.weights.sum()
    for _ in range(_STEPS):
        _, slope = descent(evidence.inputs, layer, KINDS[signal], evidence.needed, shares)
        layer -= _PACE * (slope + _TIE * (layer - shipped))
    return layer


def _about(lessons: Sequence[TrainingExample], signal: Signal) -> list[TrainingExample]:
    return [one for one in lessons if one.signal in {signal, None}]


def _evidence(
    detector: LocalDetector, lessons: Sequence[TrainingExample], signal: Signal
) -> _Evidence:
    mine = _about(lessons, signal)
    rows = [detector.inputs(one.talk)[signal] for one in mine]
    width = sum(KINDS[signal])
    return _Evidence(
        inputs=np.array(rows, dtype=np.float64).reshape(len(rows), width),
        needed=np.array([float(one.needed) for one in mine]),
        weights=np.array([_SAID if one.said_so else _SHOWN for one in mine]),
        said=sum(one.said_so for one in mine),
    )
