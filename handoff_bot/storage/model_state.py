"""How a language model is: one row for each, which all processes write and read."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import func, update
from sqlalchemy.dialects import postgresql, sqlite

from handoff_bot.domain.model_health import ModelHealth, Trouble
from handoff_bot.storage.models import ModelState
from handoff_bot.storage.transaction import Transaction, table_of

STATE = table_of(ModelState)


def of(tx: Transaction, model: str) -> ModelHealth:
    """How it is; nothing is known of a model that was never asked."""
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
    except ValueError:  # "", or of a later version
        return None


def failed(tx: Transaction, model: str, trouble: Trouble, detail: str, now: datetime) -> None:
    """Count a failure."""
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
    """It answered: the failures before that are over; True for the one who ends what admins were told of."""
    known = update(STATE).where(STATE.c.model == model, STATE.c.told_at.is_not(None))
    is_back = tx.core.execute(known.values(told_at=None)).rowcount == 1
    _set(tx, model, answered_at=now, failures=0, failing_since=None)
    return is_back


def told(tx: Transaction, model: str, now: datetime) -> bool:
    """Remember that the admins were told; False when they have been told already."""
    untold = update(STATE).where(STATE.c.model == model, STATE.c.told_at.is_(None))
    return tx.core.execute(untold.values(told_at=now)).rowcount == 1


def looked(tx: Transaction, model: str, shutdown: date | None, now: datetime) -> None:
    """Keep what the provider said of the day on which it is switched off."""
    _set(tx, model, shutdown=shutdown.isoformat() if shutdown else "", looked_at=now)


def _set(tx: Transaction, model: str, **values: object) -> None:
    insert = sqlite.insert if tx.core.dialect.name == "sqlite" else postgresql.insert
    empty = {"failures": 0, "trouble": "", "detail": "", "shutdown": ""}
    tx.core.execute(insert(STATE).values(model=model, **empty).on_conflict_do_nothing())
    tx.core.execute(update(STATE).where(STATE.c.model == model).values(**values))
