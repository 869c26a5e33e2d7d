"""Train the local detector: `python -m bench.train_detector DATA_FOLDER` writes it and prints the table.

Needs scikit-learn, which running the detector does not. Everything that is chosen or reported is measured on
folds held out by source: a model never saw the source that it is measured on.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from bench import detector_report
from bench.detector_corpus import (
    ACTS,
    INTENTS,
    REPLIES,
    Case,
    Corpus,
    Example,
    read_cases,
    read_phrases,
    written_cases,
)
from handoff_bot.ai.detector import text
from handoff_bot.ai.detector.context import scored, signal_features
from handoff_bot.ai.detector.model import FORMAT, SENSITIVITIES, Head, Model, Reply, Utterance
from handoff_bot.domain.signals import Signal

HERE = Path(__file__).parent
OUT = HERE.parent / "handoff_bot" / "ai" / "detector" / "model" / "local.npz"

WEIGHTS = {"goemotions-weak": 0.2, "handwritten-0": 3.0, "handwritten-1": 3.0, "handwritten-2": 3.0}
WEAK = {"goemotions-weak"}  # labels of another task: good to learn from, not to choose by
BUDGETS = {"low": 0.01, "medium": 0.03, "high": 0.08}
"""The false positive rate that each sensitivity may cost, mean over held-out sources."""
SHARES = {
    Signal.REQUEST: 0.5,
    Signal.SENTIMENT: 0.3,
    Signal.COMPLEXITY: 0.1,
    Signal.CONFIDENCE: 0.1,
}
SIGNS = {
    Signal.REQUEST: (1, 1, -1),
    Signal.SENTIMENT: (1, 1, -1),
    Signal.COMPLEXITY: (1, 1, 1, 1, 1, 1, 1, -1),
    Signal.CONFIDENCE: (1, 1, 1, -1),
}
"""Whether a conversation feature may only raise or only lower its signal."""

Floats = NDArray[np.float64]


def matrix(texts: Iterable[str], extract: Callable[[str], text.Ids], buckets: int) -> csr_matrix:
    """Rows of unit length over wrapped feature ids, as `Head.logits` sees them."""
    rows = [extract(words) for words in texts]
    sizes = np.array([len(ids) for ids in rows])
    values = np.repeat(1 / np.sqrt(np.maximum(sizes, 1)), sizes)
    columns = np.concatenate(rows) & (buckets - 1)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    return csr_matrix((values, columns, ends), shape=(len(rows), buckets))


def quantised(weights: Floats, bias: Floats) -> Head:
    """A head of int8 weights [buckets, classes] from float ones [classes, buckets]."""
    scale = np.maximum(np.abs(weights).max(axis=1), 1e-9) / 127
    steps = np.rint(weights / scale[:, None]).T
    return Head(np.ascontiguousarray(steps.astype(np.int8)), scale, np.asarray(bias, np.float64))


def softmax_head(
    examples: Sequence[Example],
    classes: Sequence[str],
    extract: Callable[[str], text.Ids],
    bits: int,
    strength: float,
) -> Head:
    """One class of several."""
    model = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
    known = [list(classes).index(str(one.label)) for one in examples]
    weights = [WEIGHTS.get(one.group, 1.0) for one in examples]
    inputs = matrix((one.words for one in examples), extract, 1 << bits)
    model.fit(inputs, known, sample_weight=weights)
    return quantised(model.coef_, model.intercept_)


def sigmoid_head(examples: Sequence[Example], classes: Sequence[str], bits: int) -> Head:
    """Each class by itself against all others."""
    inputs = matrix((one.words for one in examples), text.features, 1 << bits)
    found = []
    for label in classes:
        model = LogisticRegression(C=10, max_iter=200, tol=1e-3, class_weight="balanced")
        model.fit(inputs, [one.label == label for one in examples])
        found.append((model.coef_[0], model.intercept_[0]))
    return quantised(np.array([f[0] for f in found]), np.array([f[1] for f in found]))


def rarity(examples: Sequence[Example]) -> NDArray[np.int8]:
    """How rare each bucket is in what customers say, 0 to 127."""
    inputs = matrix((one.words for one in examples), text.features, 1 << text.HASH_BITS)
    counts = np.asarray((inputs > 0).sum(axis=0)).ravel()
    idf = np.log((1 + len(examples)) / (1 + counts))
    steps: NDArray[np.int8] = np.rint(127 * idf / idf.max()).astype(np.int8)
    return steps


def first_stage(corpus: Corpus) -> Model:
    """The heads; the conversation's part is still empty."""
    languages = tuple(sorted({str(one.label) for one in corpus.languages}))
    return Model(
        intent=softmax_head(corpus.intents, INTENTS, text.features, text.HASH_BITS, 20),
        acts=sigmoid_head(corpus.acts, ACTS, 15),
        replies=sigmoid_head(corpus.replies, REPLIES, 15),
        spelling=softmax_head(corpus.languages, languages, text.spelling, 15, 30),
        languages=languages,
        rarity=rarity(corpus.intents),
        stages={},
        thresholds=np.ones((len(SENSITIVITIES), len(Signal))),
    )


