"""The trained arrays: reading them from their files, and scoring single messages with them."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from handoff_bot.ai.detector import text
from handoff_bot.ai.detector.encoder import DIMENSIONS, Encoder, Vectors
from handoff_bot.ai.detector.heads import (
    Arrays,
    Bytes,
    Floats,
    Head,
    Network,
    floats,
    shaped,
    sigmoid,
    softmax,
)
from handoff_bot.ai.detector.small_talk import SmallTalk
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.signals import Signal

FORMAT = 3
SENSITIVITIES = ("low", "medium", "high")
INTENTS = ("none", "request", "sentiment", "serious")
ACTS = ("yes", "no", "thanks", "stuck")
REPLIES = ("offer", "fallback", "announcement")
ENCODER = Path(__file__).parent / "model" / "encoder.npz"

_Parsed = TypeVar("_Parsed")
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

KINDS: dict[Signal, tuple[int, ...]] = {
    Signal.REQUEST: (6, 1),
    Signal.SENTIMENT: (8,),
    Signal.COMPLEXITY: (4, 9, 8),
    Signal.CONFIDENCE: (6,),
}
"""How many conversation features each kind of evidence for a signal has; `context` computes them."""


@dataclass(frozen=True)
class Traces:
    """What messages are compared by.

    Attributes:
        ids: sorted features.
        vector: the meaning, of length one.
    """

    ids: text.Ids
    vector: Vectors


@dataclass(frozen=True)
class Utterance:
    """What one customer message shows by itself; every score is a probability.

    Attributes:
        meant: by what it means: request, sentiment, serious; the strongest over the message and its clauses.
        spelt: the same by its characters and words.
        whole: the same of both together, of the message as a whole.
        request_words, sentiment_words: the clause that showed it most. Hostile text.
        yes, no, thanks: what kind of short answer it is.
        stuck: it says that what the assistant answered has not helped.
        loud: from 0 to 1, capitals and exclamation marks.
        many: of how many clauses it is, as a logarithm to the base of 2.
        traces: for comparing messages.
    """

    meant: tuple[float, float, float]
    spelt: tuple[float, float, float]
    whole: tuple[float, float, float]
    request_words: str
    sentiment_words: str
    yes: float
    no: float
    thanks: float
    stuck: float
    loud: float
    many: float
    traces: Traces

    @property
    def request(self) -> float:
        """How much it asks for a person."""
        return (self.meant[0] + self.spelt[0]) / 2

    @property
    def sentiment(self) -> float:
        """How much anger or despair it shows."""
        return (self.meant[1] + self.spelt[1]) / 2


@dataclass(frozen=True)
class Reply:
    """What one assistant message shows: offers a person, does not know, says that a person comes."""

    offer: float
    fallback: float
    announcement: float
    traces: Traces


@dataclass(frozen=True)
class Model:
    """Everything that training produced.

    Attributes:
        encoder: from texts to what they mean.
        intent, intent_meant: the classes of INTENTS (softmax), by spelling and by meaning.
        acts, acts_meant: the classes of ACTS (each by itself).
        replies, replies_meant: the classes of REPLIES (each by itself).
        spelling: the classes of `languages` (softmax), for Latin script.
        languages: ISO 639-1 codes.
        rarity: [buckets], int8; how much a shared feature counts when messages are compared.
        stages: signal name -> weights of its conversation features, each kind's constant behind it.
        thresholds: [sensitivities, signals] in the order of `SENSITIVITIES` and of `Signal`.
        small_talk: what hears small talk; None while the rest is being trained.
    """

    encoder: Encoder
    intent: Head
    intent_meant: Network
    acts: Head
    acts_meant: Network
    replies: Head
    replies_meant: Network
    spelling: Head
    languages: tuple[str, ...]
    rarity: Bytes
    stages: dict[str, Floats]
    thresholds: Floats
    small_talk: SmallTalk | None = None

    @classmethod
    def load(cls, path: Path, encoder: Path = ENCODER) -> Model:
        """Read the arrays; never unpickles anything.

        Raises:
            ModelError: a file is missing, not ours, or broken.
        """
        read = _read(encoder, Encoder.of)
        return _read(path, lambda arrays: _parse(arrays, read))

    def utterance(self, words: str) -> Utterance:
        """Score one customer message, by itself. Without any letter or sign it shows nothing."""
        parts = list(dict.fromkeys((words, *text.clauses(words))))
        count = len(parts)
        opening = text.opening(words)
        answers_at = parts.index(opening) if opening in parts else count
        texts = parts if answers_at < count else [*parts, opening]
        vectors = self.encoder.vectors(texts)
        ids = [text.features(part) for part in texts]
        traces = Traces(text.features(words[:_COMPARED]), vectors[0])
        if not len(ids[0]):
            return replace(_SILENCE, traces=traces)
        spelt = softmax(np.array([self.intent.logits(one) for one in ids[:count]]))
        meant = softmax(self.intent_meant.logits(vectors[:count]))
        both = spelt + meant
        acts = _either(
            np.array([self.acts.logits(one) for one in ids]), self.acts_meant.logits(vectors)
        )
        yes, no, _, _ = (
            acts[[0, answers_at]].max(axis=0).tolist()
        )  # who answers begins with the answer
        _, _, thanks, stuck = acts.max(axis=0).tolist()
        return Utterance(
            meant=_triple(meant.max(axis=0)),
            spelt=_triple(spelt.max(axis=0)),
            whole=_triple(both[0] / 2),
            request_words=parts[int(both[:, 1].argmax())],
            sentiment_words=parts[int(both[:, 2].argmax())],
            yes=yes,
            no=no,
            thanks=thanks,
            stuck=stuck,
            loud=text.loudness(words),
            many=math.log2(count),
            traces=traces,
        )

    def reply(self, words: str) -> Reply:
        """Score one assistant message: the strongest of its sentences counts."""
        parts = list(dict.fromkeys((words, *text.sentences(words))))
        vectors = self.encoder.vectors(parts)
        spelt = np.array([self.replies.logits(text.features(part)) for part in parts])
        scored = _either(spelt, self.replies_meant.logits(vectors))
        offer, fallback, announcement = scored.max(axis=0).tolist()
        traces = Traces(text.features(words[:_COMPARED]), vectors[0])
        return Reply(offer, fallback, announcement, traces)

    def likeness(self, one: Traces, other: Traces) -> tuple[float, float]:
        """How much two messages share, each 0 to 1: in words, rare ones counting more, and in meaning."""
        shared = np.intersect1d(one.ids, other.ids, assume_unique=True)
        total = float(np.sqrt(self._mass(one.ids) * self._mass(other.ids)))
        near = max(0.0, float(one.vector @ other.vector))
        return (self._mass(shared) / total if total else 0.0), min(near, 1.0)

    def _mass(self, ids: text.Ids) -> float:
        return float(np.square(self.rarity[ids], dtype=np.int64).sum())


_NOTHING = (0.0, 0.0, 0.0)
_SILENCE = Utterance(
    meant=_NOTHING,
    spelt=_NOTHING,
    whole=_NOTHING,
    request_words="",
    sentiment_words="",
    yes=0.0,
    no=0.0,
    thanks=0.0,
    stuck=0.0,
    loud=0.0,
    many=0.0,
    traces=Traces(np.empty(0, dtype=np.int32), np.zeros(DIMENSIONS, dtype=np.float32)),
)


def _triple(classes: Floats) -> tuple[float, float, float]:
    _, request, sentiment, serious = classes.tolist()
    return request, sentiment, serious


def _either(spelt: Floats, meant: Floats) -> Floats:
    return (sigmoid(spelt) + sigmoid(meant)) / 2


def _read(path: Path, parse: Callable[[dict[str, NDArray[Any]]], _Parsed]) -> _Parsed:
    try:
        # Opened here because numpy leaves a file open that turns out not to be an archive.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            return parse({name: file[name] for name in file.files})
    except FileNotFoundError:
        raise ModelError(f"the detector's model file {path.name} is missing") from None
    except _BROKEN as error:
        raise ModelError(
            f"the detector's model file {path.name} is broken; reinstall or train it again"
        ) from error


def _parse(arrays: Arrays, encoder: Encoder) -> Model:
    if int(arrays["format"]) != FORMAT:
        raise ValueError("another format")
    return Model(
        encoder=encoder,
        intent=Head.of(arrays, "intent", len(INTENTS)),
        intent_meant=Network.of(arrays, "intent_meant", len(INTENTS)),
        acts=Head.of(arrays, "acts", len(ACTS)),
        acts_meant=Network.of(arrays, "acts_meant", len(ACTS)),
        replies=Head.of(arrays, "replies", len(REPLIES)),
        replies_meant=Network.of(arrays, "replies_meant", len(REPLIES)),
        spelling=Head.of(arrays, "spelling", len(arrays["languages"])),
        languages=tuple(map(str, arrays["languages"])),
        rarity=shaped(arrays["rarity"].astype(np.int8), (1 << text.HASH_BITS,)),
        stages={
            signal.value: floats(arrays[f"stage.{signal.value}"], (sum(kinds) + len(kinds),))
            for signal, kinds in KINDS.items()
        },
        thresholds=floats(arrays["thresholds"], (len(SENSITIVITIES), len(Signal))),
        small_talk=SmallTalk.of(arrays, encoder),
    )
