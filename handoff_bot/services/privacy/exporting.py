"""Exports everything stored about a contact: JSON, a page to read, and the files beside them.

Contains no tokens: a stored file is named by its place in the export.
"""

from __future__ import annotations

import json
import mimetypes
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from handoff_bot.domain.errors import DeliveryError, HandoffError
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.messages import Media
from handoff_bot.domain.text import many
from handoff_bot.ports import Channel, Clock
from handoff_bot.storage import contacts, log
from handoff_bot.storage.database import Database

NO_CHANNELS: Mapping[str, Channel] = {}
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
NOT_EMPTY = "{folder} exists and is not empty. Choose another folder with --to."
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 80
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "td,th{border:1px solid #ccc;padding:.2em .5em;text-align:left;vertical-align:top}"
    "table{border-collapse:collapse;font-size:14px}time{color:#666}li{margin:.5em 0}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""A browser runs nothing on the page and fetches nothing for it."""


class Exporting:
    """Writes exports into folders that only our own user may read."""

    def __init__(
        self, database: Database, clock: Clock, channels: Mapping[str, Channel] = NO_CHANNELS
    ) -> None:
        self._database = database
        self._clock = clock
        self._channels = channels

    def write(self, contact_id: int, folder: Path, by: str) -> list[str]:
        """Writes the export; returns the names of its files.

        Raises:
            HandoffError: the folder is not empty.
        """
        _prepare(folder)
        with self._database.read() as tx:
            rows = contacts.exported(tx, contact_id)
            stored = contacts.tokens(tx, contact_id)
        names = {token: f"files/{number}-{safe_name(name)}" for token, number, name in stored}
        names |= self._fetch(rows, folder)
        shown: Rows = {
            table: [_named(row, names) for row in found] for table, found in rows.items()
        }
        _save(folder / "contact.json", json.dumps(shown, indent=2, ensure_ascii=False).encode())
        _save(folder / "index.html", page(contact_id, shown, sorted(names.values())).encode())
        for token, number, _ in stored:
            with self._database.read() as tx:
                _save(folder / names[token], contacts.content(tx, number))
        with self._database.write() as tx:
            what = f"contact {contact_id}"
            log.record(tx, EventKind.CONTACT_EXPORTED, self._clock.now(), by=by, what=what)
        return ["contact.json", "index.html", *sorted(names.values())]

    def _fetch(self, rows: Rows, folder: Path) -> dict[str, str]:
        """Fetches customers' files from the channels' providers; returns their places by URL.

        A file that its provider no longer has is named by its URL.
        """
        names: dict[str, str] = {}
        for message in rows.get("message", ()):
            channel = self._channels.get(str(message["channel"]))
            if channel is None:
                continue
            for number, one in enumerate(message["media"]):
                url, content_type = str(one.get("url", "")), str(one.get("content_type", ""))
                try:
                    fetched = channel.fetch(Media(url, content_type))
                except DeliveryError:
                    continue
                suffix = mimetypes.guess_extension(fetched.content_type) or ""
                names[url] = f"files/message-{message['id']}-{number}{suffix}"
                _save(folder / names[url], fetched.data)
        return names


def safe_name(name: str) -> str:
    """Returns a customer's file name as one that is harmless in any folder and shell."""
    return _UNSAFE.sub("_", name)[-_LONGEST_NAME:].lstrip(".-") or "file"


def _prepare(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise HandoffError(NOT_EMPTY.format(folder=folder))
    (folder / "files").mkdir(mode=0o700)


def _save(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _named(value: Any, names: Mapping[str, str]) -> Any:
    """Returns a value for JSON, with the place of each file instead of its token."""
    if isinstance(value, Mapping):
        return {name: _named(one, names) for name, one in value.items()}
    if isinstance(value, list):
        return [_named(one, names) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        for token, name in names.items():
            value = value.replace(token, name)
    return value


def page(contact_id: int, rows: Rows, files: Sequence[str]) -> str:
    """Returns the page. Everything a customer or agent wrote is escaped."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>Contact {contact_id}</title><style>{_STYLE}</style></head><body>",
            f"<h1>Contact {contact_id}</h1>",
            *_said(rows),
            *_list_of_files(files),
            *_tables(rows),
            "</body></html>",
        ]
    )


def _said(rows: Rows) -> Iterator[str]:
    lines = [*rows.get("message", ()), *({**one, "author": "note"} for one in rows.get("note", ()))]
    yield f"<h2>{many(len(lines), 'message')} and notes</h2><ul>"
    for one in sorted(lines, key=lambda line: str(line["created_at"])):
        who = _SPEAKERS.get(str(one["author"]), str(one["author"]))
        yield (
            f"<li><time>{escape(str(one['created_at']))}</time> <b>{escape(who)}</b><br>"
            f"{escape(str(one['text'])).replace(chr(10), '<br>')}</li>"
        )
    yield "</ul>"


_SPEAKERS = {
    "contact": "Customer",
    "assistant": "Assistant (AI)",
    "agent": "Agent",
    "system": "Automatic message",
    "note": "Note by an agent",
}


def _list_of_files(files: Sequence[str]) -> Iterator[str]:
    yield f"<h2>{many(len(files), 'file')}</h2><ul>"
    yield from (f'<li><a href="{escape(one)}" download>{escape(one)}</a></li>' for one in files)
    yield "</ul>"


def _tables(rows: Rows) -> Iterator[str]:
    for table, found in rows.items():
        if not found:
            continue
        columns = list(found[0])
        yield f"<h2>{escape(table)}</h2><table><tr>"
        yield from (f"<th>{escape(one)}</th>" for one in columns)
        yield "</tr>"
        for row in found:
            yield "<tr>"
            yield from (f"<td>{escape(_cell(row[one]))}</td>" for one in columns)
            yield "</tr>"
        yield "</table>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
