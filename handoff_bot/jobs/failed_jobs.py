"""Questions and changes about jobs that were given up, for operators."""

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
    """One job that failed for good; `payload` may hold what a customer wrote."""

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
    """The jobs that were given up and not dealt with, newest first."""
    found = select(*_COLUMNS).where(_FAILED).order_by(WORK.c.id.desc()).limit(limit)
    return [GivenUp(*row) for row in tx.core.execute(found)]


def find(tx: Transaction, job_id: int) -> GivenUp | None:
    """A job that was given up and not dealt with."""
    row = tx.core.execute(select(*_COLUMNS).where(WORK.c.id == job_id, _FAILED)).first()
    return GivenUp(*row) if row else None


def get(tx: Transaction, job_id: int) -> GivenUp | None:
    """The same, held until commit."""
    found = select(*_COLUMNS).where(WORK.c.id == job_id, _FAILED).with_for_update()
    row = tx.core.execute(found).first()
    return GivenUp(*row) if row else None


def settle(tx: Transaction, kind: str, now: datetime, **payload: int) -> None:
    """Dismiss the jobs of this kind and payload that were given up: another has done what they were to do."""
    fits = [WORK.c.payload[name].as_integer() == value for name, value in payload.items()]
    tx.core.execute(
        update(WORK)
        .where(_FAILED, WORK.c.kind == kind, *fits)
        .values(status="dismissed", finished_at=now)
    )


def settle_lane(tx: Transaction, kind: str, lane: str, now: datetime) -> None:
    """The same for those in a lane where only the latest state matters."""
    tx.core.execute(
        update(WORK)
        .where(_FAILED, WORK.c.kind == kind, WORK.c.lane == lane)
        .values(status="dismissed", finished_at=now)
    )


def ready(tx: Transaction, job: GivenUp, payload: dict[str, Any], now: datetime) -> None:
    """Run it again in its lane, before what waits there. What its provider did is asked first, if unknown."""
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
    """Leave it undone; it is pruned like jobs that are done."""
    changed = update(WORK).where(WORK.c.id == job.id)
    tx.core.execute(changed.values(status="dismissed", finished_at=now))
