"""The lanes that one thread has started and is going to run itself: a switch of threads costs time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from handoff_bot.jobs.job import Slot
from handoff_bot.storage.transaction import Transaction


class StartedLanes:
    """The lanes that were started by what this thread has committed. It runs the last one itself."""

    def lease_next(self, tx: Transaction, queue: str) -> Slot | None:
        """A lane of the same queue to go on with, if one is known to wait for a thread."""
        return None

    def start(self) -> None:
        """Let other threads run them: this one has something else to do."""

    @contextmanager
    def calling(self) -> Iterator[None]:
        """The same, also for what is started while a provider is being called."""
        yield


class ThreadLanes(StartedLanes):
    """By thread: the lanes that it has started and is going to run when it has run its own."""

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
        """In here this thread runs lanes."""
        self._local.slots = []
        try:
            yield
        finally:
            self.start()
            self._local.slots = None

    def keep(self, slot: Slot) -> bool:
        """False when this thread cannot run it."""
        slots = self._slots
        if slots is None:
            return False
        slots.append(slot)
        return True

    def lease_next(self, tx: Transaction, queue: str) -> Slot | None:
        return None if self._slots is None else self._lease(tx, queue)

    def last(self) -> Slot | None:
        """One for this thread; the others are started."""
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
