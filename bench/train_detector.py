"""Train the local detector: `python -m bench.train_detector DATA_FOLDER` writes it and prints the table.

Needs scikit-learn, which running the detector does not. Everything that is chosen or reported is measured on
folds held out by source: a model never saw the source that it is measured on.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from bench import detector_report
from bench.detector_corpus import (
    Case,
    Corpus,
    package_cases,
    read_cases,
    read_phrases,
    read_talks,
    written_cases,
)
from bench.detector_heads import RememberingEncoder, first_stage
from handoff_bot.ai.detector.context import scored, signal_features
from handoff_bot.ai.detector.encoder import Encoder
from handoff_bot.ai.detector.heads import Head, Network, any_of, descent
from handoff_bot.ai.detector.messages import Reply, Utterance
from handoff_bot.ai.detector.model import (
    ENCODER,
    FORMAT,
    KINDS,
    SENSITIVITIES,
    Model,
)
from handoff_bot.ai.detector.text import clauses, opening, sentences
from handoff_bot.domain.signals import Signal

HERE = Path(__file__).parent
PHRASES = HERE / "detection" / "phrases"
OUT = HERE.parent / "handoff_bot" / "ai" / "detector" / "model" / "local.npz"

WEAK = {"goemotions-weak", "small-talk"}  # not support: good to learn from, not to choose by
BUDGETS = {"low": 0.01, "medium": 0.027, "high": 0.08}
"""The false positive rate that each sensitivity may cost, mean over held-out sources."""
SHARES = {
    Signal.REQUEST: 0.38,
    Signal.SENTIMENT: 0.27,
    Signal.COMPLEXITY: 0.3,
    Signal.CONFIDENCE: 0.05,
}
LOWERS: dict[Signal, frozenset[int]] = {
    Signal.REQUEST: frozenset({4, 5}),
    Signal.SENTIMENT: frozenset({6, 7}),
    Signal.COMPLEXITY: frozenset({3, 12, 20}),
    Signal.CONFIDENCE: frozenset({5}),
}
"""Which conversation features may only lower their signal; all others may only raise it."""

TIE = 1e-4
FIRST_CONSTANT = -3.0
"""Where fitting begins: no evidence, hardly any need."""

Floats = NDArray[np.float64]


Inputs = dict[Signal, tuple[float, ...]]


def conversation_inputs(model: Model, case: Case) -> Inputs:
    """What the last step sees of a case, through the code that runs in production."""
    turns: list[Utterance | Reply] = [
        model.utterance(words) if role == "customer" else model.reply(words)
        for role, words in case.turns
    ]
    return signal_features(scored(turns), model.likeness)


def held_out_inputs(cases: Sequence[Case], corpus: Corpus, encoder: Encoder) -> list[Inputs]:
    """Each case as seen by heads that were trained without its group; groups side by side."""
    groups = sorted({case.group for case in cases})
    found: dict[int, Inputs] = {}
    # Forked, so that what the encoder remembers is shared.
    with ProcessPoolExecutor(
        mp_context=get_context("fork"), initializer=_share, initargs=(cases, corpus, encoder)
    ) as pool:
        for part in pool.map(_group_inputs, groups):
            found.update(part)
    return [found[place] for place in range(len(cases))]


_SHARED: list[tuple[Sequence[Case], Corpus, Encoder]] = []
"""What all processes work with."""


def _share(cases: Sequence[Case], corpus: Corpus, encoder: Encoder) -> None:
    _SHARED.append((cases, corpus, encoder))


def _group_inputs(group: str) -> dict[int, Inputs]:
    cases, corpus, encoder = _SHARED[-1]
    with threadpool_limits(1):  # the same sums in the same order, however many cores there are
        model = first_stage(encoder, corpus.without(group))
    mine = (place for place, case in enumerate(cases) if case.group == group)
    return {place: conversation_inputs(model, cases[place]) for place in mine}


def everything_said(cases: Sequence[Case], corpus: Corpus) -> list[str]:
    """All texts that training looks at, whole and in clauses or sentences."""
    words = [one.words for one in (*corpus.intents, *corpus.acts, *corpus.replies)]
    for case in cases:
        for role, said in case.turns:
            words += [said, opening(said)]
            words += clauses(said) if role == "customer" else sentences(said)
    return list(dict.fromkeys(words))


def second_stage(cases: Sequence[Case], inputs: Sequence[Inputs]) -> dict[str, Floats]:
    """Weights of the conversation features of each signal, as `any_of` wants them.

    A case labelled with another reason says nothing about this signal and is left out.
    """
    sizes: dict[str, int] = defaultdict(int)
    for case in cases:
        sizes[case.source] += 1
    found = {}
    for signal in Signal:
        mine = [place for place, case in enumerate(cases) if case.reason in {signal.value, "none"}]
        values = np.array([inputs[place][signal] for place in mine])
        labels = np.array([cases[place].reason == signal.value for place in mine], dtype=np.float64)
        weights = np.array([sizes[cases[place].source] ** -0.5 for place in mine])
        found[signal.value] = _fitted(values, labels, weights / weights.sum(), signal)
    return found


def _fitted(values: Floats, labels: Floats, shares: Floats, signal: Signal) -> Floats:
    bounds: list[tuple[float | None, float | None]] = []
    start: list[float] = []
    place = 0
    for size in KINDS[signal]:
        lowers = [place + number in LOWERS[signal] for number in range(size)]
        bounds += [(None, 0.0) if lower else (0.0, None) for lower in lowers]
        bounds.append((None, None))
        start += [-0.1 if lower else 0.1 for lower in lowers] + [FIRST_CONSTANT]
        place += size
    tied = np.array([bound != (None, None) for bound in bounds], dtype=np.float64)

    def loss(weights: Floats) -> tuple[float, Floats]:
        cost, slope = descent(values, weights, KINDS[signal], labels, shares)
        held = tied * weights
        return cost + TIE * float(held @ held), slope + 2 * TIE * held

    done = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(done.x, dtype=np.float64)


def signal_scores(stages: dict[str, Floats], inputs: Sequence[Inputs]) -> Floats:
    """[cases, signals] probabilities."""
    columns = []
    for signal in Signal:
        values = np.array([one[signal] for one in inputs])
        columns.append(any_of(values, stages[signal], KINDS[signal])[0])
    return np.array(columns).T


def chosen_thresholds(cases: Sequence[Case], scores: Floats) -> Floats:
    """[sensitivities, signals]: the lowest thresholds that keep to each budget on held-out negatives."""
    negative = np.array([case.reason == "none" and case.source not in WEAK for case in cases])
    sources = np.array([case.source for case in cases])
    share = {name: 1 / max(1, (negative & (sources == name)).sum()) for name in set(sources)}
    weights = np.array([share[name] for name in sources])[negative]
    weights /= weights.sum()
    found = np.empty((len(SENSITIVITIES), len(Signal)))
    for row, sensitivity in enumerate(SENSITIVITIES):
        for column, signal in enumerate(Signal):
            mine = scores[negative, column]
            order = np.argsort(-mine)
            spent = np.cumsum(weights[order])
            last = int(np.searchsorted(spent, BUDGETS[sensitivity] * SHARES[signal]))
            found[row, column] = np.clip(mine[order[min(last, len(order) - 1)]] + 1e-6, 0.05, 0.98)
    return found


def held_out_scores(cases: Sequence[Case], inputs: Sequence[Inputs]) -> tuple[Floats, Floats]:
    """Scores [cases, signals] and thresholds [cases, sensitivities, signals] that never saw the group."""
    groups = np.array([case.group for case in cases])
    scores = np.empty((len(cases), len(Signal)))
    thresholds = np.empty((len(cases), len(SENSITIVITIES), len(Signal)))
    for group in sorted(set(groups)):
        others = np.flatnonzero(groups != group).tolist()
        mine = np.flatnonzero(groups == group).tolist()
        known = [cases[place] for place in others]
        seen = [inputs[place] for place in others]
        stages = second_stage(known, seen)
        scores[mine] = signal_scores(stages, [inputs[place] for place in mine])
        thresholds[mine] = chosen_thresholds(known, signal_scores(stages, seen))
    return scores, thresholds


def save(model: Model, path: Path) -> None:
    """Write the arrays, compressed; the same model gives the same bytes."""
    arrays: dict[str, NDArray[np.generic]] = {
        "format": np.array(FORMAT),
        "languages": np.array(model.languages),
        "rarity": model.rarity,
        "thresholds": model.thresholds,
    }
    for name in ("intent", "acts", "replies", "spelling"):
        head: Head = getattr(model, name)
        arrays |= {f"{name}.{part}": array for part, array in vars(head).items()}
    for name in ("intent_meant", "acts_meant", "replies_meant"):
        network: Network = getattr(model, name)
        arrays |= {
            f"{name}.{part}": array.astype(np.float16) for part, array in vars(network).items()
        }
    arrays |= {f"stage.{name}": weights for name, weights in model.stages.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, allow_pickle=False, **arrays)


def gathered(folder: Path) -> tuple[list[Case], Corpus, Encoder]:
    """All cases, what the heads learn from, and the encoder, which remembers."""
    phrases = read_phrases(PHRASES)
    with np.load(ENCODER, allow_pickle=False) as file:
        encoder = RememberingEncoder.around(Encoder.of({name: file[name] for name in file.files}))
    cases = read_cases(folder) + package_cases() + read_talks(PHRASES)
    corpus = Corpus.of(cases, phrases)
    cases += written_cases(phrases)
    encoder.vectors(everything_said(cases, corpus))
    return cases, corpus, encoder


def main() -> None:
    """Train, print what was measured on held-out sources, write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "data", type=Path, help="folder with dev.jsonl, grammar.jsonl, goemotions_weak.jsonl"
    )
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    cases, corpus, encoder = gathered(options.data)
    inputs = held_out_inputs(cases, corpus, encoder)
    scores, thresholds = held_out_scores(cases, inputs)
    for row in detector_report.table(cases, scores, thresholds, WEAK):
        print(row)  # noqa: T201 - the table is what this command is for
    stages = second_stage(cases, inputs)
    model = replace(
        first_stage(encoder, corpus),
        stages=stages,
        thresholds=chosen_thresholds(cases, signal_scores(stages, inputs)),
    )
    save(model, options.out)


if __name__ == "__main__":
    main()
