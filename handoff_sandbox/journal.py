"""The stand-ins' journal: every request and answer, to wait for, to look at, to keep as a file."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl

Who = Literal["slack", "twilio", "openai", "zendesk", "webhook"]
Direction = Literal["in", "out"]

UNANSWERED = 0
"""The status of an exchange that never got an answer."""

_SECRETS = frozenset({"token", "client_secret", "refresh_token"})


@dataclass(frozen=True)
class Entry:
    """One exchange: `in` for what the bot asked a stand-in, `out` for what a stand-in sent to the bot.

    Attributes:
        at: seconds since the epoch, when the answer was known.
        who: whose stand-in.
        path: the path alone.
        request, response: parsed JSON or form; text; or {"bytes": size}. Never headers, never tokens.
        status: HTTP status, 0 when no answer was given or received; `response` then is what would have
            been the answer to a request that took effect, or None.
    """

    at: float
    who: Who
    direction: Direction
    method: str
    path: str
    request: Any
    status: int
    response: Any


class Journal:
    """Every exchange in the order in which it ended; safe to use from any thread.

    Args:
        file: also append each entry as one JSON line here.
        limit: how many entries to keep in memory; the oldest go first.
    """

    def __init__(self, file: Path | None = None, limit: int = 200_000) -> None:
        self._entries: deque[Entry] = deque(maxlen=limit)
        self._total = 0
        self._changed = threading.Condition()
        self._file = file.open("a", encoding="utf-8") if file else None

    def add(self, entry: Entry) -> None:
        """Write one exchange down."""
        with self._changed:
            self._entries.append(entry)
            self._total += 1
            if self._file:
                self._file.write(json.dumps(vars(entry), ensure_ascii=False) + "\n")
                self._file.flush()
            self._changed.notify_all()

    def entries(self, who: Who | None = None, path: str | None = None) -> list[Entry]:
        """What happened so far, oldest first; `path` may be a pattern as in a shell."""
        with self._changed:
            everything = list(self._entries)
        return [
            entry
            for entry in everything
            if (who is None or entry.who == who) and (path is None or fnmatchcase(entry.path, path))
        ]

    @property
    def total(self) -> int:
        """How much has happened; entries are numbered from 1."""
        return self._total

    def after(self, number: int, limit: int) -> list[tuple[int, Entry]]:
        """The next entries after this number that are kept, each with its own, oldest first."""
        with self._changed:
            first = self._total - len(self._entries) + 1
            begin = max(number + 1, first)
            found = list(islice(self._entries, begin - first, begin - first + limit))
        return list(enumerate(found, begin))

    def wait_for(self, predicate: Callable[[Entry], bool], timeout: float) -> Entry:
        """The first entry, past or coming, for which the predicate holds.

        Raises:
            TimeoutError: none came within `timeout` seconds.
        """
        until = time.monotonic() + timeout
        seen = 0
        with self._changed:
            while True:
                found = next(filter(predicate, self._since(seen)), None)
                if found:
                    return found
                seen = self._total
                if not self._changed.wait(until - time.monotonic()):
                    raise TimeoutError(f"no such entry within {timeout} s")

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file:
            self._file.close()

    def _since(self, seen: int) -> list[Entry]:
        """Entries after the first `seen`, as far as they are kept."""
        return list(islice(reversed(self._entries), self._total - seen))[::-1]


def readable(content_type: str, body: bytes) -> Any:
    """A body as the journal shows it: parsed JSON or form, text, or {"bytes": size}."""
    kind = content_type.partition(";")[0].strip().lower()
    with suppress(ValueError):
        if kind == "application/json":
            return json.loads(body)
        if kind == "application/x-www-form-urlencoded":
            return _form(body.decode())
        if kind.startswith("text/"):
            return body.decode()
    return {"bytes": len(body)} if body else ""


def _form(body: str) -> dict[str, str | list[str]]:
    """Fields by name; those that repeat as a list."""
    fields: dict[str, str | list[str]] = {}
    for name, value in parse_qsl(body, keep_blank_values=True):
        before = fields.get(name)
        if before is None:
            fields[name] = value
        else:
            fields[name] = [*(before if isinstance(before, list) else [before]), value]
    return fields


def without_secrets(request: Any) -> Any:
    """A request as the journal may keep it."""
    if not isinstance(request, dict) or _SECRETS.isdisjoint(request):
        return request
    return {name: value for name, value in request.items() if name not in _SECRETS}
