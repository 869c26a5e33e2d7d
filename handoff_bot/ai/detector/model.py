"""The trained arrays: loading, and scoring single messages."""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from handoff_bot.ai.detector import text
from handoff_bot.ai.detector.arrays import read_arrays
from handoff_bot.ai.detector.encoder import Encoder, TextEncoder
from handoff_bot.ai.detector.heads import (
    Arrays,
    Bytes,
    Floats,
    Head,
    Joined,
    Mentions,
    Network,
    floats,
    lowered,
    shaped,
    sigmoid,
    softmax,
)
from handoff_bot.ai.detector.messages import SILENCE, Reply, Traces, Utterance
from handoff_bot.ai.detector.short_messages import SmallTalk
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.signals import Act, Signal

FORMAT = 4
SENSITIVITIES = ("low", "medium", "high")
INTENTS = ("none", "request", "sentiment", "serious")
ACTS = ("yes", "no", "thanks", "stuck")
REPLIES = ("offer", "fallback", "announcement")
ENCODER = Path(__file__).parent / "model" / "encoder.npz"

PLAIN_BELOW = 0.05
"""Chosen so that hardly any escalation is lost; see "Speed" in docs/detector.md."""

_ACTS_MAY = 4
"""Factor for acts, which only affect a judgement together with earlier messages."""

_LONG_COSTS = 0.4
"""What twice as many clauses lower the probability of danger by, in log-odds: the highest of many
random scores is high."""

_Parsed = TypeVar("_Parsed")
_COMPARED = 400  # in characters: enough to detect a repetition, and it bounds the cache

# Exceptions of numpy and zipfile for a truncated, altered or foreign file.
_BROKEN = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)

KINDS: dict[Signal, tuple[int, ...]] = {
    Signal.REQUEST: (6, 1),
    Signal.SENTIMENT: (8,),
    Signal.COMPLEXITY: (4, 9, 8),
    Signal.CONFIDENCE: (6,),
}
"""Number of conversation features per kind of evidence for a signal; computed by `context`."""


