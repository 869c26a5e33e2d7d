"""Changes of a visitor's conversation as a stream of events, or as the response to a poll."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from handoff_bot.domain.messages import Author
from handoff_bot.domain.visitors import Cursor, Look, VisitorFile, VisitorLine, VisitorState
from handoff_bot.services.delivery.outbound_files import address
from handoff_bot.services.visitors import Visitors
from handoff_bot.web.photos import AgentPhotos
from handoff_bot.web.watchers import Full, Watch, Watchers

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
