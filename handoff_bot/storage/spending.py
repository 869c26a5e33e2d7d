"""Language model usage by day and contact."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select

from handoff_bot.domain.spending import Usage
from handoff_bot.storage.models import Spent
from handoff_bot.storage.transaction import Transaction, table_of

ALL = 0
"""Stands for the total of all contacts."""

SPENT = table_of(Spent)


def add(tx: Transaction, day: str, contact_id: int, usage: Usage, micros: int) -> None:
    insert = sqlite.insert if tx.core.dialect.name == "sqlite" else postgresql.insert
    row = {
        "calls": 1,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "micros": micros,
    }
    added = {name: SPENT.c[name] + value for name, value in row.items()}
    statement = insert(SPENT).values(day=day, contact_id=contact_id, **row)
    tx.core.execute(
        statement.on_conflict_do_update(index_elements=["day", "contact_id"], set_=added)
    )


def micros(tx: Transaction, day: str, contact_id: int) -> int:
    """Returns the spending of a day for a contact, or for `ALL`."""
    found = select(col(Spent.micros)).where(Spent.day == day, Spent.contact_id == contact_id)
    return tx.session.execute(found).scalar_one_or_none() or 0


def days(tx: Transaction, most: int) -> Sequence[Spent]:
    """Returns the newest days with calls in total, newest first."""
    found = select(Spent).where(Spent.contact_id == ALL).order_by(col(Spent.day).desc())
    return list(tx.session.execute(found.limit(most)).scalars())
