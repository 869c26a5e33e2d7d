"""Queries about the backlog of jobs, for health pages and alarms."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import case, func, select

from handoff_bot.jobs.tables import LANE, WORK
from handoff_bot.storage.transaction import Transaction


@dataclass(frozen=True)
class QueueLoad:
    """Backlog of one queue.

    `ours_due_at` excludes lanes that wait for a provider's rate limit.
    """

    waiting: int
    oldest_due_at: datetime | None
    ours_due_at: datetime | None = None


@dataclass(frozen=True)
class Load:
    """Backlog of all lanes; `parked` counts failed jobs."""

    queues: dict[str, QueueLoad] = field(default_factory=dict)
    parked: int = 0


_OURS_DUE_AT = case((LANE.c.waits_for.is_(None), LANE.c.due_at))


def load(tx: Transaction) -> Load:
    """Returns the backlog for the health page."""
    rows = tx.core.execute(
        select(LANE.c.family, func.count(), func.min(LANE.c.due_at), func.min(_OURS_DUE_AT))
        .where(LANE.c.due_at.is_not(None))
        .group_by(LANE.c.family)
    ).all()
    parked = tx.core.execute(
        select(func.count()).select_from(WORK).where(WORK.c.status == "failed")
    ).scalar_one()
    return Load({queue: QueueLoad(*behind) for queue, *behind in rows}, parked)


@dataclass(frozen=True)
class Late:
    """The overdue first job of a lane, with the error of its last try."""

    work_id: int
    lane: str
    error: str


def late(tx: Transaction, queue: str, due_before: datetime) -> list[Late]:
    """Returns the first job of each lane of a queue that is stuck on a job which failed at least
    once.
    """
    first = (
        select(func.min(WORK.c.id).label("id"))
        .where(WORK.c.status == "ready", WORK.c.lane.startswith(f"{queue}:"))
        .group_by(WORK.c.lane)
        .subquery()
    )
    found = tx.core.execute(
        select(WORK.c.id, WORK.c.lane, WORK.c.error)
        .join(first, first.c.id == WORK.c.id)
        .where(WORK.c.first_due_at < due_before, WORK.c.attempts > 0)
    )
    return [Late(*row) for row in found]
