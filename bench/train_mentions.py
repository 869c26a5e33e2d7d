"""Train the heads for mentions of danger and for the language: `python -m bench.train_mentions DATA_FOLDER`.

They work on top of what bench.train_detector has written, and leave it as it is: heads for requests
and anger that learned from these data got worse on the hard cases. What the thresholds cost is
measured on messages of held-out groups.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from bench.detector_corpus import SEED, Example, read_cases
from bench.detector_heads import RememberingEncoder, joined, matrix, quantised, softmax_head
from bench.detector_languages import language_texts
from bench.detector_mentions import Said, said
from bench.train_detector import OUT
from handoff_bot.ai.detector import text
from handoff_bot.ai.detector.encoder import Encoder
from handoff_bot.ai.detector.heads import (
    CLASSES,
    MAYBE,
    MEANT,
    SPELT,
    THRESHOLDS,
    Head,
    Mentions,
    Network,
    sigmoid,
)
from handoff_bot.ai.detector.model import ENCODER, FORMAT, KINDS, SENSITIVITIES
from handoff_bot.domain.signals import Signal

LABELS = ("urgent", "stuck", "request", "sentiment")
"""What the network learns to tell apart; only the first ones, CLASSES, are shipped."""

BITS, UNITS, MEMBERS, ROUNDS, FOLDS = 15, 64, 3, 14, 3
GAIN = 10.0  # as in bench.detector_heads
WRITTEN_WEIGHT, LOOK_ALIKE_WEIGHT = 3.0, 6.0
LOOK_ALIKES = {"kinds-none", "contrasts-none"}

LEAST = {"low": 0.8, "medium": 0.5, "high": 0.25}
"""From which probability a mention of danger escalates. Chosen on the second half of contrasts/, judged by
heads that had not learned from it: of its look-alikes 1.2 % escalate at medium.
"""

SERIOUS_COSTS = 0.76
"""How much less a serious matter counts in log-odds, now that danger has a head of its own."""
REQUEST_FROM = 0.65
"""The threshold of a request at medium sensitivity, instead of 0.72.

