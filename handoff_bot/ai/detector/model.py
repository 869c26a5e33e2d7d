"""The trained arrays: loading, and scoring single messages."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from handoff_bot.ai.detector import text
from handoff_bot.ai.detector.encoder import Encoder, TextEncoder, Vectors
from handoff_bot.ai.detector.heads import (
    Arrays,
    Bytes,
    Floats,
    Head,
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
from handoff_bot.domain.signals import Signal

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
        features = cache(text.features)
        ids = [features(one) for one in seen.texts]
        spelt = softmax(self.intent.logits_each(ids[: seen.count]))
        acts = sigmoid(self.acts.logits_each(ids))
        traces = self._traces(words, ids[0])
        maybe = self.small_talk.candidates(words, features) if self.small_talk else None
        if not closely and maybe is None and self._is_plain(spelt[:, 1:], acts, ids):
            found = _utterance(seen, spelt, spelt, acts, traces)
            return replace(found, plain=True) if len(ids[0]) else replace(SILENCE, traces=traces)
        vectors = self._meanings([*seen.texts, *(maybe.parts if maybe else ())])
        traces.vector = vectors[0].copy()  # a row would keep the vectors of all clauses
        kinds = maybe.kinds(vectors[len(seen.texts) :]) if maybe else frozenset()
        if not len(ids[0]):
            return replace(SILENCE, traces=traces, kinds=kinds)
        meant = softmax(self.intent_meant.logits(vectors[: seen.count]))
        acts += sigmoid(self.acts_meant.logits(vectors[: len(seen.texts)]))
        found = replace(_utterance(seen, spelt, meant, acts / 2, traces), kinds=kinds)
        return self._with_mentions(found, vectors[: seen.count], ids[: seen.count])

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

    def _is_plain(self, signals: Floats, acts: Floats, ids: Sequence[text.Ids]) -> bool:
        most = self.plain_below
        if signals.max() >= most or acts.max() >= _ACTS_MAY * most:
            return False
        return self.mentions is None or not self.mentions.is_possible(ids)

    def _with_mentions(
        self, one: Utterance, vectors: Vectors, ids: Sequence[text.Ids]
    ) -> Utterance:
        if self.mentions is None:
            return one
        urgent, stuck = self.mentions.chances(vectors, ids).tolist()
        return replace(
            one, stuck=max(one.stuck, stuck), urgent=lowered(urgent, _LONG_COSTS * one.many)
        )

    def _meanings(self, texts: Sequence[str]) -> Vectors:
        """Returns the texts' vectors; repeated texts are computed once."""
        each = {words: place for place, words in enumerate(dict.fromkeys(texts))}
        return self.encoder.vectors(list(each))[[each[words] for words in texts]]

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
    seen: _Seen, spelt: Floats, meant: Floats, acts: Floats, traces: Traces
) -> Utterance:
    both = spelt + meant
    yes, no, _, _ = acts[[0, seen.opening]].max(axis=0).tolist()  # an answer comes first
    _, _, thanks, stuck = acts.max(axis=0).tolist()
    return Utterance(
        meant=_triple(meant.max(axis=0)),
        spelt=_triple(spelt.max(axis=0)),
        whole=_triple(both[0] / 2),
        request_words=seen.texts[int(both[:, 1].argmax())],
        sentiment_words=seen.texts[int(both[:, 2].argmax())],
        yes=yes,
        no=no,
        thanks=thanks,
        stuck=stuck,
        loud=text.loudness(traces.words),
        many=math.log2(seen.count),
        traces=traces,
        asks=frozenset(seen.texts[at] for at in (both[:, 1] >= _ASKS_TWICE).nonzero()[0]),
    )


def _triple(classes: Floats) -> tuple[float, float, float]:
    _, request, sentiment, serious = classes.tolist()
    return request, sentiment, serious


def _read(path: Path, parse: Callable[[dict[str, NDArray[Any]]], _Parsed]) -> _Parsed:
    try:
        # Opened here, because numpy leaves a file open that turns out not to be an archive.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            return parse({name: file[name] for name in file.files})
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
        rarity=shaped(arrays["rarity"].astype(np.int8), (1 << text.HASH_BITS,)),
        stages={
            signal.value: floats(arrays[f"stage.{signal.value}"], (sum(kinds) + len(kinds),))
            for signal, kinds in KINDS.items()
        },
        thresholds=floats(arrays["thresholds"], (len(SENSITIVITIES), len(Signal))),
        small_talk=SmallTalk.of(arrays, encoder),
        mentions=Mentions.of(arrays, len(SENSITIVITIES)),
        plain_below=PLAIN_BELOW,
    )
