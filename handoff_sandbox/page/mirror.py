"""What every window of the page sees: the world as keys with values, and whatever changes of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

Values = dict[str, Any]

LOOK_EVERY = 0.15
"""Seconds between two looks at the world."""
HEARTBEAT = 15.0
"""Seconds after which a silent window hears that we live."""


class Listener:
    """One window: what has changed since it was told last. Bounded: a key is held once."""

    def __init__(self) -> None:
        self._pending: set[str] = set()
        self._changed = threading.Condition()
        self._is_closed = False

    def add(self, keys: set[str]) -> None:
        """These have changed."""
        with self._changed:
            self._pending |= keys
            self._changed.notify()

    def close(self) -> None:
        """Nothing more will come."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def take(self, timeout: float) -> set[str] | None:
        """What has changed, waited for; None when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._is_closed, timeout)
            if self._is_closed:
                return None
            taken, self._pending = self._pending, set()
            return taken


class Mirror:
    """Looks at the world now and then, and tells all windows what is different.

    Args:
        look: gives all keys and values, JSON; called from one thread.
    """

    def __init__(self, look: Callable[[], Values]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._texts: dict[str, str] = {}
        self._revision = 0
        self._listeners: set[Listener] = set()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mirror", daemon=True)

    def start(self) -> Mirror:
        """Begin to look; returns itself."""
        self.refresh()
        self._thread.start()
        return self

    def stop(self) -> None:
        """End it, and every stream."""
        self._ending.set()
        self._thread.join()
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.close()

    def refresh(self) -> None:
        """Look now."""
        texts = {key: json.dumps(value) for key, value in self._look().items()}
        with self._lock:
            keys = texts.keys() | self._texts.keys()
            changed = {key for key in keys if texts.get(key) != self._texts.get(key)}
            self._texts = texts
            if not changed:
                return
            self._revision += 1
            listeners = list(self._listeners)
        for listener in listeners:
            listener.add(changed)

    def state(self) -> str:
        """Everything, as the JSON object {revision, values}."""
        with self._lock:
            return f'{{"revision": {self._revision}, "values": {_object(self._texts)}}}'

    def stream(self) -> Iterator[str]:
        """Server-sent events: everything, then what changes."""
        listener = Listener()
        with self._lock:
            self._listeners.add(listener)
            listener.add(set(self._texts))
        try:
            while (keys := listener.take(HEARTBEAT)) is not None:
                yield self._event(keys) if keys else ":\n\n"
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def _event(self, keys: set[str]) -> str:
        with self._lock:
            news = {key: self._texts.get(key, "null") for key in keys}
            revision = self._revision
        return f"id: {revision}\nevent: values\ndata: {_object(news)}\n\n"

    def _run(self) -> None:
        while not self._ending.wait(LOOK_EVERY):
            self.refresh()


def _object(texts: dict[str, str]) -> str:
    """A JSON object of values that are JSON already."""
    return "{" + ", ".join(f"{json.dumps(key)}: {text}" for key, text in texts.items()) + "}"