@dataclass(frozen=True)
class Model:
    """All results of training.

    Attributes:
        encoder: texts to embeddings.
        intent, intent_meant: classes of INTENTS (softmax), by spelling and by meaning.
        acts, acts_meant: classes of ACTS (independent).
        replies, replies_meant: classes of REPLIES (independent).
        spelling: classes of `languages` (softmax), for Latin script.
        languages: ISO 639-1 codes.
        rarity: [buckets], int8; weight of a shared feature when messages are compared.
        stages: signal name -> weights of its conversation features, each kind's constant last.
        thresholds: [sensitivities, signals] in the order of `SENSITIVITIES` and of `Signal`.
        small_talk, mentions: classifiers that are trained afterwards; None during training of the
            rest.
        plain_below: a message's meaning is not computed if its spelling scores less for everything.
            During training, all are computed.
    """

    encoder: TextEncoder
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
    mentions: Mentions | None = None
    plain_below: float = 0.0

    @classmethod
    def load(cls, path: Path, encoder: Path = ENCODER) -> Model:
        """Reads the arrays; never unpickles.

        Raises:
            ModelError: a file is missing, foreign or damaged.
        """
        read = _read(encoder, Encoder.of)
        return _read(path, lambda arrays: _parse(arrays, read))

    def utterance(self, words: str, *, closely: bool = False) -> Utterance:
        """Scores one customer message. Without any letter or symbol, all scores are zero.

        Args:
            closely: computes its meaning even if its spelling shows nothing.
        """
        seen = _Seen.of(words)
        parts = self.small_talk.parts(words) if self.small_talk else []
        texts = list(dict.fromkeys((*seen.texts, *parts)))
        count = len(seen.texts)
        ids = [text.features(one) for one in texts]
        joined = Joined.of(ids)
        spelt = softmax(self.intent.logits_of(joined)[: seen.count])
        acts = sigmoid(self.acts.logits_of(joined)[:count])
        traces = self._traces(words, ids[0])
        at = [texts.index(part) for part in parts]
        maybe = self.small_talk.candidates(parts, joined, at) if self.small_talk else None
        if not closely and maybe is None and self._is_plain(spelt[:, 1:], acts, joined, count):
            if not len(ids[0]):
                return replace(SILENCE, traces=traces)
            return _utterance(seen, spelt, spelt, acts, traces, plain=True)
        vectors = self.encoder.vectors(texts if maybe else texts[:count])
        traces.vector = vectors[0].copy()  # a row would keep the vectors of all clauses
        kinds = maybe.kinds(vectors[at]) if maybe else _NO_KINDS
        if not len(ids[0]):
            return replace(SILENCE, traces=traces, kinds=kinds)
        meant = softmax(self.intent_meant.logits(vectors[: seen.count]))
        acts += sigmoid(self.acts_meant.logits(vectors[:count]))
        mentions = _NO_MENTIONS
        if self.mentions:
            mentions = self.mentions.chances(vectors[: seen.count], ids[: seen.count]).tolist()
        return _utterance(seen, spelt, meant, acts / 2, traces, kinds=kinds, mentions=mentions)

    def by_spelling(self, words: str) -> float:
        """Returns the highest score by spelling for a request, anger or a serious matter."""
        parts = dict.fromkeys((words, *text.clauses_of(text.sentences(words))))
        ids = [text.features(part) for part in parts]
        if not len(ids[0]):
            return 0.0
        return float(softmax(self.intent.logits_each(ids))[:, 1:].max())

    def spelt_reply(self, words: str) -> SpeltReply:
        """Reads the spelling of one assistant message and its sentences."""
        parts = list(dict.fromkeys((words, *text.sentences(words))))
        ids = [text.features(part) for part in parts]
        return SpeltReply(
            parts, sigmoid(self.replies.logits_each(ids)), self._traces(words, ids[0])
        )

    def reply(self, words: str, spelt: SpeltReply | None = None) -> Reply:
        """Scores one assistant message: the maximum over its sentences.

        Args:
            spelt: its spelling, if the caller has it.
        """
        spelt = spelt or self.spelt_reply(words)
        scores = spelt.scores
        if scores.max() >= self.plain_below:
            meant = self.replies_meant.logits(self.encoder.vectors(spelt.parts))
            scores = (scores + sigmoid(meant)) / 2
        offer, fallback, announcement = scores.max(axis=0).tolist()
        return Reply(offer, fallback, announcement, spelt.traces)

    def compare_by_meaning(self, messages: Sequence[Traces]) -> None:
        """Computes the meaning of messages for which it was skipped."""
        unread = [one for one in messages if one.vector is None]
        if unread:
            vectors = self.encoder.vectors([one.words for one in unread])
            for one, vector in zip(unread, vectors, strict=True):
                one.vector = vector.copy()

    def likeness(self, one: Traces, other: Traces) -> tuple[float, float]:
        """Returns two messages' similarity, each 0 to 1: in words, weighted by rarity, and in
        meaning.

        The latter is 0 if either meaning was not computed.
        """
        both = np.concatenate((one.ids, other.ids))
        both.sort()
        shared = both[:-1][both[1:] == both[:-1]]
        total = math.sqrt(one.mass * other.mass)
        in_words = self._mass(shared) / total if total else 0.0
        if one.vector is None or other.vector is None:
            return in_words, 0.0
        return in_words, min(max(0.0, float(one.vector @ other.vector)), 1.0)

    def _is_plain(self, signals: Floats, acts: Floats, texts: Joined, count: int) -> bool:
        most = self.plain_below
        if signals.max() >= most or acts.max() >= _ACTS_MAY * most:
            return False
        return self.mentions is None or not self.mentions.is_possible(texts, count)

    def _traces(self, words: str, ids: text.Ids) -> Traces:
        if len(words) > _COMPARED:
            ids = text.features(words[:_COMPARED])
        return Traces(words, ids, self._mass(ids))

    def _mass(self, ids: text.Ids) -> float:
        steps = self.rarity[ids].astype(np.float64)
        return float(steps @ steps)


@dataclass(frozen=True)
class SpeltReply:
    """An assistant message, of which only the spelling was read.

    Attributes:
        parts: the message and its sentences.
        scores: [parts, REPLIES], probabilities by spelling.
        traces: for comparing messages.
    """

    parts: list[str]
    scores: Floats
    traces: Traces

    def may_announce(self, least: float) -> bool:
        """Returns whether the message may promise an agent with this probability at least.

        The meaning counts as much as the spelling: it is at most 1, so this misses none.
        """
        return bool((self.scores[:, _ANNOUNCEMENT].max() + 1.0) / 2 >= least)


