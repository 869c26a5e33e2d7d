"""State of language models: one row each, shared by all processes."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import func, update
from sqlalchemy.dialects import postgresql, sqlite

from handoff_bot.domain.language_models import ModelHealth, Trouble
from handoff_bot.storage.models import ModelState
from handoff_bot.storage.transaction import Transaction, table_of

STATE = table_of(ModelState)


def of(tx: Transaction, model: str) -> ModelHealth:
    """Returns a model's state; empty for a model that was never used."""
    row = tx.session.get(ModelState, model, populate_existing=True)
    if row is None:
        return ModelHealth()
    return ModelHealth(
        answered_at=row.answered_at,
        failing_since=row.failing_since,
        failures=row.failures,
        trouble=_trouble(row.trouble),
        detail=row.detail,
        is_told=row.told_at is not None,
        shutdown=date.fromisoformat(row.shutdown) if row.shutdown else None,
        looked_at=row.looked_at,
    )


def _trouble(kept: str) -> Trouble | None:
    try:
        return Trouble(kept)
    except ValueError:  # "", or written by a later version
        return None


def failed(tx: Transaction, model: str, trouble: Trouble, detail: str, now: datetime) -> None:
    """Counts a failure."""
    since = func.coalesce(STATE.c.failing_since, now)
    _set(
        tx,
        model,
        failures=STATE.c.failures + 1,
        failing_since=since,
        trouble=trouble.value,
        detail=detail,
    )


def answered(tx: Transaction, model: str, now: datetime) -> bool:
    """Records a success and ends the failures; True if admins must be told of the recovery."""
    known = update(STATE).where(STATE.c.model == model, STATE.c.told_at.is_not(None))
    is_back = tx.core.execute(known.values(told_at=None)).rowcount == 1
    _set(tx, model, answered_at=now, failures=0, failing_since=None)
    return is_back


def told(tx: Transaction, model: str, now: datetime) -> bool:
    """Records that admins were told; False if they already were."""
    untold = update(STATE).where(STATE.c.model == model, STATE.c.told_at.is_(None))
    return tx.core.execute(untold.values(told_at=now)).rowcount == 1


def looked(tx: Transaction, model: str, shutdown: date | None, now: datetime) -> None:
    """Stores the shutdown date given by the provider."""
    _set(tx, model, shutdown=shutdown.isoformat() if shutdown else "", looked_at=now)


def _set(tx: Transaction, model: str, **values: object) -> None:
    insert = sqlite.insert if tx.core.dialect.name == "sqlite" else postgresql.insert
    empty = {"failures": 0, "trouble": "", "detail": "", "shutdown": ""}
    tx.core.execute(insert(STATE).values(model=model, **empty).on_conflict_do_nothing())
    tx.core.execute(update(STATE).where(STATE.c.model == model).values(**values))
