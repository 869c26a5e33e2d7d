"""Classifiers: linear ones, a small network over text embeddings, and first mentions of danger or the law."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from handoff_bot.ai.detector.encoder import DIMENSIONS, Vectors
from handoff_bot.ai.detector.text import Ids

# -- linear classifiers over hashed features, and a small network over text embeddings

Floats = NDArray[np.float64]
Bytes = NDArray[np.int8]
Arrays = Mapping[str, NDArray[Any]]  # a file's unchecked arrays
_SMALLEST = 1e-9
_NO_IDS: Ids = np.empty(0, dtype=np.int32)
_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True)
class Head:
    """A linear classifier over hashed features.

    Attributes:
        weights: [buckets, classes], int8; buckets is a power of two, larger ids wrap around.
        scale: [classes], value of one weight step.
        bias: [classes].
    """

    weights: Bytes
    scale: Floats
    bias: Floats

    @classmethod
    def of(cls, arrays: Arrays, name: str, classes: int) -> Head:
        """Reads a file's arrays; KeyError or ValueError if invalid."""
        weights = arrays[f"{name}.weights"].astype(np.int8, copy=False)
        if weights.ndim != 2 or len(weights).bit_count() != 1:
            raise ValueError("buckets must be a power of two")
        return cls(
            weights=shaped(weights, (len(weights), classes)),
            scale=floats(arrays[f"{name}.scale"], (classes,)),
            bias=floats(arrays[f"{name}.bias"], (classes,)),
        )

    def logits(self, ids: Ids) -> Floats:
        """Returns one number per class; only the bias for a text without features."""
        row: Floats = self.logits_each([ids])[0]
        return row

    def logits_each(self, texts: Sequence[Ids]) -> Floats:
        """Returns [texts, classes]."""
        return self.logits_of(Joined.of(texts))

    def logits_of(self, texts: Joined) -> Floats:
        """Same, for texts that several classifiers read."""
        found: Floats = np.empty((texts.count, len(self.bias)))
        found[:] = self.bias
        if not len(texts.ids):
            return found
        rows = self.weights.take(texts.ids & (len(self.weights) - 1), axis=0)
        # Exact: whole numbers below 2**24, because there are at most 2**17 of at most 127 each.
        steps = np.add.reduceat(rows.astype(np.float32), texts.starts, axis=0)
        margins = steps * self.scale / texts.roots
        if len(margins) == len(found):
            found += margins
        else:
            found[texts.spoken] += margins
        return found


@dataclass(frozen=True)
class Joined:
    """The features of several texts, one after the other.

    Attributes:
        count: number of texts.
        spoken: which texts have features.
        ids: their features.
        starts: where those of each begin.
        roots: [these, 1], the square root of how many each has.
    """

    count: int
    spoken: list[int]
    ids: Ids
    starts: list[int]
    roots: Floats

    @classmethod
    def of(cls, texts: Sequence[Ids]) -> Joined:
        spoken = [place for place, ids in enumerate(texts) if len(ids)]
        sizes = [len(texts[place]) for place in spoken]
        ends = list(accumulate(sizes, initial=0))
        roots = np.array([[math.sqrt(size)] for size in sizes])
        ids = texts[0] if len(texts) == 1 else np.concatenate((*texts, _NO_IDS))
        return cls(len(texts), spoken, ids, ends[:-1], roots)


@dataclass(frozen=True)
class Network:
    """A classifier over vectors with one hidden layer.

    Attributes:
        hidden: [DIMENSIONS + 1, units], the constant last.
        out: [units + 1, classes], the constant last.
    """

    hidden: Vectors
    out: Vectors

    @classmethod
    def of(cls, arrays: Arrays, name: str, classes: int) -> Network:
        """Reads a file's arrays; KeyError or ValueError if invalid."""
        units = len(arrays[f"{name}.out"]) - 1
        return cls(
            hidden=floats(arrays[f"{name}.hidden"], (DIMENSIONS + 1, units)).astype(np.float32),
            out=floats(arrays[f"{name}.out"], (units + 1, classes)).astype(np.float32),
        )

    def logits(self, vectors: Vectors) -> Floats:
        """Returns [texts, classes]."""
        units = vectors @ self.hidden[:-1]
        units += self.hidden[-1]
        np.maximum(units, 0, out=units)
        found = units @ self.out[:-1]
        found += self.out[-1]
        return found.astype(np.float64)


def any_of(values: Floats, weights: Floats, sizes: Sequence[int]) -> tuple[Floats, Floats]:
    """Noisy-or over several kinds of evidence.

    Args:
        values: [cases, inputs], grouped by kind.
        weights: per kind, those of its inputs and its constant.
        sizes: number of inputs per kind.

    Returns:
        [cases] and [cases, kinds], probabilities.
    """
    kinds, start, place = [], 0, 0
    for size in sizes:
        margins = values[:, start : start + size] @ weights[place : place + size]
        kinds.append(sigmoid(margins + weights[place + size]))
        start, place = start + size, place + size + 1
    each: Floats = np.stack(kinds, axis=1)
    return 1.0 - np.prod(1.0 - each, axis=1), each


