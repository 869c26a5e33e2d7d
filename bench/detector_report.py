"""The table of held-out measures, with the definitions of the shared scorer: one line for each source."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from handoff_bot.ai.detector.model import SENSITIVITIES

Floats = NDArray[np.float64]


class Labelled(Protocol):
    """What the table needs of a case."""

    @property
    def source(self) -> str:
        """Where it comes from."""

    @property
    def reason(self) -> str:
        """Its label, "none" when no human is needed."""


def table(
    cases: Sequence[Labelled], scores: Floats, thresholds: Floats, apart: Collection[str]
) -> Iterator[str]:
    """Markdown, all sensitivities; scores [cases, signals], thresholds [cases, sensitivities, signals].

    Sources in `apart` have a line but no part in the means.
    """
    wanted: NDArray[np.bool_] = np.array([case.reason != "none" for case in cases])
    sources = np.array([case.source for case in cases])
    for row, sensitivity in enumerate(SENSITIVITIES):
        raised: NDArray[np.bool_] = np.any(scores >= thresholds[:, row], axis=1)
        yield f"\nSensitivity {sensitivity}:\n"
        yield "| held-out source | n | positive | F1 | AUC | FPR |"
        yield "|---|---|---|---|---|---|"
        measured = []
        for name in sorted(set(sources)):
            mine = np.flatnonzero(sources == name)
            found = _measures(wanted[mine], raised[mine], scores[mine].max(axis=1))
            yield _line(name, len(mine), int(wanted[mine].sum()), found)
            if name not in apart:
                measured.append(found)
        means = tuple(_mean([one[column] for one in measured]) for column in range(3))
        yield _line("**mean over sources**", len(cases), int(wanted.sum()), means)


def _measures(
    wanted: NDArray[np.bool_], raised: NDArray[np.bool_], scores: Floats
) -> tuple[float | None, ...]:
    hits = int((wanted & raised).sum())
    f1 = 2 * hits / (int(wanted.sum()) + int(raised.sum())) if wanted.any() else None
    auc = float(roc_auc_score(wanted, scores)) if wanted.any() and not wanted.all() else None
    fpr = float(raised[~wanted].mean()) if not wanted.all() else None
    return f1, auc, fpr


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _line(name: str, cases: int, positive: int, measures: Sequence[float | None]) -> str:
    cells = ("" if value is None else f"{value:.3f}" for value in measures)
    return f"| {name} | {cases} | {positive} | {' | '.join(cells)} |"
