"""Queries and changes of rate-limit budgets and of the lanes that wait for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, exists, func, select, update

from handoff_bot.domain.errors import LeaseLost
from handoff_bot.jobs.leases import IS_UNHELD, new_grant
from handoff_bot.jobs.tables import LANE, RATE_LIMIT
from handoff_bot.storage.transaction import DIALECTS, Transaction

_THIS = RATE_LIMIT.c.key == bindparam("budget")
_FREE_AT = select(RATE_LIMIT.c.free_at).where(_THIS).with_for_update()
_ROOM = select(
    RATE_LIMIT.c.free_at, exists().where(LANE.c.waits_for == RATE_LIMIT.c.key).label("is_awaited")
).where(_THIS)
_KEEP = update(RATE_LIMIT).where(_THIS).values(free_at=bindparam("at"))
_COUNT = (
    update(RATE_LIMIT)
    .where(_THIS)
    .values(limited=RATE_LIMIT.c.limited + 1, limited_at=bindparam("now"))
)
_IS_AWAITED = select(exists().where(LANE.c.waits_for == bindparam("budget")))
_AWAITED = (
    select(LANE.c.waits_for, func.min(LANE.c.due_at).label("due_at"), RATE_LIMIT.c.free_at)
    .outerjoin(RATE_LIMIT, RATE_LIMIT.c.key == LANE.c.waits_for)
    .where(LANE.c.waits_for.is_not(None), LANE.c.due_at.is_not(None), IS_UNHELD)
    .group_by(LANE.c.waits_for, RATE_LIMIT.c.free_at)
)
_RANK = case((LANE.c.turn_by <= bindparam("now"), 0), else_=LANE.c.rank)
_NEXT = (
    select(LANE.c.key, LANE.c.family)
    .where(
        LANE.c.waits_for == bindparam("budget"),
        LANE.c.due_at <= bindparam("now"),
        LANE.c.family.in_(bindparam("families", expanding=True)),
        IS_UNHELD,
    )
    .order_by(_RANK, LANE.c.due_at, LANE.c.key)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(LANE)
    .where(LANE.c.key == bindparam("lane"))
    .values(leased_by=bindparam("worker"), grant=bindparam("token"), waits_for=None)
)
_WAIT = (
    update(LANE)
    .where(and_(LANE.c.key == bindparam("lane"), LANE.c.grant == bindparam("token")))
    .values(
        leased_by=None,
        grant=None,
        due_at=bindparam("due"),
        waits_for=bindparam("budget"),
        rank=bindparam("place"),
        turn_by=bindparam("latest"),
    )
)


def _new(insert: Any) -> Any:
    return insert(RATE_LIMIT).on_conflict_do_nothing(index_elements=[RATE_LIMIT.c.key])


_NEW = {on_sqlite: _new(insert) for on_sqlite, insert in DIALECTS.items()}


def free_at(tx: Transaction, budget: str, now: datetime) -> datetime:
    """Returns a budget's state and locks it until commit, so that only one process uses it at a time."""
    found: datetime | None = tx.core.execute(_FREE_AT, {"budget": budget}).scalar()
    if found is not None:
        return found
    tx.core.execute(_NEW[tx.is_sqlite], {"key": budget, "free_at": now, "limited": 0})
    made: datetime = tx.core.execute(_FREE_AT, {"budget": budget}).scalar_one()
    return made


def room(tx: Transaction, budget: str, now: datetime) -> tuple[datetime, bool]:
    """Same as `free_at`, plus whether any lane waits for the budget."""
    if tx.is_sqlite:  # elsewhere the row is locked before lanes are read
        found = tx.core.execute(_ROOM, {"budget": budget}).first()
        if found is not None:
            return found.free_at, bool(found.is_awaited)
    return free_at(tx, budget, now), is_awaited(tx, budget)


def keep(tx: Transaction, budget: str, at: datetime) -> None:
    """Stores the budget's new state."""
    tx.core.execute(_KEEP, {"budget": budget, "at": at})


def count_refusal(tx: Transaction, budget: str, now: datetime) -> None:
    """Counts a rate-limit response of the provider."""
    tx.core.execute(_COUNT, {"budget": budget, "now": now})


def is_awaited(tx: Transaction, budget: str) -> bool:
    """Returns whether any lane waits for the budget."""
    return bool(tx.core.execute(_IS_AWAITED, {"budget": budget}).scalar())


@dataclass(frozen=True)
class Awaited:
    """A budget that lanes wait for: their due time and the budget's state."""

    budget: str
    due_at: datetime
    free_at: datetime | None


def awaited(tx: Transaction, now: datetime, worker: str = "") -> Sequence[Awaited]:
    """Returns all budgets with waiting lanes that this worker could lease."""
    return [Awaited(*row) for row in tx.core.execute(_AWAITED, {"now": now, "worker": worker})]


def next_lanes(
    tx: Transaction,
    budget: str,
    queues: Sequence[str],
    now: datetime,
    most: int,
    worker: str = "",
) -> Sequence[tuple[str, str]]:
    """Returns the next lanes that this worker may lease, with their queues."""
    values = {"budget": budget, "families": list(queues), "now": now, "most": most}
    found = tx.core.execute(_NEXT, values | {"worker": worker})
    return [(row.key, row.family) for row in found]


def take(tx: Transaction, lane: str, worker: str) -> str:
    """Leases a waiting lane; returns the token of the lease."""
    grant = new_grant()
    tx.core.execute(_TAKE, {"lane": lane, "worker": worker, "token": grant})
    return grant


def wait(
    tx: Transaction,
    lane: str,
    grant: str,
    due_at: datetime,
    budget: str,
    rank: int,
    turn_by: datetime | None,
) -> None:
    """Releases a lane until its turn.

    Raises:
        LeaseLost: it is no longer leased under this grant.
    """
    values = {"lane": lane, "token": grant, "due": due_at, "budget": budget}
    done = tx.core.execute(_WAIT, values | {"place": rank, "latest": turn_by})
    if not getattr(done, "rowcount", 0):
        raise LeaseLost(lane)


def prune(tx: Transaction, now: datetime, keep: timedelta) -> None:
    """Deletes budgets that were unused for this long and never refused."""
    tx.core.execute(
        delete(RATE_LIMIT).where(RATE_LIMIT.c.free_at < now - keep, RATE_LIMIT.c.limited == 0)
    )


@dataclass(frozen=True)
class Refusals:
    """Rate-limit responses: how many, when last, and until when calls pause."""

    budget: str
    count: int
    last_at: datetime
    free_at: datetime


def refusals(tx: Transaction) -> Sequence[Refusals]:
    found = select(
        RATE_LIMIT.c.key, RATE_LIMIT.c.limited, RATE_LIMIT.c.limited_at, RATE_LIMIT.c.free_at
    )
    rows = tx.core.execute(found.where(RATE_LIMIT.c.limited > 0).order_by(RATE_LIMIT.c.key))
    return [Refusals(*row) for row in rows]
