"""What a team's feedback suggests: other thresholds, and a last layer that fits its customers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from handoff_bot.ai.detector.heads import Floats, any_of, descent
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.ai.detector.model import KINDS
from handoff_bot.domain.lessons import Lesson
from handoff_bot.domain.rules import Rules
from handoff_bot.domain.signals import Signal

FEWEST = 5
"""So many decisions that agents spoke out, at least, before anything is suggested for a signal."""

_SHIFTS = np.arange(-2.0, 2.01, 0.1)
_SAID, _SHOWN = 1.0, 0.2  # what agents said counts for more than what they merely did
_LATE = 2.0  # a person who comes too late is worse than one too many
_HOLD = 0.02  # of each unit of shift and decision: where little speaks for a change there is none
_TIE = 0.5  # how firmly the shipped weights are held on to
_STEPS = 400
_PACE = 0.3


@dataclass(frozen=True)
class Advice:
    """What the feedback says about one signal.

    Attributes:
        said: how many decisions agents spoke out.
        needless, missed: how many turns the present threshold gets wrong.
        threshold: as it is, 0 to 1.
        shift: suggested, in log-odds; 0 for none.
        needless_then, missed_then: how many would be wrong with it.
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
    """Lessons about one signal: its features, whether a person was needed, how much each counts."""

    inputs: Floats
    needed: Floats
    weights: Floats
    said: int


def advise(detector: LocalDetector, lessons: Sequence[Lesson], rules: Rules) -> Iterator[Advice]:
    """One piece of advice for each signal, in their order."""
    for signal in Signal:
        evidence = _evidence(detector, lessons, signal)
        layer = detector.last_layer(signal, rules)
        margins = _margins(evidence, layer, signal)
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
    detector: LocalDetector, lessons: Sequence[Lesson]
) -> dict[Signal, tuple[float, ...]]:
    """Weights of the last layer for the signals that agents said enough about.

    Gradient descent that begins at the shipped weights and is tied to them, so that a few lessons
    move it a little and none can turn it around.
    """
    found = {}
    for signal in Signal:
        evidence = _evidence(detector, lessons, signal)
        if evidence.said >= FEWEST:
            shipped = detector.last_layer(signal, Rules())
            taught = _descended(evidence, shipped, signal)
            found[signal] = tuple(np.round(taught, 5).tolist())
    return found


def _margins(evidence: _Evidence, layer: Floats, signal: Signal) -> Floats:
    found = np.clip(any_of(evidence.inputs, layer, KINDS[signal])[0], 1e-9, 1 - 1e-9)
    margins: Floats = np.log(found / (1 - found))
    return margins


def _descended(evidence: _Evidence, shipped: Floats, signal: Signal) -> Floats:
    layer = shipped.copy()
    shares = evidence.weights / evidence.weights.sum()
    for _ in range(_STEPS):
        _, slope = descent(evidence.inputs, layer, KINDS[signal], evidence.needed, shares)
        layer -= _PACE * (slope + _TIE * (layer - shipped))
    return layer


def _evidence(detector: LocalDetector, lessons: Sequence[Lesson], signal: Signal) -> _Evidence:
    mine = [one for one in lessons if one.signal in {signal, None}]
    rows = [detector.inputs(one.talk)[signal] for one in mine]
    width = sum(KINDS[signal])
    return _Evidence(
        inputs=np.array(rows, dtype=np.float64).reshape(len(rows), width),
        needed=np.array([float(one.needed) for one in mine]),
        weights=np.array([_SAID if one.said_so else _SHOWN for one in mine]),
        said=sum(one.said_so for one in mine),
    )
