"""The state that every window of the page shows: keys with values, and their changes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

Values = dict[str, Any]

LOOK_EVERY = 0.15
"""Seconds between two updates."""
HEARTBEAT = 15.0
"""Seconds after which an idle stream gets a heartbeat."""


class Listener:
    """One window: the changes since its last update. Bounded: each key is held once."""

    def __init__(self) -> None:
        self._pending: set[str] = set()
        self._changed = threading.Condition()
        self._is_closed = False

    def add(self, keys: set[str]) -> None:
        """Adds changed keys."""
        with self._changed:
            self._pending |= keys
            self._changed.notify()

    def close(self) -> None:
        """Ends the stream."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def take(self, timeout: float) -> set[str] | None:
        """Waits for changes and returns them; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._is_closed, timeout)
            if self._is_closed:
                return None
            taken, self._pending = self._pending, set()
            return taken


class Mirror:
    """Polls the state, and sends changes to all windows.

    Args:
        look: returns all keys and values, as JSON; called from one thread.
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
        """Starts polling; returns itself."""
        self.refresh()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stops polling, and ends every stream."""
        self._ending.set()
        self._thread.join()
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.close()

    def refresh(self) -> None:
        """Polls now."""
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
        """Returns everything, as the JSON object {revision, values}."""
        with self._lock:
            return f'{{"revision": {self._revision}, "values": {_object(self._texts)}}}'

    def stream(self) -> Iterator[str]:
        """Server-sent events: everything, then changes."""
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
    """Returns a JSON object of values that are JSON already."""
    return "{" + ", ".join(f"{json.dumps(key)}: {text}" for key, text in texts.items()) + "}"
