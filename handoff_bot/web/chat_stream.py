"""Changes of a visitor's conversation as a stream of events or a poll, and the thread that wakes both."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from handoff_bot.domain.customers import Cursor, Look, VisitorFile, VisitorLine, VisitorState
from handoff_bot.domain.events import OF_ESCALATIONS
from handoff_bot.domain.messages import Author
from handoff_bot.domain.web_requests import network
from handoff_bot.services.delivery.outbound_files import address
from handoff_bot.services.visitors import Visitors
from handoff_bot.storage import visitors
from handoff_bot.storage.database import Database
from handoff_bot.storage.visitors import Happening
from handoff_bot.web.files import AgentPhotos

logger = logging.getLogger(__name__)

# -- what waits, and the thread that wakes it
# The event log is the trigger: every change that a visitor can see has a log entry. One thread
# reads the end of the log while anyone waits, so it does not matter which process made the change.

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


# -- the stream and the poll

HEARTBEAT = 20.0
"""Seconds after which an idle stream sends a heartbeat, which also detects a closed page."""
SILENT_BEATS = 3
"""Heartbeats after which a stream checks without a hint, because hints can be lost. One while
queued, because the wait estimate changes with time.
"""
LONGEST_STREAM = 900.0
"""In seconds; then the widget reconnects and renews its session if needed."""
LONGEST_POLL = 25.0
"""Maximum wait of a poll in seconds."""
_AUTHORS = {Author.CONTACT: "visitor"}


class Streams:
    """Creates streams and polls. They wait in their generator, after the view has returned."""

    def __init__(self, visitors: Visitors, watchers: Watchers, photos: AgentPhotos) -> None:
        self.visitors = visitors
        self.photos = photos
        self._watchers = watchers

    def stream(
        self, address: str, cursor: Cursor, client: str = ""
    ) -> tuple[contextlib.ExitStack, Iterator[str]]:
        """Returns server-sent events until the visitor leaves or reconnects, and the slot to
        release.

        Args:
            client: the visitor's internet address.

        Raises:
            Full: no slot is free; raised before the first iteration.
        """
        room = contextlib.ExitStack()
        watch = room.enter_context(self._watchers.watch(address, client))
        return room, self._stream(watch, cursor)

    def _stream(self, watch: Watch, cursor: Cursor) -> Iterator[str]:
        until = time.monotonic() + LONGEST_STREAM
        shown: VisitorState | None = None
        yield ":\n\n"
        while not watch.is_closed and time.monotonic() < until:
            look = self.visitors.look(watch.address, cursor)
            watch.is_queued = look.state.position is not None
            yield "".join(self._events(look, shown))
            cursor, shown = look.cursor, look.state
            patience = 1 if watch.is_queued else SILENT_BEATS
            while look.is_all and patience and not watch.wait(HEARTBEAT) and not watch.is_closed:
                yield ":\n\n"
                patience -= 1

    def poll(
        self, address: str, cursor: Cursor, tag: str, wait: float, client: str = ""
    ) -> Iterator[str]:
        """Yields one JSON response, possibly late: `{"cursor", "events"}`.

        Args:
            tag: of the state shown on the page, "" for none; a different one is a change.
            wait: in seconds; does not wait if no slot is free.
            client: the visitor's internet address.
        """
        look = self.visitors.look(address, cursor)
        if not look.lines and self._tag(look.state) == tag and wait > 0:
            with contextlib.suppress(Full), self._watchers.watch(address, client) as watch:
                look = self._wait(watch, cursor, tag, wait)
        events = [{"event": "message", "data": self._message(line)} for line in look.lines]
        events.append({"event": "state", "data": self._state(look.state)})
        cursor_and_tag = f"{look.cursor}~{self._tag(look.state)}"
        yield json.dumps({"cursor": cursor_and_tag, "events": events})

    def _wait(self, watch: Watch, cursor: Cursor, tag: str, wait: float) -> Look:
        """Reads until there is a change, because wake-ups can be spurious."""
        until = time.monotonic() + wait
        while True:
            look = self.visitors.look(watch.address, cursor)
            watch.is_queued = look.state.position is not None
            if (
                look.lines
                or self._tag(look.state) != tag
                or not watch.wait(until - time.monotonic())
            ):
                return look

    def _events(self, look: Look, shown: VisitorState | None) -> Iterator[str]:
        for line in look.lines:
            data = json.dumps(self._message(line))
            yield f"id: {line.cursor}\nevent: message\ndata: {data}\n\n"
        if look.state != shown:
            yield f"event: state\ndata: {json.dumps(self._state(look.state))}\n\n"

    def _message(self, line: VisitorLine) -> dict[str, Any]:
        return {
            "key": str(line.order),
            "order": line.order,
            "cid": line.provider_id.rpartition("/")[2] or None,
            "oid": line.oid or None,
            "author": _AUTHORS.get(line.author, line.author.value),
            "name": line.name or None,
            "photo": self._photo(line.agent_id),
            "text": line.text,
            "files": [_file(file) for file in line.files],
            "at": line.at.isoformat(),
        } | ({"choices": list(line.choices)} if line.choices else {})

    def _state(self, state: VisitorState) -> dict[str, Any]:
        said = asdict(state)
        return said | {
            "agent": state.agent or None,
            "agent_photo": self._photo(said.pop("agent_id")),
        }

    def _photo(self, agent_id: int | None) -> str | None:
        return self.photos.path(agent_id) if agent_id is not None else None

    def _tag(self, state: VisitorState) -> str:
        return hashlib.sha256(json.dumps(self._state(state)).encode()).hexdigest()[:8]


def _file(file: VisitorFile) -> dict[str, str | None]:
    """Returns the file's path on our own host, or none if it is no longer stored."""
    url = address(file.token, file.name).removeprefix("/") if file.token else None
    return {"url": url, "name": file.name, "type": file.content_type}
