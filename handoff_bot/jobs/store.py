"""Queries and changes of jobs: next, begun, done, retried, failed, and how many are behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import merge
from itertools import dropwhile, takewhile
from operator import itemgetter
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, func, select, update

from handoff_bot.jobs.job import LANE, WORK, Job, NewJob, enqueue_job
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.sealed import SEALED, is_readable
from handoff_bot.storage.transaction import DIALECTS, Transaction, delete_some

_DEALT_WITH = ("done", "dismissed")
ALONE = "refused together with others"
"""Error of a job that must be retried without its batch."""
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
_HEAD = Prepared(
    select(*_JOB)
    .where(WORK.c.lane == bindparam("lane"), WORK.c.status == "ready")
    .order_by(WORK.c.id)
    .limit(1)
)
_BEHIND = and_(
    WORK.c.lane == bindparam("lane"), WORK.c.status == "ready", WORK.c.id > bindparam("job")
)
_LATER = Prepared(select(WORK.c.id).where(_BEHIND).limit(1))
_WAITING = Prepared(select(*_JOB).where(_BEHIND).order_by(WORK.c.id).limit(bindparam("most")))
_BEGUN = Prepared(
    select(*_JOB).where(_BEHIND, WORK.c.begun_at == bindparam("at")).order_by(WORK.c.id)
)
_THIS = WORK.c.id == bindparam("job")
_BEGIN = Prepared(update(WORK).where(_THIS).values(begun_at=bindparam("now")))
_FORGET_KEY = Prepared(update(WORK).where(_THIS).values(key=None))
_COMPLETE = Prepared(
    update(WORK)
    .where(_THIS)
    .values(status="done", begun_at=None, finished_at=bindparam("now"), error="")
)
_IS_OPEN = Prepared(select(WORK.c.id).where(_THIS, WORK.c.status == "ready"))


def head(tx: Transaction, lane: str) -> Job | None:
    """Returns the first waiting job of a lane, due or not."""
    row = _HEAD.first(tx.core, {"lane": lane})
    return Job(*row) if row else None


def has_later(tx: Transaction, job: Job) -> bool:
    """Returns whether another job waits behind this one in its lane."""
    return _LATER.first(tx.core, {"lane": job.lane, "job": job.id}) is not None


def waiting_behind(tx: Transaction, job: Job, most: int) -> Sequence[Job]:
    """Returns the jobs behind this one in its lane, in order."""
    values = {"lane": job.lane, "job": job.id, "most": most}
    found = (Job(*row) for row in _WAITING.rows(tx.core, values))
    # One that cannot be decrypted fails by itself, not with others.
    return list(takewhile(lambda one: SEALED not in one.payload or is_readable(one.payload), found))


def waiting(tx: Transaction, lane: str) -> list[Job]:
    """Returns all waiting jobs of a lane, in order."""
    found = select(*_JOB).where(WORK.c.lane == lane, WORK.c.status == "ready").order_by(WORK.c.id)
    return [Job(*row) for row in tx.core.execute(found)]


def due_at(tx: Transaction, moment: datetime) -> list[Job]:
    """Returns the jobs due at exactly that time."""
    found = select(*_JOB).where(WORK.c.status == "ready", WORK.c.due_at == moment)
    return [Job(*row) for row in tx.core.execute(found.order_by(WORK.c.id))]


def replace_with(tx: Transaction, job: Job, lane: str, due_at: datetime) -> None:
    """Moves a job to this lane and time; does nothing if it has begun."""
    gone = tx.core.execute(
        delete(WORK).where(WORK.c.id == job.id, WORK.c.status == "ready", WORK.c.begun_at.is_(None))
    )
    if getattr(gone, "rowcount", 0):
        enqueue_job(tx, NewJob(job.kind, lane, dict(job.payload), due_at=due_at))


def put_off(tx: Transaction, jobs: Sequence[Job], due_at: datetime) -> None:
    """Delays jobs until `due_at`. Does not delay the lane's next wake-up."""
    for job in jobs:
        if job.due_at < due_at:
            _set(tx, job, due_at=due_at)


def put_last(tx: Transaction, jobs: Sequence[Job]) -> None:
    """Moves jobs that have not begun to the end of their lane, in order."""
    for job in jobs:
        replace_with(tx, job, job.lane, job.due_at)


def append_in_order(
    tx: Transaction,
    new: Sequence[tuple[float, NewJob]],
    waiting: Sequence[tuple[float, Job]],
    append: Callable[[Transaction, NewJob], None] = enqueue_job,
) -> None:
    """Appends jobs by their keys among jobs that wait in the same lane; on ties those are first.

    Neither list changes its own order. A job that has begun stays where it is.
    """
    both: Iterator[tuple[float, Job | NewJob]] = merge(waiting, new, key=itemgetter(0))
    for _, job in dropwhile(lambda one: isinstance(one[1], Job), both):
        if isinstance(job, Job):
            put_last(tx, [job])
        else:
            append(tx, job)


def inherit_age(tx: Transaction, job: Job, earlier: Job) -> None:
    """Gives a job the age of the job it replaces."""
    _set(tx, job, first_due_at=min(job.first_due_at, earlier.first_due_at))


