"""Counters shared by all processes: limits per period, and language model usage by day and contact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select

from handoff_bot.domain.escalations import Quota
from handoff_bot.domain.language_models import Usage
from handoff_bot.storage.models import Spent, Tally
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import Transaction, delete_some, table_of

# -- limits: one row per limit and period

TALLY = table_of(Tally)


def _count(insert: Any) -> Any:
    """Adds to a counter unless it would exceed the limit; a missing row counts as 0."""
    statement = insert(TALLY).values(
        key=bindparam("window"), used=bindparam("amount"), ends_at=bindparam("end")
    )
    total = TALLY.c.used + statement.excluded.used
    return statement.on_conflict_do_update(
        index_elements=[TALLY.c.key], set_={"used": total}, where=total <= bindparam("most")
    ).returning(TALLY.c.key)


_COUNT = {True: Prepared(_count(sqlite.insert)), False: Prepared(_count(postgresql.insert))}


def take(tx: Transaction, quotas: Mapping[str, Quota], now: datetime, amount: int = 1) -> str:
    """Counts the amount against all of these limits, or against none.

    The counters stay locked until commit, in one order everywhere, so that there is no deadlock.

    Returns:
        "" if all had room, otherwise the first that had none.
    """
    attempt = tx.core.begin_nested()
    for name, quota in sorted(quotas.items()):
        if amount > quota.most or not _has_room(tx, name, quota, now, amount):
            attempt.rollback()
            return name
    attempt.commit()
    return ""


def _has_room(tx: Transaction, name: str, quota: Quota, now: datetime, amount: int) -> bool:
    values = {
        "window": f"{name}/{quota.window(now)}",
        "amount": amount,
        "end": quota.ends(now),
        "most": quota.most,
    }
    return _COUNT[tx.is_sqlite].first(tx.core, values) is not None


def prune(tx: Transaction, now: datetime, limit: int) -> int:
    """Deletes at most `limit` past periods; returns how many."""
    return delete_some(tx, TALLY, limit, TALLY.c.ends_at < now)


# -- language model usage

ALL_CONTACTS = 0
"""Stands for the total of all contacts."""

SPENT = table_of(Spent)


def add_usage(tx: Transaction, day: str, contact_id: int, usage: Usage, micros: int) -> None:
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


def prune_usage(tx: Transaction, before: datetime, limit: int) -> int:
    """Deletes at most `limit` rows of contacts' usage on earlier days, which no cap looks at; returns
    how many. Totals stay.
    """
    past = (SPENT.c.day < f"{before:%Y-%m-%d}", SPENT.c.contact_id != ALL_CONTACTS)
    return delete_some(tx, SPENT, limit, *past)


def spent_micros(tx: Transaction, day: str, contact_id: int) -> int:
    """Returns the spending of a day for a contact, or for `ALL`."""
    found = select(col(Spent.micros)).where(Spent.day == day, Spent.contact_id == contact_id)
    return tx.session.execute(found).scalar_one_or_none() or 0


def spent_by_day(tx: Transaction, most: int) -> Sequence[Spent]:
    """Returns the newest days with calls in total, newest first."""
    found = select(Spent).where(Spent.contact_id == ALL_CONTACTS).order_by(col(Spent.day).desc())
    return list(tx.session.execute(found.limit(most)).scalars())
