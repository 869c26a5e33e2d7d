"""Questions and changes about attachments: files in our own keeping, each under an unguessable token."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import col, select

from handoff_bot.domain.files import File
from handoff_bot.storage.desk_models import Attachment
from handoff_bot.storage.transaction import Transaction, table_of

ATTACHMENT = table_of(Attachment)
OURS = "attachment:"
"""Begins the address of a file that is in our own keeping."""


def new_token() -> str:
    """A name that nobody can guess."""
    return secrets.token_urlsafe(24)


def add(
    tx: Transaction,
    token: str,
    file: File,
    conversation_id: int,
    message_id: int | None,
    now: datetime,
) -> None:
    """Keep a file; the same token again changes nothing."""
    if by_token(tx, token) is None:
        tx.add(
            Attachment(
                token=token,
                conversation_id=conversation_id,
                message_id=message_id,
                name=file.name,
                content_type=file.content_type,
                size=len(file.data),
                data=file.data,
                created_at=now,
            )
        )


def by_token(tx: Transaction, token: str) -> Attachment | None:
    """The file with this token."""
    found = select(Attachment).where(Attachment.token == token)
    return tx.session.execute(found).scalar_one_or_none()


def file_at(tx: Transaction, url: str) -> File | None:
    """The file at an address of our own; None for every other address, and when it is gone."""
    if not url.startswith(OURS):
        return None
    found = by_token(tx, url.removeprefix(OURS))
    return File(found.name, found.content_type, found.data) if found else None


def kept(tx: Transaction, tokens: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Which of these are here: token -> name and content type, without their bytes."""
    found = tx.session.execute(
        select(ATTACHMENT.c.token, ATTACHMENT.c.name, ATTACHMENT.c.content_type).where(
            ATTACHMENT.c.token.in_(list(tokens))
        )
    )
    return {token: (name, content_type) for token, name, content_type in found}


def offer(tx: Transaction, token: str, now: datetime) -> None:
    """Its address is given out now."""
    tx.session.execute(update(ATTACHMENT).where(ATTACHMENT.c.token == token).values(offered_at=now))


def prune(tx: Transaction, before: datetime) -> int:
    """Delete what was kept before then; says how many went."""
    gone = tx.session.execute(delete(ATTACHMENT).where(col(Attachment.created_at) < before))
    return int(getattr(gone, "rowcount", 0))