Inputs = dict[Signal, tuple[float, ...]]


def conversation_inputs(model: Model, case: Case) -> Inputs:
    """What the last step sees of a case, through the code that runs in production."""
    turns: list[Utterance | Reply] = [
        model.utterance(words) if role == "customer" else model.reply(words)
        for role, words in case.turns
    ]
    return signal_features(scored(turns), model.likeness)


def held_out_inputs(cases: Sequence[Case], corpus: Corpus) -> list[Inputs]:
    """Each case as seen by heads that were trained without its group."""
    found: dict[int, Inputs] = {}
    for group in sorted({case.group for case in cases}):
        model = first_stage(corpus.without(group))
        mine = (place for place, case in enumerate(cases) if case.group == group)
        found.update((place, conversation_inputs(model, cases[place])) for place in mine)
    return [found[place] for place in range(len(cases))]


def second_stage(cases: Sequence[Case], inputs: Sequence[Inputs]) -> dict[str, Floats]:
    """Weights of the conversation features of each signal, the constant last.

    A case labelled with another reason says nothing about this signal and is left out.
    """
    sizes: dict[str, int] = defaultdict(int)
    for case in cases:
        sizes[case.source] += 1
    found = {}
    for signal in Signal:
        mine = [place for place, case in enumerate(cases) if case.reason in {signal.value, "none"}]
        values = np.array([(*inputs[place][signal], 1.0) for place in mine])
        labels = np.array([cases[place].reason == signal.value for place in mine], dtype=np.float64)
        weights = np.array([sizes[cases[place].source] ** -0.5 for place in mine])
        found[signal.value] = _logistic(values, labels, weights / weights.sum(), SIGNS[signal])
    return found


def _logistic(values: Floats, labels: Floats, weights: Floats, signs: Sequence[int]) -> Floats:
    def loss(parameters: Floats) -> tuple[float, Floats]:
        margins = values @ parameters
        errors = 1 / (1 + np.exp(-margins)) - labels
        cost = weights @ (np.logaddexp(0, margins) - labels * margins)
        free = np.append(parameters[:-1], 0)
        return float(cost + 1e-4 * free @ free), values.T @ (weights * errors) + 2e-4 * free

    bounds = [(0, None) if sign > 0 else (None, 0) for sign in signs]
    start = np.zeros(values.shape[1])
    done = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)])
    return np.asarray(done.x, dtype=np.float64)


def signal_scores(stages: dict[str, Floats], inputs: Sequence[Inputs]) -> Floats:
    """[cases, signals] probabilities."""
    columns = []
    for signal in Signal:
        margins = np.array([one[signal] for one in inputs]) @ stages[signal][:-1]
        columns.append(1 / (1 + np.exp(-(margins + stages[signal][-1]))))
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
        arrays |= {
            f"{name}.weights": head.weights,
            f"{name}.scale": head.scale,
            f"{name}.bias": head.bias,
        }
    arrays |= {f"stage.{name}": weights for name, weights in model.stages.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, allow_pickle=False, **arrays)


def main() -> None:
    """Train, print what was measured on held-out sources, write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "data", type=Path, help="folder with dev.jsonl, grammar.jsonl, goemotions_weak.jsonl"
    )
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    phrases = read_phrases(HERE / "detector_phrases.txt")
    cases = read_cases(options.data)
    corpus = Corpus.of(cases, phrases)
    cases += written_cases(phrases)
    inputs = held_out_inputs(cases, corpus)
    scores, thresholds = held_out_scores(cases, inputs)
    for row in detector_report.table(cases, scores, thresholds, WEAK):
        print(row)  # noqa: T201 - the table is what this command is for
    stages = second_stage(cases, inputs)
    model = replace(
        first_stage(corpus),
        stages=stages,
        thresholds=chosen_thresholds(cases, signal_scores(stages, inputs)),
    )
    save(model, options.out)


if __name__ == "__main__":
    main()