def any_of_one(values: Sequence[float], weights: Sequence[float], sizes: Sequence[int]) -> float:
    """`any_of` for a single case, without numpy, which is ten times slower for so few numbers."""
    none, start, place = 1.0, 0, 0
    for size in sizes:
        pairs = zip(values[start : start + size], weights[place : place + size], strict=True)
        margin = sum(value * weight for value, weight in pairs) + weights[place + size]
        none *= 1.0 - sigmoid_of(margin)
        start, place = start + size, place + size + 1
    return 1.0 - none


def descent(
    values: Floats, weights: Floats, sizes: Sequence[int], labels: Floats, shares: Floats
) -> tuple[float, Floats]:
    """Returns the log loss of `any_of` against labels 0 or 1, and its gradient.

    Args:
        shares: [cases], weight of each case.
    """
    found, each = any_of(values, weights, sizes)
    found = np.clip(found, _SMALLEST, 1.0 - _SMALLEST)
    loss = -shares @ (labels * np.log(found) + (1.0 - labels) * np.log1p(-found))
    pull = shares * (found - labels) / found
    slopes: list[Floats] = []
    start = 0
    for kind, size in enumerate(sizes):
        errors = pull * each[:, kind]
        slopes += [values[:, start : start + size].T @ errors, np.array([errors.sum()])]
        start += size
    return float(loss), np.concatenate(slopes)


def floats(array: NDArray[Any], shape: tuple[int, ...]) -> Floats:
    """Returns the array as finite numbers of this shape.

    Raises:
        ValueError: another shape, or not a number.
    """
    numbers = shaped(array.astype(np.float64), shape)
    if not np.isfinite(numbers).all():
        raise ValueError("not a number")
    return numbers


def shaped(array: NDArray[_Number], shape: tuple[int, ...]) -> NDArray[_Number]:
    """Returns the array.

    Raises:
        ValueError: another shape.
    """
    if array.shape != shape:
        raise ValueError("wrong shape")
    return array


def sigmoid(values: Floats) -> Floats:
    """Elementwise, without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * values))


def sigmoid_of(value: float) -> float:
    """Same for one number."""
    return 0.5 * (1.0 + math.tanh(0.5 * value))


def lowered(probability: float, by: float) -> float:
    """Returns a probability that is less by so much in log-odds."""
    odds = math.exp(-by) * probability
    return odds / (odds + 1.0 - probability) if odds else 0.0


def softmax(values: Floats) -> Floats:
    """Returns probabilities that sum to one along the last axis."""
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    result: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return result


# -- first mentions of danger, health, fraud or the law, and of answers that have not helped
# A first mention counts by the mean of both readings. What only one of them takes for danger is often
# an ordinary message with the same terms, or a situation in a language that the encoder hardly knows.

CLASSES = ("urgent", "stuck")
_URGENT = CLASSES.index("urgent")
SPELT, MEANT, THRESHOLDS = "mentions", "mentions_meant", "urgent"

MAYBE = 0.03
"""From this probability by spelling the meaning is computed; see "Speed" in docs/detector.md."""


@dataclass(frozen=True)
class Mentions:
    """Classifies mentions. Thread-safe.

    Attributes:
        spelt: "urgent" by characters and words.
        meant: CLASSES by meaning, independent.
        urgent: [sensitivities], the probability from which a mention escalates by itself.
    """

    spelt: Head
    meant: Network
    urgent: Floats

    @classmethod
    def of(cls, arrays: Arrays, sensitivities: int) -> Mentions:
        """Reads a file's arrays; KeyError or ValueError if invalid."""
        return cls(
            spelt=Head.of(arrays, SPELT, 1),
            meant=Network.of(arrays, MEANT, len(CLASSES)),
            urgent=floats(arrays[THRESHOLDS], (sensitivities,)),
        )

    def is_possible(self, texts: Joined, count: int) -> bool:
        """Returns whether any of the first `count` texts may mention danger, by spelling."""
        return sigmoid_of(float(self.spelt.logits_of(texts)[:count].max())) >= MAYBE

    def chances(self, vectors: Vectors, texts: Sequence[Ids]) -> Floats:
        """Returns [CLASSES], the maximum over a message's parts.

        Args:
            vectors: [parts, DIMENSIONS].
            texts: the features of the same parts.
        """
        found: Floats = sigmoid(self.logits(vectors, texts)).max(axis=0)
        return found

    def logits(self, vectors: Vectors, texts: Sequence[Ids]) -> Floats:
        """Returns [parts, CLASSES]."""
        found = self.meant.logits(vectors)
        found[:, _URGENT] = (found[:, _URGENT] + self.spelt.logits_each(texts)[:, 0]) / 2
        return found