_ANNOUNCEMENT = REPLIES.index("announcement")
_NO_KINDS: frozenset[Act] = frozenset()
_NO_MENTIONS = (0.0, 0.0)
_ASKS_TWICE = 1.0
"""Sum of both readings, each 0 to 1, from which a part asks for an agent."""


@dataclass(frozen=True)
class _Seen:
    """The scored texts of a message.

    Attributes:
        texts: the message, its clauses, and its opening if different.
        count: number of texts that are parts of the message.
        opening: index of the text with an answer.
    """

    texts: list[str]
    count: int
    opening: int

    @classmethod
    def of(cls, words: str) -> _Seen:
        sentences = text.sentences(words)
        parts = list(dict.fromkeys((words, *text.clauses_of(sentences))))
        opening = text.opening_of(sentences, words)
        if opening in parts:
            return cls(parts, len(parts), parts.index(opening))
        return cls([*parts, opening], len(parts), len(parts))


def _utterance(
    seen: _Seen,
    spelt: Floats,
    meant: Floats,
    acts: Floats,
    traces: Traces,
    *,
    kinds: frozenset[Act] = _NO_KINDS,
    plain: bool = False,
    mentions: Sequence[float] = _NO_MENTIONS,
) -> Utterance:
    """Plain lists, because numpy takes longer for the few numbers of a message."""
    by_spelling, by_meaning, answers = spelt.tolist(), meant.tolist(), acts.tolist()
    both = [_sums(one, other) for one, other in zip(by_spelling, by_meaning, strict=True)]
    requests, moods = [one[1] for one in both], [one[2] for one in both]
    first = answers[seen.opening]  # an answer comes first
    many = math.log2(seen.count)
    urgent, stuck = mentions
    return Utterance(
        meant=_triple(_most(by_meaning)),
        spelt=_triple(_most(by_spelling)),
        whole=_triple([value / 2 for value in both[0]]),
        request_words=seen.texts[requests.index(max(requests))],
        sentiment_words=seen.texts[moods.index(max(moods))],
        yes=max(answers[0][0], first[0]),
        no=max(answers[0][1], first[1]),
        thanks=max(one[2] for one in answers),
        stuck=max(stuck, *(one[3] for one in answers)),
        loud=text.loudness(traces.words),
        many=many,
        traces=traces,
        asks=frozenset(
            part for part, value in zip(seen.texts, requests, strict=False) if value >= _ASKS_TWICE
        ),
        kinds=kinds,
        plain=plain,
        urgent=lowered(urgent, _LONG_COSTS * many),
    )


def _sums(one: Sequence[float], other: Sequence[float]) -> list[float]:
    return [a + b for a, b in zip(one, other, strict=True)]


def _most(rows: Sequence[Sequence[float]]) -> list[float]:
    """Returns each column's maximum."""
    return list(map(max, zip(*rows, strict=True)))


def _triple(classes: Sequence[float]) -> tuple[float, float, float]:
    _, request, sentiment, serious = classes
    return request, sentiment, serious


def _read(path: Path, parse: Callable[[dict[str, NDArray[Any]]], _Parsed]) -> _Parsed:
    try:
        return parse(read_arrays(path))
    except FileNotFoundError:
        raise ModelError(f"the detector's model file {path.name} is missing") from None
    except _BROKEN as error:
        raise ModelError(
            f"the detector's model file {path.name} is damaged; reinstall the package or "
            "train the model again"
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
        rarity=shaped(arrays["rarity"].astype(np.int8, copy=False), (1 << text.HASH_BITS,)),
        stages={
            signal.value: floats(arrays[f"stage.{signal.value}"], (sum(kinds) + len(kinds),))
            for signal, kinds in KINDS.items()
        },
        thresholds=floats(arrays["thresholds"], (len(SENSITIVITIES), len(Signal))),
        small_talk=SmallTalk.of(arrays, encoder),
        mentions=Mentions.of(arrays, len(SENSITIVITIES)),
        plain_below=PLAIN_BELOW,
    )
