"""Caches of message scores and of texts' vectors between the messages of a conversation."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np

from handoff_bot.ai.detector.encoder import DIMENSIONS, TextEncoder, Vectors

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


_KEPT, _KEPT_LENGTH = 128, 400
"""At most 0.3 MB of vectors. A longer text is hardly ever read twice."""


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
