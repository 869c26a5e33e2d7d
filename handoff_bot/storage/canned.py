"""Queries for canned replies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from handoff_bot.storage.models import Canned
from handoff_bot.storage.transaction import Transaction

MOST = 2000
"""Maximum number of replies, and of rows searched."""


def every(tx: Transaction) -> Sequence[Canned]:
    found = select(Canned).order_by(col(Canned.name), col(Canned.language)).limit(MOST)
    return list(tx.session.execute(found).scalars())


def called(tx: Transaction, name: str) -> Sequence[Canned]:
    """Returns a reply in all its languages."""
    return list(tx.session.execute(select(Canned).where(Canned.name == name)).scalars())


def count(tx: Transaction) -> int:
    return tx.session.execute(select(func.count()).select_from(Canned)).scalar_one()


def keep(tx: Transaction, row: Canned, **values: Any) -> bool:
    """Stores a new or changed row; False if its name and language are taken, even concurrently."""
    tx.flush()
    try:
        with tx.core.begin_nested():  # the session's own would not cover statements on `core`
            if row.id:
                tx.set(row, **values)
            else:
                tx.add(row.sqlmodel_update(values))
    except IntegrityError:
        return False
    return True
