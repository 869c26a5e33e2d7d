"""Questions and changes about lanes: lease, next row, done, again later, parked."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, func, or_, select, update

from handoff_bot.domain.errors import LeaseLost
from handoff_bot.storage.models import Worker
from handoff_bot.storage.transaction import (
    DIALECTS,
    LANE,
    WORK,
    Job,
    NewJob,
    Transaction,
    table_of,
)

WORKER = table_of(Worker)
ALONE = "refused together with others"
"""The error of a row that is to be tried alone."""


@dataclass(frozen=True)
class FamilyLoad:
    """How far one family of lanes is behind.

    `ours_due_at` leaves out the lanes that wait for their turn under a provider's limits.
    """

    waiting: int
    oldest_due_at: datetime | None
    ours_due_at: datetime | None = None


@dataclass(frozen=True)
class Load:
    """How far all lanes are behind; `parked` counts rows given up as failed."""

    families: dict[str, FamilyLoad] = field(default_factory=dict)
    parked: int = 0


# Statements are built once: building one costs SQLAlchemy about as much as running it.

_ALIVE = select(WORKER.c.id).where(WORKER.c.alive_until > bindparam("now"))
IS_UNHELD = or_(
    LANE.c.leased_by.is_(None),
    and_(LANE.c.leased_by != bindparam("worker"), LANE.c.leased_by.not_in(_ALIVE)),
)
"""No live worker holds the lane. To itself a worker is always alive: its own threads may only be late."""
_IS_FREE = and_(IS_UNHELD, LANE.c.waits_for.is_(None))
_JOB = (
    WORK.c.id,
    WORK.c.lane,
    WORK.c.kind,
    WORK.c.payload,
    WORK.c.attempts,
    WORK.c.due_at,
    WORK.c.first_due_at,
    WORK.c.begun_at,
    WORK.c.error,
)
_DUE = (
    select(LANE.c.key)
    .where(LANE.c.family == bindparam("family"), LANE.c.due_at <= bindparam("now"), _IS_FREE)
    .order_by(LANE.c.due_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(LANE)
    .where(LANE.c.key == bindparam("lane"))
    .values(leased_by=bindparam("worker"), grant=bindparam("token"))
)
_HEAD = (
    select(*_JOB)
    .where(WORK.c.lane == bindparam("lane"), WORK.c.status == "ready")
    .order_by(WORK.c.id)
    .limit(1)
)
_BEHIND = and_(
    WORK.c.lane == bindparam("lane"), WORK.c.status == "ready", WORK.c.id > bindparam("job")
)
_LATER = select(WORK.c.id).where(_BEHIND).limit(1)
_WAITING = select(*_JOB).where(_BEHIND).order_by(WORK.c.id).limit(bindparam("most"))
_BEGUN = select(*_JOB).where(_BEHIND, WORK.c.begun_at == bindparam("at")).order_by(WORK.c.id)
_RELEASE = (
    update(LANE)
    .where(LANE.c.key == bindparam("lane"), LANE.c.grant == bindparam("token"))
    .values(leased_by=None, grant=None, due_at=bindparam("next_due"))
)
_FIRST_DUE = (
    select(WORK.c.due_at)
    .where(WORK.c.lane == LANE.c.key, WORK.c.status == "ready")
    .order_by(WORK.c.id)
    .limit(1)
    .correlate(LANE)
    .scalar_subquery()
)
_GOES_ON = bindparam("until") >= _FIRST_DUE
_GO_ON = (
    update(LANE)
    .where(LANE.c.key == bindparam("lane"), LANE.c.grant == bindparam("token"))
    .values(
        due_at=_FIRST_DUE,
        leased_by=case((_GOES_ON, LANE.c.leased_by)),
        grant=case((_GOES_ON, LANE.c.grant)),
    )
    .returning(LANE.c.grant)
)
_NEVER = datetime.min.replace(tzinfo=UTC)
_THIS = WORK.c.id == bindparam("job")
_BEGIN = update(WORK).where(_THIS).values(begun_at=bindparam("now"))
_FORGET_KEY = update(WORK).where(_THIS).values(key=None)
_COMPLETE = (
    update(WORK)
    .where(_THIS)
    .values(status="done", begun_at=None, finished_at=bindparam("now"), error="")
)
_IS_OPEN = select(WORK.c.id).where(_THIS, WORK.c.status == "ready")
_NEXT_DUE = (
    select(LANE.c.family, func.min(LANE.c.due_at).label("due_at"))
    .where(LANE.c.due_at.is_not(None), _IS_FREE)
    .group_by(LANE.c.family)
)


def _joined(insert: Any) -> Any:
    statement = insert(WORKER)
    return statement.on_conflict_do_update(
        index_elements=[WORKER.c.id], set_={"alive_until": statement.excluded.alive_until}
    )


_JOIN = {on_sqlite: _joined(insert) for on_sqlite, insert in DIALECTS.items()}


def new_grant() -> str:
    """The token of one lease; it is never used for a second one."""
    return uuid.uuid4().hex


def lease(
    tx: Transaction,
    worker: str,
    family: str,
    now: datetime,
    limit: int,
    besides: Collection[str] = (),
) -> dict[str, str]:
    """Lease up to `limit` due lanes of a family that no live worker holds, none of `besides`.

    Returns each lane with the token of its lease.
    """
    values = {"family": family, "now": now, "worker": worker, "most": limit + len(besides)}
    found = tx.core.execute(_DUE, values).scalars()
    granted = {lane: new_grant() for lane in found if lane not in besides}
    granted = dict(list(granted.items())[:limit])
    if granted:
        taken = [{"lane": lane, "worker": worker, "token": it} for lane, it in granted.items()]
        tx.core.execute(_TAKE, taken)
    return granted


def head(tx: Transaction, lane: str) -> Job | None:
    """The first waiting row of a lane, due or not."""
    row = tx.core.execute(_HEAD, {"lane": lane}).first()
    return Job(*row) if row else None


def has_later(tx: Transaction, job: Job) -> bool:
    """Does another row wait behind this one in its lane?"""
    return tx.core.execute(_LATER, {"lane": job.lane, "job": job.id}).first() is not None


def release(tx: Transaction, lane: str, grant: str, due_at: datetime | None) -> None:
    """Let go of a lane; `due_at` is when its first row is due, None when it is empty.

    Raises:
        LeaseLost: it is no longer leased under this grant.
    """
    values = {"lane": lane, "token": grant, "next_due": due_at}
    done = tx.core.execute(_RELEASE, values)
    if not getattr(done, "rowcount", 0):
        raise LeaseLost(lane)


def go_on(
    tx: Transaction, lane: str, grant: str, now: datetime, *, stop: bool = False
) -> Job | None:
    """The lane's first row if it is due; otherwise, or in order to stop, the lane is let go of.

    Raises:
        LeaseLost: it is no longer leased under this grant.
    """
    if not tx.is_sqlite:
        # The lane is held before its rows are looked at: who appends a row in this very moment comes
        # either before the look or after the lane was let go of, so no row is left in a lane that
        # counts as empty. SQLite has one writer.
        tx.check_lease(lane, grant)
    values = {"lane": lane, "token": grant, "until": _NEVER if stop else now}
    kept = tx.core.execute(_GO_ON, values).first()
    if kept is None:
        raise LeaseLost(lane)
    return head(tx, lane) if kept.grant else None


def let_go(tx: Transaction, lane: str, grant: str, not_before: datetime) -> None:
    """Let go of a lane whose thread left it, so that it is leased again; nothing if it was leased again.

    `not_before` keeps a lane that fails each time from being tried without a pause.
    """
    try:
        tx.check_lease(lane, grant)
    except LeaseLost:
        return
    job = head(tx, lane)
    release(tx, lane, grant, max(job.due_at, not_before) if job else None)


def waiting_behind(tx: Transaction, job: Job, most: int) -> Sequence[Job]:
    """The rows behind this one in its lane, in order."""
    values = {"lane": job.lane, "job": job.id, "most": most}
    return [Job(*row) for row in tx.core.execute(_WAITING, values)]


def waiting(tx: Transaction, lane: str) -> list[Job]:
    """All rows of a lane that are to be run, in order."""
    found = select(*_JOB).where(WORK.c.lane == lane, WORK.c.status == "ready").order_by(WORK.c.id)
    return [Job(*row) for row in tx.core.execute(found)]


def due_at(tx: Transaction, moment: datetime) -> list[Job]:
    """The rows that are to be run at exactly that moment."""
    found = select(*_JOB).where(WORK.c.status == "ready", WORK.c.due_at == moment)
    return [Job(*row) for row in tx.core.execute(found.order_by(WORK.c.id))]


def replace_with(tx: Transaction, job: Job, lane: str, due_at: datetime) -> None:
    """Do in this lane, and then, what a row that nobody has begun was to do; nothing if it has been begun."""
    gone = tx.core.execute(
        delete(WORK).where(WORK.c.id == job.id, WORK.c.status == "ready", WORK.c.begun_at.is_(None))
    )
    if getattr(gone, "rowcount", 0):
        tx.enqueue(NewJob(job.kind, lane, dict(job.payload), due_at=due_at))


def put_off(tx: Transaction, jobs: Sequence[Job], due_at: datetime) -> None:
    """Run rows not before then; the lane wakes no later for it."""
    for job in jobs:
        if job.due_at < due_at:
            _set(tx, job, due_at=due_at)


def put_last(tx: Transaction, jobs: Sequence[Job]) -> None:
    """Put rows that nobody has begun at the end of their lane, in order."""
    for job in jobs:
        replace_with(tx, job, job.lane, job.due_at)


def inherit_age(tx: Transaction, job: Job, earlier: Job) -> None:
    """A row does what another was to do before it: it has been due since then."""
    _set(tx, job, first_due_at=min(job.first_due_at, earlier.first_due_at))


def begun_with(tx: Transaction, job: Job) -> tuple[Job, ...]:
    """The rows behind this one that were begun with it, by the same call.

    Others may have been begun since, when this one was given up and is retried.
    """
    found = tx.core.execute(_BEGUN, {"lane": job.lane, "job": job.id, "at": job.begun_at})
    return tuple(Job(*row) for row in found)


def begin(tx: Transaction, job: Job, now: datetime) -> None:
    """Record that a provider is about to be called, for all rows that the call is for."""
    for each in job.ids:
        tx.core.execute(_BEGIN, {"job": each, "now": now})


def unbegin(tx: Transaction, job: Job) -> None:
    """Record that the call, whose outcome was unknown, had no effect."""
    for each in job.ids:
        tx.core.execute(_BEGIN, {"job": each, "now": None})


def forget_key(tx: Transaction, job: Job) -> None:
    """From here on the same key asks for another run: what changes now may come too late for this one."""
    tx.core.execute(_FORGET_KEY, {"job": job.id})


def count_as_done(tx: Transaction, kind: str, lane: str, key: str, now: datetime) -> None:
    """What has this key was done in another way: work that is enqueued under it is not run."""
    row = {"kind": kind, "lane": lane, "key": key, "payload": {}, "status": "done", "error": ""}
    times = {"due_at": now, "first_due_at": now, "finished_at": now, "attempts": 0}
    insert = DIALECTS[tx.is_sqlite](WORK).values(**row, **times)
    tx.core.execute(insert.on_conflict_do_nothing(index_elements=[WORK.c.key]))


def is_open(tx: Transaction, job: Job) -> bool:
    """Is it still to be run: neither done nor given up?"""
    return tx.core.execute(_IS_OPEN, {"job": job.id}).first() is not None


def complete(tx: Transaction, job: Job, now: datetime) -> None:
    """Record that it is done, with all rows that its call was for."""
    for each in job.ids:
        tx.core.execute(_COMPLETE, {"job": each, "now": now})


def retry_at(tx: Transaction, job: Job, due_at: datetime, error: str, *, begun: bool) -> None:
    """Try again then; the rows behind it wait, so that order is kept."""
    if not begun:
        unbegin(tx, job)
    _set(tx, job, due_at=due_at, error=error, attempts=job.attempts + 1)


def separate(tx: Transaction, job: Job) -> None:
    """Its rows were refused together: each is tried alone, for one of them may be what was refused."""
    unbegin(tx, job)
    for each in (job, *job.more):
        _set(tx, each, error=ALONE)


def fail(tx: Transaction, job: Job, now: datetime, error: str) -> None:
    """Give it up as failed; the lane goes on. `job.begun_at` unless it certainly had no effect."""
    _set(
        tx,
        job,
        status="failed",
        finished_at=now,
        error=error,
        attempts=job.attempts + 1,
        begun_at=job.begun_at,
    )


def _set(tx: Transaction, job: Job, **values: Any) -> None:
    tx.core.execute(update(WORK).where(WORK.c.id == job.id).values(**values))


def next_due(tx: Transaction, now: datetime, worker: str = "") -> dict[str, datetime]:
    """For each family with lanes that this worker could lease: when the first is due; may be in the past."""
    values = {"now": now, "worker": worker}
    return {row.family: row.due_at for row in tx.core.execute(_NEXT_DUE, values)}


def join(tx: Transaction, worker: str, alive_until: datetime) -> None:
    """Register a worker, or prolong its life; also when others have buried it since."""
    tx.core.execute(_JOIN[tx.is_sqlite], {"id": worker, "alive_until": alive_until})


def leave(tx: Transaction, worker: str) -> None:
    """Unregister a worker; its leases end with it."""
    tx.core.execute(
        update(LANE).where(LANE.c.leased_by == worker).values(leased_by=None, grant=None)
    )
    tx.core.execute(delete(WORKER).where(WORKER.c.id == worker))


def bury(tx: Transaction, *, dead_since: datetime | None) -> None:
    """Unregister workers that have not been alive since then (None: all of them).

    Their lanes are free by that. They keep their grants, so a thread of a worker that was only frozen
    still finishes a lane that nobody has leased since.
    """
    dead = select(WORKER.c.id)
    if dead_since is not None:
        # A frozen process may hold a lock on its row; a heartbeat must not wait for it.
        dead = dead.where(WORKER.c.alive_until < dead_since).with_for_update(skip_locked=True)
    tx.core.execute(delete(WORKER).where(WORKER.c.id.in_(dead)))


_OURS_DUE_AT = case((LANE.c.waits_for.is_(None), LANE.c.due_at))


def load(tx: Transaction) -> Load:
    """How far the lanes are behind, for the health page."""
    rows = tx.core.execute(
        select(LANE.c.family, func.count(), func.min(LANE.c.due_at), func.min(_OURS_DUE_AT))
        .where(LANE.c.due_at.is_not(None))
        .group_by(LANE.c.family)
    ).all()
    parked = tx.core.execute(
        select(func.count()).select_from(WORK).where(WORK.c.status == "failed")
    ).scalar_one()
    return Load({family: FamilyLoad(*behind) for family, *behind in rows}, parked)


def payload_of(tx: Transaction, work_id: int, kind: str) -> dict[str, Any] | None:
    """What a row of this kind was given, None when there is no such row (any more)."""
    found = select(WORK.c.payload).where(WORK.c.id == work_id, WORK.c.kind == kind)
    row = tx.core.execute(found).first()
    return dict(row.payload) if row else None


def status_of(tx: Transaction, key: str) -> str:
    """Where the row with this key is: ready, done, failed or dismissed; "" when there is none."""
    found = select(WORK.c.status).where(WORK.c.key == key)
    return str(tx.core.execute(found).scalar() or "")


def prune(tx: Transaction, now: datetime, keep: timedelta) -> int:
    """Delete what was done or dismissed long ago, and lanes that are empty; says how many rows went.

    What was given up stays until an operator deals with it.
    """
    gone = tx.core.execute(
        delete(WORK).where(
            WORK.c.status.in_(["done", "dismissed"]), WORK.c.finished_at < now - keep
        )
    )
    tx.core.execute(delete(LANE).where(LANE.c.due_at.is_(None), LANE.c.leased_by.is_(None)))
    return int(getattr(gone, "rowcount", 0))


@dataclass(frozen=True)
class Late:
    """The first row of a lane that should have been done by now, and what its last try said."""

    work_id: int
    lane: str
    error: str


def late(tx: Transaction, family: str, due_before: datetime) -> list[Late]:
    """For each lane of a family that is stuck on a row which failed at least once: that row."""
    first = (
        select(func.min(WORK.c.id).label("id"))
        .where(WORK.c.status == "ready", WORK.c.lane.startswith(f"{family}:"))
        .group_by(WORK.c.lane)
        .subquery()
    )
    found = tx.core.execute(
        select(WORK.c.id, WORK.c.lane, WORK.c.error)
        .join(first, first.c.id == WORK.c.id)
        .where(WORK.c.first_due_at < due_before, WORK.c.attempts > 0)
    )
    return [Late(*row) for row in found]