def begun_with(tx: Transaction, job: Job) -> tuple[Job, ...]:
    """Returns the following jobs begun in the same call.

    Others may have begun since, if this one failed and is retried.
    """
    found = _BEGUN.rows(tx.core, {"lane": job.lane, "job": job.id, "at": job.begun_at})
    return tuple(Job(*row) for row in found)


def begin(tx: Transaction, job: Job, now: datetime) -> None:
    """Records that a provider call starts, for all jobs it covers."""
    for each in job.ids:
        _BEGIN.run(tx.core, {"job": each, "now": now})


def unbegin(tx: Transaction, job: Job) -> None:
    """Records that a call with an unknown outcome had no effect."""
    for each in job.ids:
        _BEGIN.run(tx.core, {"job": each, "now": None})


def forget_key(tx: Transaction, job: Job) -> None:
    """Releases the key: later changes need another run, because they may come too late for this one."""
    _FORGET_KEY.run(tx.core, {"job": job.id})


def count_as_done(tx: Transaction, kind: str, lane: str, key: str, now: datetime) -> None:
    """Marks a key as done by other means: a job enqueued under it is not run."""
    row = {"kind": kind, "lane": lane, "key": key, "payload": {}, "status": "done", "error": ""}
    times = {"due_at": now, "first_due_at": now, "finished_at": now, "attempts": 0}
    insert = DIALECTS[tx.is_sqlite](WORK).values(**row, **times)
    tx.core.execute(insert.on_conflict_do_nothing(index_elements=[WORK.c.key]))


def is_open(tx: Transaction, job: Job) -> bool:
    """Returns whether the job is neither done nor failed."""
    return _IS_OPEN.first(tx.core, {"job": job.id}) is not None


def complete(tx: Transaction, job: Job, now: datetime) -> None:
    """Records that a job is done, with all jobs that its call covered."""
    for each in job.ids:
        _COMPLETE.run(tx.core, {"job": each, "now": now})


def retry_at(tx: Transaction, job: Job, due_at: datetime, error: str, *, begun: bool) -> None:
    """Schedules a retry; the following jobs wait, which keeps the order."""
    if not begun:
        unbegin(tx, job)
    _set(tx, job, due_at=due_at, error=error, attempts=job.attempts + 1)


def separate(tx: Transaction, job: Job) -> None:
    """The batch was refused: each job is retried separately, because only one may be the cause."""
    unbegin(tx, job)
    for each in (job, *job.more):
        _set(tx, each, error=ALONE)


def fail(tx: Transaction, job: Job, now: datetime, error: str) -> None:
    """Marks a job as failed; the lane continues. `job.begun_at` stays set unless the call certainly
    had no effect.
    """
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


def keep_of_payload(tx: Transaction, job: Job, *fields: str) -> None:
    """Removes all other fields from a job's payload, because done jobs are kept for weeks."""
    _set(tx, job, payload={name: job.payload[name] for name in fields})


def payload_of(tx: Transaction, work_id: int, kind: str) -> dict[str, Any] | None:
    """Returns the payload of a job of this kind, or None if it no longer exists."""
    found = select(WORK.c.payload).where(WORK.c.id == work_id, WORK.c.kind == kind)
    row = tx.core.execute(found).first()
    return dict(row.payload) if row else None


_LOOKED_AT, _MOST_NEWEST = 20_000, 200
"""Jobs among which the newest of a kind is searched, without an index, and how many are returned."""


@dataclass(frozen=True)
class Arrived:
    """A job of the newest ones. `is_fetched` for a message that was fetched from its provider later."""

    lane: str
    payload: dict[str, Any]
    at: datetime

    @property
    def is_fetched(self) -> bool:
        return self.payload.get("sent_at") is not None


def newest(tx: Transaction, kinds: Sequence[str]) -> list[Arrived]:
    """Returns the newest jobs of these kinds among the newest of all, done or not, newest first."""
    since = select(func.coalesce(func.max(WORK.c.id), 0) - _LOOKED_AT).scalar_subquery()
    found = (
        select(WORK.c.lane, WORK.c.payload, WORK.c.first_due_at)
        .where(WORK.c.id > since, WORK.c.kind.in_(kinds))
        .order_by(WORK.c.id.desc())
        .limit(_MOST_NEWEST)
    )
    return [Arrived(lane, dict(payload), at) for lane, payload, at in tx.core.execute(found)]


def status_of(tx: Transaction, key: str) -> str:
    """Returns the status of the job with this key: ready, done, failed or dismissed; "" if there is
    none.
    """
    found = select(WORK.c.status).where(WORK.c.key == key)
    return str(tx.core.execute(found).scalar() or "")


def prune(tx: Transaction, now: datetime, keep: timedelta, limit: int) -> int:
    """Deletes old done and dismissed jobs, and empty lanes, at most `limit` rows of each; returns how
    many.

    Failed jobs stay until an operator handles them.
    """
    old = WORK.c.finished_at < now - keep
    gone = sum(delete_some(tx, WORK, limit, WORK.c.status == status, old) for status in _DEALT_WITH)
    return gone + delete_some(tx, LANE, limit, LANE.c.due_at.is_(None), LANE.c.leased_by.is_(None))


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
