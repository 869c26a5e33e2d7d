"""Queries and changes of failed jobs, for operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from handoff_bot.jobs.enqueuing import enqueuer_of
from handoff_bot.jobs.tables import WORK
from handoff_bot.storage.transaction import Transaction

_COLUMNS = (
    WORK.c.id,
    WORK.c.kind,
    WORK.c.lane,
    WORK.c.payload,
    WORK.c.status,
    WORK.c.first_due_at,
    WORK.c.finished_at,
    WORK.c.attempts,
    WORK.c.error,
)
_FAILED = WORK.c.status == "failed"


@dataclass(frozen=True)
class GivenUp:
    """One failed job; `payload` may contain customer text."""

    id: int
    kind: str
    lane: str
    payload: dict[str, Any]
    status: str
    first_due_at: datetime
    finished_at: datetime | None
    attempts: int
    error: str


def given_up(tx: Transaction, limit: int) -> Sequence[GivenUp]:
    """Returns the open failed jobs, newest first."""
    found = select(*_COLUMNS).where(_FAILED).order_by(WORK.c.id.desc()).limit(limit)
    return [GivenUp(*row) for row in tx.core.execute(found)]


def find(tx: Transaction, job_id: int) -> GivenUp | None:
    """Returns an open failed job."""
    row = tx.core.execute(select(*_COLUMNS).where(WORK.c.id == job_id, _FAILED)).first()
    return GivenUp(*row) if row else None


def get(tx: Transaction, job_id: int) -> GivenUp | None:
    """Same as `find`, locked until commit."""
    found = select(*_COLUMNS).where(WORK.c.id == job_id, _FAILED).with_for_update()
    row = tx.core.execute(found).first()
    return GivenUp(*row) if row else None


def settle(tx: Transaction, kind: str, now: datetime, **payload: int) -> None:
    """Dismisses failed jobs of this kind and payload, because another job has done their work."""
    fits = [WORK.c.payload[name].as_integer() == value for name, value in payload.items()]
    tx.core.execute(
        update(WORK)
        .where(_FAILED, WORK.c.kind == kind, *fits)
        .values(status="dismissed", finished_at=now)
    )


def settle_lane(tx: Transaction, kind: str, lane: str, now: datetime) -> None:
    """Same for a lane where only the latest state matters."""
    tx.core.execute(
        update(WORK)
        .where(_FAILED, WORK.c.kind == kind, WORK.c.lane == lane)
        .values(status="dismissed", finished_at=now)
    )


def ready(tx: Transaction, job: GivenUp, payload: dict[str, Any], now: datetime) -> None:
    """Retries a job before the other jobs of its lane. If the call's outcome is unknown, the
    provider is asked first.
    """
    enqueuer_of(tx).wake(job.lane, now)
    tx.core.execute(
        update(WORK)
        .where(WORK.c.id == job.id)
        .values(
            status="ready",
            payload=payload,
            due_at=now,
            first_due_at=now,
            finished_at=None,
            attempts=0,
        )
    )


def dismiss(tx: Transaction, job: GivenUp, now: datetime) -> None:
    """Dismisses a job; it is pruned like a done job."""
    changed = update(WORK).where(WORK.c.id == job.id)
    tx.core.execute(changed.values(status="dismissed", finished_at=now))
