"""Lanes started by a thread that will run them itself, because switching threads costs time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from handoff_bot.jobs.job import Slot
from handoff_bot.storage.transaction import Transaction


class StartedLanes:
    """The lanes started by this thread's commits. It runs the last one itself."""

    def lease_next(self, tx: Transaction, queue: str) -> Slot | None:
        """Returns a lane of the same queue that waits for a thread, if known."""
        return None

    def start(self) -> None:
        """Lets other threads run them, because this one is busy."""

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Same as `start`, also for lanes started during a provider call."""
        yield


class ThreadLanes(StartedLanes):
    """By thread: the lanes it has started and will run after its own."""

    def __init__(
        self,
        start: Callable[[Slot], None],
        lease: Callable[[Transaction, str], Slot | None],
    ) -> None:
        self._start = start
        self._lease = lease
        self._local = threading.local()

    @property
    def _slots(self) -> list[Slot] | None:
        slots: list[Slot] | None = getattr(self._local, "slots", None)
        return slots

    @contextmanager
    def kept(self) -> Iterator[None]:
        """While active, this thread runs lanes."""
        self._local.slots = []
        try:
            yield
        finally:
            self.start()
            self._local.slots = None

    def keep(self, slot: Slot) -> bool:
        """Returns False if this thread cannot run it."""
        slots = self._slots
        if slots is None:
            return False
        slots.append(slot)
        return True

    def lease_next(self, tx: Transaction, queue: str) -> Slot | None:
        return None if self._slots is None else self._lease(tx, queue)

    def last(self) -> Slot | None:
        """Returns one lane for this thread and starts the others."""
        slots = self._slots
        slot = slots.pop() if slots else None
        self.start()
        return slot

    def start(self) -> None:
        while self._slots:
            self._start(self._slots.pop(0))

    @contextmanager
    def calling(self) -> Iterator[None]:
        self.start()
        slots, self._local.slots = self._slots, None
        try:
            yield
        finally:
            self._local.slots = slots
