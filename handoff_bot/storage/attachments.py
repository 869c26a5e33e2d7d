"""Stored files, each under an unguessable token."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import func, update
from sqlmodel import select

from handoff_bot.domain.files import File
from handoff_bot.storage.models import Attachment
from handoff_bot.storage.sealed import UnreadableBytes
from handoff_bot.storage.transaction import Transaction, delete_some, table_of

ATTACHMENT = table_of(Attachment)
OURS = "attachment:"
"""URL prefix of a stored file."""


def new_token() -> str:
    """Returns an unguessable token."""
    return secrets.token_urlsafe(24)


def add(
    tx: Transaction,
    token: str,
    file: File,
    conversation_id: int,
    message_id: int | None,
    now: datetime,
    received_as: str = "",
) -> None:
    """Stores a file; repeating a token changes nothing."""
    if not kept(tx, [token]):
        new = Attachment(
            token=token,
            conversation_id=conversation_id,
            message_id=message_id,
            name=file.name,
            content_type=file.content_type,
            size=len(file.data),
            data=file.data,
            created_at=now,
            received_as=received_as,
        )
        tx.add_unless_known(new, "token")


def by_token(tx: Transaction, token: str) -> Attachment | None:
    found = select(Attachment).where(Attachment.token == token)
    return tx.session.execute(found).scalar_one_or_none()


@dataclass(frozen=True)
class Described:
    """A file without its bytes."""

    id: int
    conversation_id: int
    name: str
    content_type: str
    size: int
    offered_at: datetime | None


def described(tx: Transaction, token: str) -> Described | None:
    names = [field.name for field in fields(Described)]
    found = select(*(ATTACHMENT.c[name] for name in names)).where(ATTACHMENT.c.token == token)
    row = tx.session.execute(found).one_or_none()
    return Described(*row) if row else None


def piece(tx: Transaction, number: int, offset: int, size: int) -> bytes:
    """Returns a chunk of a file; b"" beyond its end, if it is gone or cannot be decrypted.

    With keys, it is all of the rest: a sealed file can only be opened whole.
    """
    if tx.keyring:
        whole = select(ATTACHMENT.c.data).where(ATTACHMENT.c.id == number)
        return bytes(tx.session.execute(whole).scalar_one_or_none() or b"")[offset:]
    if tx.is_sqlite:
        return _piece_of_blob(tx, number, offset, size)
    # PostgreSQL only reads the pages of the slice.
    part = func.substr(ATTACHMENT.c.data, offset + 1, size)
    found = tx.session.execute(select(part).where(ATTACHMENT.c.id == number)).scalar_one_or_none()
    return bytes(found or b"")


def _piece_of_blob(tx: Transaction, number: int, offset: int, size: int) -> bytes:
    # SQLite's substr() would load the whole blob for each chunk.
    driver: Any = tx.session.connection().connection.driver_connection
    try:
        with driver.blobopen("attachment", "data", number, readonly=True) as blob:
            blob.seek(offset)
            part: bytes = blob.read(size)
            return part
    except sqlite3.OperationalError:  # the row no longer exists
        return b""


def received(tx: Transaction, name: str) -> tuple[str, File] | None:
    """Returns token and file received under this name, or None if there is none to read."""
    found = select(Attachment).where(Attachment.received_as == name).limit(1)
    row = tx.session.execute(found).scalar_one_or_none()
    if row and isinstance(row.data, UnreadableBytes):
        return None
    return (row.token, File(row.name, row.content_type, row.data)) if row else None


def file_at(tx: Transaction, url: str) -> File | None:
    """Returns the file at one of our own URLs; None for other URLs, or if it is gone or unreadable."""
    if not url.startswith(OURS):
        return None
    found = by_token(tx, url.removeprefix(OURS))
    if found is None or isinstance(found.data, UnreadableBytes):
        return None
    return File(found.name, found.content_type, found.data)


def kept(tx: Transaction, tokens: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Returns the stored ones: token -> name and content type, without bytes."""
    found = tx.session.execute(
        select(ATTACHMENT.c.token, ATTACHMENT.c.name, ATTACHMENT.c.content_type).where(
            ATTACHMENT.c.token.in_(list(tokens))
        )
    )
    return {token: (name, content_type) for token, name, content_type in found}


def offer(tx: Transaction, token: str, now: datetime) -> None:
    """Records that the file's URL is handed out now."""
    tx.session.execute(update(ATTACHMENT).where(ATTACHMENT.c.token == token).values(offered_at=now))


def prune(tx: Transaction, before: datetime, limit: int) -> int:
    """Deletes at most `limit` files stored before then; returns how many."""
    return delete_some(tx, ATTACHMENT, limit, ATTACHMENT.c.created_at < before)
