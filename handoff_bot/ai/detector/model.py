"""The trained arrays: reading them from one .npz file, and scoring single messages with them."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from handoff_bot.ai.detector import text
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.signals import Signal

FORMAT = 1
SENSITIVITIES = ("low", "medium", "high")
_COMPARED = 400  # characters: enough to see a repetition, and it bounds what a cache holds

# What numpy and zipfile raise at a file that is cut off, altered or something else altogether.
_BROKEN = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)

STAGE_INPUTS = {
    Signal.REQUEST: 3,
    Signal.SENTIMENT: 3,
    Signal.COMPLEXITY: 8,
    Signal.CONFIDENCE: 4,
}
"""How many conversation features each signal weighs; `context` computes them."""

Floats = NDArray[np.float64]
Bytes = NDArray[np.int8]
Arrays = Mapping[str, NDArray[Any]]  # the border: a file's arrays before they are checked
_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True)
class Head:
    """One linear classifier over hashed features.

    Attributes:
        weights: [buckets, classes], int8; buckets is a power of two, larger ids wrap around.
        scale: [classes], what one step of a weight is worth.
        bias: [classes].
    """

    weights: Bytes
    scale: Floats
    bias: Floats

    def logits(self, ids: text.Ids) -> Floats:
        """One number for each class; the bias alone for a text without features."""
        if not len(ids):
            return self.bias
        rows = self.weights[ids & (len(self.weights) - 1)]
        steps: Floats = rows.sum(axis=0, dtype=np.float64)
        return steps * self.scale / float(np.sqrt(len(ids))) + self.bias


@dataclass(frozen=True)
class Utterance:
    """What one customer message shows by itself; every score is a probability.

    Attributes:
        request, sentiment: the strongest over the message and its sentences.
        request_words, sentiment_words: the sentence that scored so. Hostile text.
        yes, no, thanks: what kind of short answer it is.
        ids: sorted features, for comparing messages.
    """

    request: float
    sentiment: float
    request_words: str
    sentiment_words: str
    yes: float
    no: float
    thanks: float
    ids: text.Ids


@dataclass(frozen=True)
class Reply:
    """What one assistant message shows: does it offer a person, does it say that it cannot answer."""

    offer: float
    fallback: float
    ids: text.Ids


@dataclass(frozen=True)
class Model:
    """Everything that training produced.

    Attributes:
        intent: classes none, request, sentiment (softmax).
        acts: classes yes, no, thanks (each by itself).
        replies: classes offer, fallback (each by itself).
        spelling: the classes of `languages` (softmax), for Latin script.
        languages: ISO 639-1 codes.
        rarity: [buckets], int8; how much a shared feature counts when messages are compared.
        stages: signal name -> weights of its conversation features, the constant last.
        thresholds: [sensitivities, signals] in the order of `SENSITIVITIES` and of `Signal`.
    """

    intent: Head
    acts: Head
    replies: Head
    spelling: Head
    languages: tuple[str, ...]
    rarity: Bytes
    stages: dict[str, Floats]
    thresholds: Floats

    @classmethod
    def load(cls, path: Path) -> Model:
        """Read the arrays; never unpickles anything.

        Raises:
            ModelError: the file is missing, not ours, or broken.
        """
        try:
            # Opened here because numpy leaves a file open that turns out not to be an archive.
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                return _parse({name: file[name] for name in file.files})
        except FileNotFoundError:
            raise ModelError(f"the detector's model file {path.name} is missing") from None
        except _BROKEN as error:
            raise ModelError(
                f"the detector's model file {path.name} is broken; reinstall or train it again"
            ) from error

    def utterance(self, words: str) -> Utterance:
        """Score one customer message, by itself. Without any letter or sign it shows nothing."""
        whole = text.features(words)
        if not len(whole):
            return Utterance(0.0, 0.0, "", "", 0.0, 0.0, 0.0, whole)
        parts = (words, *text.clauses(words))
        scored = np.array([softmax(self.intent.logits(text.features(part))) for part in parts])
        places = scored.argmax(axis=0)
        yes, no, thanks = sigmoid(self.acts.logits(whole)).tolist()
        return Utterance(
            request=float(scored[places[1], 1]),
            sentiment=float(scored[places[2], 2]),
            request_words=parts[places[1]],
            sentiment_words=parts[places[2]],
            yes=yes,
            no=no,
            thanks=thanks,
            ids=text.features(words[:_COMPARED]),
        )

    def reply(self, words: str) -> Reply:
        """Score one assistant message: the strongest of its sentences counts."""
        parts = text.sentences(words) or [words]
        scored = np.array([sigmoid(self.replies.logits(text.features(part))) for part in parts])
        offer, fallback = scored.max(axis=0).tolist()
        return Reply(offer=offer, fallback=fallback, ids=text.features(words[:_COMPARED]))

    def likeness(self, one: text.Ids, other: text.Ids) -> float:
        """How much two messages share, 0 to 1: cosine of their features, rare ones counting more."""
        total = float(np.sqrt(self._mass(one) * self._mass(other)))
        return self._mass(np.intersect1d(one, other, assume_unique=True)) / total if total else 0.0

    def _mass(self, ids: text.Ids) -> float:
        return float(np.square(self.rarity[ids], dtype=np.int64).sum())


def _parse(arrays: Arrays) -> Model:
    if int(arrays["format"]) != FORMAT:
        raise ValueError("another format")
    return Model(
        intent=_head(arrays, "intent", 3),
        acts=_head(arrays, "acts", 3),
        replies=_head(arrays, "replies", 2),
        spelling=_head(arrays, "spelling", len(arrays["languages"])),
        languages=tuple(map(str, arrays["languages"])),
        rarity=_shaped(arrays["rarity"].astype(np.int8), (1 << text.HASH_BITS,)),
        stages={
            signal.value: _floats(arrays[f"stage.{signal.value}"], (inputs + 1,))
            for signal, inputs in STAGE_INPUTS.items()
        },
        thresholds=_floats(arrays["thresholds"], (len(SENSITIVITIES), len(Signal))),
    )


def _head(arrays: Arrays, name: str, classes: int) -> Head:
    weights = arrays[f"{name}.weights"].astype(np.int8)
    if weights.ndim != 2 or len(weights).bit_count() != 1:
        raise ValueError("buckets must be a power of two")
    return Head(
        weights=_shaped(weights, (len(weights), classes)),
        scale=_floats(arrays[f"{name}.scale"], (classes,)),
        bias=_floats(arrays[f"{name}.bias"], (classes,)),
    )


def _floats(array: NDArray[Any], shape: tuple[int, ...]) -> Floats:
    numbers = _shaped(array.astype(np.float64), shape)
    if not np.isfinite(numbers).all():
        raise ValueError("not a number")
    return numbers


def _shaped(array: NDArray[_Number], shape: tuple[int, ...]) -> NDArray[_Number]:
    if array.shape != shape:
        raise ValueError("wrong shape")
    return array


def sigmoid(values: Floats) -> Floats:
    """Elementwise, without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * values))


def softmax(values: Floats) -> Floats:
    """Probabilities that sum to one."""
    powers = np.exp(values - values.max())
    result: Floats = powers / powers.sum()
    return result
