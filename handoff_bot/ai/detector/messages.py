"""Scores of single messages, and their caches between the messages of a conversation."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from handoff_bot.ai.detector.encoder import DIMENSIONS, TextEncoder, Vectors
from handoff_bot.ai.detector.text import Ids
from handoff_bot.domain.signals import Act

# -- scores


@dataclass
class Traces:
    """Data for comparing messages.

    Attributes:
        words: the message.
        ids: sorted features.
        mass: their total weight, rare ones weigh more.
        vector: the unit embedding; None until first needed. Threads may fill it in concurrently,
            because they compute the same.
    """

    words: str
    ids: Ids
    mass: float
    vector: Vectors | None = None


@dataclass(frozen=True)
class Utterance:
    """Scores of one customer message; every score is a probability.

    Attributes:
        meant: by meaning: request, sentiment, serious; the maximum over the message and its
            clauses.
        spelt: same by characters and words.
        whole: same of both together, for the whole message.
        request_words, sentiment_words: the clause with the highest score. Hostile text.
        asks: the parts that ask for an agent.
        yes, no, thanks: kind of short answer.
        stuck: says that the assistant's answer has not helped.
        loud: from 0 to 1, capitals and exclamation marks.
        many: logarithm (base 2) of the number of clauses.
        traces: for comparing messages.
        kinds: kinds of small talk; empty if it has other content.
        plain: its spelling shows so little that its meaning was not computed.
        urgent: mentions danger, health, fraud or the law.
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
    kinds: frozenset[Act] = frozenset()
    plain: bool = False
    asks: frozenset[str] = frozenset()
    urgent: float = 0.0

    @property
    def request(self) -> float:
        """Returns the score of asking for an agent."""
        return (self.meant[0] + self.spelt[0]) / 2

    @property
    def sentiment(self) -> float:
        """Returns the score of anger or despair."""
        return (self.meant[1] + self.spelt[1]) / 2


@dataclass(frozen=True)
class Reply:
    """Scores of one assistant message: offers an agent, does not know, promises an agent."""

    offer: float
    fallback: float
    announcement: float
    traces: Traces


_NOTHING = (0.0, 0.0, 0.0)
SILENCE = Utterance(
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
    traces=Traces("", np.empty(0, dtype=np.int32), 0.0),
)
"""A message without any letter or symbol."""


# -- caches

_Found = TypeVar("_Found")

_MOST_TEXTS = 1024
_MOST_CHARACTERS = 1_000_000
"""A single text may be huge, so the number of texts does not bound the memory."""


class Memory(Generic[_Found]):
    """Caches a function's results for recently used texts. Thread-safe."""

    def __init__(
        self, make: Callable[[str], _Found], most: int = _MOST_TEXTS, room: int = _MOST_CHARACTERS
    ) -> None:
        """Takes the function, and the maximum number of texts and characters."""
        self._make = make
        self._most = most
        self._room = room
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Found] = OrderedDict()
        self._characters = 0

    def __len__(self) -> int:
        return len(self._known)

    def __call__(self, words: str) -> _Found:
        with self._lock:
            if words in self._known:
                self._known.move_to_end(words)
                return self._known[words]
        # Unlocked, so that no message waits for another; two threads may compute the same.
        found = self._make(words)
        with self._lock:
            if words not in self._known:
                self._known[words] = found
                self._characters += len(words)
            while len(self._known) > self._most or self._characters > self._room:
                self._characters -= len(self._known.popitem(last=False)[0])
        return found


_KEPT, _KEPT_LENGTH = 512, 400
"""At most 1.1 MB of vectors; a question is about ten words, which others have too. A longer text is
hardly ever read twice.
"""


class RecentMeanings:
    """An encoder that keeps the vectors of recent texts. Thread-safe.

    The detector, the search and the comparison of messages read the same texts.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Vectors] = OrderedDict()

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Returns [texts, DIMENSIONS]; those that are not known are read together."""
        each = dict.fromkeys(texts)
        with self._lock:
            found = {words: self._known[words] for words in each if words in self._known}
            for words in found:
                self._known.move_to_end(words)
        new = [words for words in each if words not in found]
        if new:
            read = dict(zip(new, self._encoder.vectors(new), strict=True))
            found |= read
            self._keep(read)
        if not found:
            return np.empty((0, DIMENSIONS), dtype=np.float32)
        return np.stack([found[words] for words in texts])

    def _keep(self, read: dict[str, Vectors]) -> None:
        with self._lock:
            for words, vector in read.items():
                if len(words) <= _KEPT_LENGTH:
                    self._known[words] = vector.copy()  # a row would keep the whole array
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
