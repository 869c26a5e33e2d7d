"""Cache of message scores between the messages of a conversation."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

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