With both, of 9,479 messages that no other head had learned from, fewer escalate wrongly than before
(4.55 %, before 4.72 %), so that danger has room.
"""
STAGE = f"stage.{Signal.COMPLEXITY.value}"
_MEDIUM = SENSITIVITIES.index("medium")
_CONSTANT = KINDS[Signal.COMPLEXITY][0]

Floats = NDArray[np.float64]


def labels(examples: Sequence[Said]) -> NDArray[np.int64]:
    """[examples, LABELS], 0 or 1."""
    return np.array([[one.label == label for label in LABELS] for one in examples], dtype=np.int64)


def weights(examples: Sequence[Said]) -> Floats:
    """[examples] what each counts."""
    return np.array(
        [
            LOOK_ALIKE_WEIGHT
            if one.source in LOOK_ALIKES
            else WRITTEN_WEIGHT
            if one.is_written
            else 1.0
            for one in examples
        ]
    )


def network(encoder: Encoder, examples: Sequence[Said]) -> Network:
    """CLASSES by meaning: the mean of several networks, as one."""
    inputs = encoder.vectors([one.words for one in examples]) * GAIN
    fitted = []
    for member in range(MEMBERS):
        model = MLPClassifier(
            (UNITS,),
            alpha=1e-3,
            max_iter=ROUNDS,
            random_state=SEED % 1000 + member,
            batch_size=128,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it stops early on purpose
            model.fit(inputs, labels(examples), sample_weight=weights(examples))
        fitted.append(model)
    whole = joined(fitted)
    return Network(whole.hidden, np.ascontiguousarray(whole.out[:, : len(CLASSES)]))


def head(examples: Sequence[Said]) -> Head:
    """Danger by spelling."""
    inputs = matrix((one.words for one in examples), text.features, 1 << BITS)
    model = LogisticRegression(C=10, max_iter=200, tol=1e-3)
    model.fit(inputs, labels(examples)[:, 0], sample_weight=weights(examples))
    return quantised(model.coef_, model.intercept_)


def folds(examples: Sequence[Said]) -> list[frozenset[str]]:
    """The groups, in sets that are held out together; groups of like size are apart."""
    sizes = Counter(one.group for one in examples)
    ranked = sorted(sizes, key=lambda group: (-sizes[group], group))
    return [frozenset(ranked[start::FOLDS]) for start in range(FOLDS)]


def trained(examples: Sequence[Said], encoder: Encoder) -> tuple[Network, Head, Floats]:
    """CLASSES by meaning, danger by spelling, and [examples] the probability of danger by both that
    never saw the message's group. Side by side.
    """
    left_out = [*folds(examples), frozenset()]
    # Forked, so that what the encoder remembers is shared.
    with ProcessPoolExecutor(
        mp_context=get_context("fork"), initializer=_share, initargs=(examples, encoder)
    ) as pool:
        *others, whole = pool.map(_without, left_out)
    found = np.empty(len(examples))
    for fold, (meant, spelt) in zip(left_out, others, strict=False):
        mine = [place for place, one in enumerate(examples) if one.group in fold]
        vectors = encoder.vectors([examples[place].words for place in mine])
        ids = [text.features(examples[place].words) for place in mine]
        both = Mentions(spelt, meant, np.empty(0))
        found[mine] = sigmoid(both.logits(vectors, ids))[:, 0]
    return *whole, found


_SHARED: list[tuple[Sequence[Said], Encoder]] = []
"""What all processes work with."""


def _share(examples: Sequence[Said], encoder: Encoder) -> None:
    _SHARED.append((examples, encoder))


def _without(fold: frozenset[str]) -> tuple[Network, Head]:
    examples, encoder = _SHARED[-1]
    others = [one for one in examples if one.group not in fold]
    with threadpool_limits(1):  # the same sums in the same order, however many cores there are
        return network(encoder, others), head(others)


def languages(folder: Path) -> list[Example]:
    """Texts by language, written ones first."""
    texts = [(one.language, one.words) for one in said(folder) if one.is_written]
    texts += [
        (case.language, case.turns[-1][1])
        for case in read_cases(folder)
        if case.group != "goemotions-weak"
    ]
    return [Example("", words, language) for language, words in language_texts(texts, SEED)]


def arrays_of(folder: Path, encoder: Encoder) -> dict[str, NDArray[np.generic]]:
    """What is added to the file."""
    examples = said(folder)
    encoder.vectors([one.words for one in examples])
    meant, spelt, held_out = trained(examples, encoder)
    chosen = np.array(list(LEAST.values()))
    _report(examples, held_out, spelt)
    named = languages(folder)
    codes = tuple(sorted({str(one.label) for one in named}))
    spelling = softmax_head(named, codes, text.spelling, 15, 30)
    found: dict[str, NDArray[np.generic]] = {"languages": np.array(codes), THRESHOLDS: chosen}
    found |= {f"{SPELT}.{part}": array for part, array in vars(spelt).items()}
    found |= {f"{MEANT}.{part}": array.astype(np.float16) for part, array in vars(meant).items()}
    return found | {f"spelling.{part}": array for part, array in vars(spelling).items()}


def _report(examples: Sequence[Said], held_out: Floats, spelt: Head) -> None:
    danger = np.array([one.label == "urgent" for one in examples])
    sizes = Counter(one.source for one in examples if not one.label)
    shares = np.array([0.0 if one.label else 1 / sizes[one.source] for one in examples])
    ids = [text.features(one.words) for one in examples]
    passed = sigmoid(spelt.logits_each(ids))[:, 0] >= MAYBE
    for name, least in LEAST.items():
        over = held_out >= least
        wrong = float((shares * over).sum() / shares.sum())
        print(f"{name}: danger found {over[danger].mean():.3f}, wrong {wrong:.4f}")  # noqa: T201
    print(f"read by meaning: {passed[danger].mean():.3f}, others {passed[~danger].mean():.3f}")  # noqa: T201


def main() -> None:
    """Train, print what held-out groups show, and write the arrays into the model file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    with np.load(ENCODER, allow_pickle=False) as file:
        encoder = RememberingEncoder.around(Encoder.of({name: file[name] for name in file.files}))
    with threadpool_limits(1):  # the same sums in the same order, however many cores there are
        added = arrays_of(options.data, encoder)
    with np.load(options.out, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files} | {"format": np.array(FORMAT)}
    if f"{SPELT}.weights" not in arrays:  # once, however often this is run
        arrays[STAGE] = arrays[STAGE].copy()
        arrays[STAGE][_CONSTANT] -= SERIOUS_COSTS
        arrays["thresholds"] = arrays["thresholds"].copy()
        arrays["thresholds"][_MEDIUM, list(Signal).index(Signal.REQUEST)] = REQUEST_FROM
    np.savez_compressed(options.out, allow_pickle=False, **(arrays | added))


if __name__ == "__main__":
    main()
