"""The stand-ins' journal: every request and response, to wait for, to read, and to store in a file."""

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

Who = Literal["slack", "twilio", "openai", "zendesk", "webhook", "shop", "mcp"]
Direction = Literal["in", "out"]

UNANSWERED = 0
"""The status of an exchange without a response."""

_SECRETS = frozenset({"token", "client_secret", "refresh_token"})


@dataclass(frozen=True)
class Entry:
    """One exchange: `in` for a request of the bot to a stand-in, `out` for one of a stand-in to the bot.

    Attributes:
        at: seconds since the epoch, when the response was known.
        who: the vendor.
        path: without the query.
        request, response: parsed JSON or form; text; or {"bytes": size}. Never headers, never tokens.
        status: HTTP status, 0 without a response; `response` is then the response that a request which
            took effect would have had, or None.
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
    """All exchanges in the order in which they ended; thread-safe.

    Args:
        file: also append each entry to this file, as one JSON line.
        limit: how many entries are kept in memory; the oldest are dropped.
    """

    def __init__(self, file: Path | None = None, limit: int = 200_000) -> None:
        self._entries: deque[Entry] = deque(maxlen=limit)
        self._total = 0
        self._changed = threading.Condition()
        self._file = file.open("a", encoding="utf-8") if file else None

    def add(self, entry: Entry) -> None:
        """Adds an exchange."""
        with self._changed:
            self._entries.append(entry)
            self._total += 1
            if self._file:
                self._file.write(json.dumps(vars(entry), ensure_ascii=False) + "\n")
                self._file.flush()
            self._changed.notify_all()

    def entries(self, who: Who | None = None, path: str | None = None) -> list[Entry]:
        """Returns the entries, oldest first; `path` may be a shell pattern."""
        with self._changed:
            everything = list(self._entries)
        return [
            entry
            for entry in everything
            if (who is None or entry.who == who) and (path is None or fnmatchcase(entry.path, path))
        ]

    @property
    def total(self) -> int:
        """The number of all exchanges; entries are numbered from 1."""
        return self._total

    def after(self, number: int, limit: int) -> list[tuple[int, Entry]]:
        """Returns the kept entries after this number, each with its number, oldest first."""
        with self._changed:
            first = self._total - len(self._entries) + 1
            begin = max(number + 1, first)
            found = list(islice(self._entries, begin - first, begin - first + limit))
        return list(enumerate(found, begin))

    def wait_for(self, predicate: Callable[[Entry], bool], timeout: float) -> Entry:
        """Returns the first past or future entry that matches the predicate.

        Raises:
            TimeoutError: none within `timeout` seconds.
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
        """Closes the file, if there is one."""
        if self._file:
            self._file.close()

    def _since(self, seen: int) -> list[Entry]:
        """Returns the kept entries after the first `seen`."""
        return list(islice(reversed(self._entries), self._total - seen))[::-1]


def readable(content_type: str, body: bytes) -> Any:
    """Returns a body as the journal shows it: parsed JSON or form, text, or {"bytes": size}."""
    kind = content_type.partition(";")[0].strip().lower()
    with suppress(ValueError, RecursionError):
        if kind == "application/json":
            return json.loads(body)
        if kind == "application/x-www-form-urlencoded":
            return _form(body.decode())
        if kind.startswith("text/"):
            return body.decode()
    return {"bytes": len(body)} if body else ""


def _form(body: str) -> dict[str, str | list[str]]:
    """Returns fields by name; repeated fields as a list."""
    fields: dict[str, str | list[str]] = {}
    for name, value in parse_qsl(body, keep_blank_values=True):
        before = fields.get(name)
        if before is None:
            fields[name] = value
        else:
            fields[name] = [*(before if isinstance(before, list) else [before]), value]
    return fields


def without_secrets(request: Any) -> Any:
    """Returns a request without its secrets."""
    if not isinstance(request, dict) or _SECRETS.isdisjoint(request):
        return request
    return {name: value for name, value in request.items() if name not in _SECRETS}
