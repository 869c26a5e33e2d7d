"""The first stage: classifiers of single messages, fitted with scikit-learn and turned into plain arrays."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from bench.detector_corpus import SEED, Corpus, Example
from handoff_bot.ai.detector import text
from handoff_bot.ai.detector.encoder import Encoder, Vectors
from handoff_bot.ai.detector.heads import Floats, Head, Network
from handoff_bot.ai.detector.model import ACTS, INTENTS, REPLIES, SENSITIVITIES, Model
from handoff_bot.domain.signals import Signal

WEIGHTS = {"goemotions-weak": 0.2, "smart-home": 0.5, "small-talk": 0.5}
WRITTEN = ("handwritten", "phrases-")
WRITTEN_WEIGHT = 3.0
_GAIN = 10.0  # vectors have length one; a network learns faster from larger numbers
_OTHERS = 6  # for each short answer, so many messages that are none
_BATCH = 32


@dataclass(frozen=True)
class RememberingEncoder(Encoder):
    """The shipped encoder, which reads a text only once: folds share their texts."""

    known: dict[str, Vectors] = field(default_factory=dict)

    @classmethod
    def around(cls, encoder: Encoder) -> RememberingEncoder:
        """The same encoder, with a memory."""
        return cls(**vars(encoder))

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """As the encoder says, from memory where possible."""
        new = sorted({words for words in texts if words not in self.known}, key=len)
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            self.known.update(zip(batch, super().vectors(batch), strict=True))
        return np.array([self.known[words] for words in texts])


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


def _weight(one: Example) -> float:
    return WRITTEN_WEIGHT if one.group.startswith(WRITTEN) else WEIGHTS.get(one.group, 1.0)


def softmax_head(
    examples: Sequence[Example],
    classes: Sequence[str],
    extract: Callable[[str], text.Ids],
    bits: int,
    strength: float,
    close: float = 1e-3,
    rounds: int = 200,
) -> Head:
    """One class of several, by spelling."""
    model = LogisticRegression(C=strength, max_iter=rounds, tol=close)
    known = [list(classes).index(str(one.label)) for one in examples]
    inputs = matrix((one.words for one in examples), extract, 1 << bits)
    model.fit(inputs, known, sample_weight=[_weight(one) for one in examples])
    return quantised(model.coef_, model.intercept_)


def sigmoid_head(examples: Sequence[Example], classes: Sequence[str], bits: int) -> Head:
    """Each class by itself against all others, by spelling."""
    inputs = matrix((one.words for one in examples), text.features, 1 << bits)
    found = []
    for label in classes:
        model = LogisticRegression(C=10, max_iter=200, tol=1e-3, class_weight="balanced")
        model.fit(inputs, [one.label == label for one in examples])
        found.append((model.coef_[0], model.intercept_[0]))
    return quantised(np.array([f[0] for f in found]), np.array([f[1] for f in found]))


def softmax_network(
    encoder: Encoder, examples: Sequence[Example], units: int, members: int
) -> Network:
    """One of INTENTS, by meaning: the mean of several networks, as one."""
    inputs = encoder.vectors([one.words for one in examples]) * _GAIN
    known = np.array([INTENTS.index(str(one.label)) for one in examples])
    weights = np.array([_weight(one) for one in examples])
    fitted = []
    for member in range(members):
        model = _perceptron(units, SEED % 1000 + member, 12)
        _quietly(partial(model.fit, inputs, known, sample_weight=weights))
        fitted.append(model)
    return joined(fitted)


def sigmoid_network(
    encoder: Encoder, examples: Sequence[Example], classes: Sequence[str]
) -> Network:
    """Each class by itself, by meaning; there are far more messages of no class, and few of them will do."""
    named = [one for one in examples if one.label]
    others = [one for one in examples if not one.label]
    dice = random.Random(SEED)  # noqa: S311 - repeatable on purpose, guards nothing
    used = named + dice.sample(others, min(len(others), _OTHERS * len(named)))
    inputs = encoder.vectors([one.words for one in used]) * _GAIN
    known = np.array([[one.label == label for label in classes] for one in used], dtype=int)
    model = _perceptron(24, SEED % 1000, 40)
    _quietly(partial(model.fit, inputs, known))
    return joined([model])


def _perceptron(units: int, seed: int, rounds: int) -> MLPClassifier:
    return MLPClassifier((units,), alpha=1e-3, max_iter=rounds, random_state=seed, batch_size=128)


def _quietly(fit: Callable[[], object]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it stops early on purpose
        fit()


def joined(models: Sequence[MLPClassifier]) -> Network:
    """One wide network that gives the mean of the logits of several."""
    hidden = [np.vstack([m.coefs_[0] * _GAIN, m.intercepts_[0]]) for m in models]
    out = [m.coefs_[1] / len(models) for m in models]
    bias = np.mean([m.intercepts_[1] for m in models], axis=0)
    return Network(
        np.hstack(hidden).astype(np.float16).astype(np.float32),
        np.vstack([*out, bias]).astype(np.float32),
    )


def rarity(examples: Sequence[Example]) -> NDArray[np.int8]:
    """How rare each bucket is in what customers say, 0 to 127."""
    inputs = matrix((one.words for one in examples), text.features, 1 << text.HASH_BITS)
    counts = np.asarray((inputs > 0).sum(axis=0)).ravel()
    idf = np.log((1 + len(examples)) / (1 + counts))
    steps: NDArray[np.int8] = np.rint(127 * idf / idf.max()).astype(np.int8)
    return steps


def first_stage(encoder: Encoder, corpus: Corpus) -> Model:
    """The heads; the conversation's part is still empty."""
    languages = tuple(sorted({str(one.label) for one in corpus.languages}))
    return Model(
        encoder=encoder,
        intent=softmax_head(corpus.intents, INTENTS, text.features, text.HASH_BITS, 20),
        intent_meant=softmax_network(encoder, corpus.intents, 64, 3),
        acts=sigmoid_head(corpus.acts, ACTS, 15),
        acts_meant=sigmoid_network(encoder, corpus.acts, ACTS),
        replies=sigmoid_head(corpus.replies, REPLIES, 15),
        replies_meant=sigmoid_network(encoder, corpus.replies, REPLIES),
        spelling=softmax_head(corpus.languages, languages, text.spelling, 15, 30),
        languages=languages,
        rarity=rarity(corpus.intents),
        stages={},
        thresholds=np.ones((len(SENSITIVITIES), len(Signal))),
    )
