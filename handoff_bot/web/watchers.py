"""Waiting streams and polls, and the thread that wakes them.

The event log is the trigger: every change that a visitor can see has a log entry. One thread reads
the end of the log while anyone waits, so it does not matter which process made the change.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator

from handoff_bot.domain.events import OF_ESCALATIONS
from handoff_bot.domain.networks import network
from handoff_bot.storage import visitors
from handoff_bot.storage.database import Database
from handoff_bot.storage.visitors import Happening

logger = logging.getLogger(__name__)

LOOK_EVERY = 0.2
"""Seconds between two reads of the log while anyone waits."""
QUEUE_EVERY = 2.0
"""Seconds between two wake-ups of queued visitors: their position changes with every claim."""
TROUBLE = 2.0
"""Seconds to wait when the database does not respond."""
PATIENCE = 5.0
"""Seconds for which a skipped entry may still be committed."""
BEFORE = 100
"""Number of entries before the end of the log that a reader starts with."""
MOST = 1000
"""Entries per read."""
PER_VISITOR = 20
"""Streams per visitor: browser tabs, and closed pages that still get a heartbeat."""


PER_ADDRESS = 100
"""Streams and waiting polls per internet address; further polls do not wait."""


class Full(Exception):
    """No slot for another stream or poll."""


class Watch:
    """One waiting stream or poll. Set `is_queued` while a queue position is shown."""

    def __init__(self, address: str, client: str = "") -> None:
        self.address = address
        self.client = client
        self.is_queued = False
        self.is_closed = False
        self._news = threading.Event()

    def wake(self) -> None:
        self._news.set()

    def close(self) -> None:
        self.is_closed = True
        self._news.set()

    def wait(self, timeout: float) -> bool:
        """Waits for a change; False on a timeout. A change since the last read counts."""
        woken = self._news.wait(timeout)
        self._news.clear()
        return woken and not self.is_closed


class Watchers:
    """All streams and polls of this process, at most `limit`; each has its own thread.

    Args:
        channel: the kind of the watched channel.
    """

    def __init__(self, database: Database, channel: str, limit: int) -> None:
        self._database = database
        self._channel = channel
        self._limit = limit
        self._watches: set[Watch] = set()
        self._of_visitor: Counter[str] = Counter()
        self._of_client: Counter[str] = Counter()
        self._most_of_client = max(PER_VISITOR, min(PER_ADDRESS, limit // 2))
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._somebody = threading.Event()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def watch(self, address: str, client: str = "") -> Iterator[Watch]:
        """Watches a visitor's conversation.

        Args:
            client: the visitor's internet address, "" if unknown.

        Raises:
            Full: too many streams in this process, for this visitor, or from this address.
        """
        watch = Watch(address, network(client))
        self._enter(watch)
        try:
            yield watch
        finally:
            self._leave(watch)

    def count(self) -> int:
        """Returns the number of streams and polls of this process."""
        with self._lock:
            return len(self._watches)

    def wake(self, address: str) -> None:
        """Wakes this visitor's streams without waiting for the log."""
        with self._lock:
            found = [watch for watch in self._watches if watch.address == address]
        for watch in found:
            watch.wake()

    def close(self) -> None:
        """Closes all and refuses new ones."""
        self._closing.set()
        self._somebody.set()
        with self._lock:
            watches = list(self._watches)
        for watch in watches:
            watch.close()
        if self._thread:
            self._thread.join()

    def _has_room(self, watch: Watch) -> bool:
        full = (
            len(self._watches) >= self._limit
            or self._of_visitor[watch.address] >= PER_VISITOR
            or (watch.client and self._of_client[watch.client] >= self._most_of_client)
        )
        return not (full or self._closing.is_set())

    def _enter(self, watch: Watch) -> None:
        with self._lock:
            if not self._has_room(watch):
                raise Full
            self._watches.add(watch)
            self._of_visitor[watch.address] += 1
            self._of_client[watch.client] += 1
            self._somebody.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watchers", daemon=True)
                self._thread.start()

    def _leave(self, watch: Watch) -> None:
        with self._lock:
            self._watches.discard(watch)
            for counts, key in (
                (self._of_visitor, watch.address),
                (self._of_client, watch.client),
            ):
                counts[key] -= 1
                if not counts[key]:
                    del counts[key]
            if not (self._watches or self._closing.is_set()):
                self._somebody.clear()

    # -- the thread

    def _run(self) -> None:
        tail: _Tail | None = None
        while not self._closing.is_set():
            if not self._somebody.is_set():
                tail = None
                self._somebody.wait()
            try:
                if tail is None:
                    tail = _Tail(self._database)
                    self._wake_all()  # entries before the start are not watched
                self._tell(tail.read(), tail)
            except Exception:  # on any database error: the streams must survive it
                logger.exception("the log cannot be read")
                tail = None
                self._closing.wait(TROUBLE)
            self._closing.wait(LOOK_EVERY)

    def _wake_all(self) -> None:
        with self._lock:
            watches = list(self._watches)
        for watch in watches:
            watch.wake()

    def _tell(self, news: list[Happening], tail: _Tail) -> None:
        ours = {line.address for line in news if line.channel == self._channel}
        queue_changed = tail.queue_changed(news)
        if not (ours or queue_changed):
            return
        with self._lock:
            watches = list(self._watches)
        for watch in watches:
            if watch.address in ours or (queue_changed and watch.is_queued):
                watch.wake()


class _Tail:
    """The end of the log.

    On PostgreSQL, an entry can be committed after one with a higher number: skipped numbers are
    queried again for a while.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.read() as tx:
            # From a little before the end: entries being written there may be committed later.
            self._last = max(0, visitors.last_event(tx) - BEFORE)
        self._missing: dict[int, float] = {}
        self._moved = False
        self._told_queue_at = 0.0

    def read(self) -> list[Happening]:
        """Returns the unread entries."""
        with self._database.read() as tx:
            fresh = visitors.events_after(tx, self._last, MOST)
            late = visitors.events_among(tx, list(self._missing)) if self._missing else []
        now = time.monotonic()
        self._missing = {number: until for number, until in self._missing.items() if until > now}
        if fresh:
            self._pass_over(fresh, now + PATIENCE)
        for line in late:
            self._missing.pop(line.id, None)
        return [*late, *fresh]

    def _pass_over(self, fresh: list[Happening], until: float) -> None:
        there = {line.id for line in fresh}
        newest = fresh[-1].id
        gaps = set(range(max(self._last + 1, newest - MOST), newest)) - there
        self._missing |= dict.fromkeys(gaps, until)
        self._last = newest

    def queue_changed(self, news: list[Happening]) -> bool:
        """Returns whether the queue changed and queued visitors are due for a wake-up."""
        self._moved |= any(line.kind.startswith(OF_ESCALATIONS) for line in news)
        now = time.monotonic()
        if not self._moved or now - self._told_queue_at < QUEUE_EVERY:
            return False
        self._moved, self._told_queue_at = False, now
        return True
