"""Lane leases and the workers that hold them, kept alive by heartbeats."""

from __future__ import annotations

import contextlib
import logging
import threading
import uuid
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, func, or_, select, update

from handoff_bot.domain.errors import DatabaseAway, LeaseLost
from handoff_bot.jobs import store
from handoff_bot.jobs.job import GRANT_OF_LANE, LANE, WORK, WORKER, Job
from handoff_bot.ports import Clock
from handoff_bot.storage.database import Database
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import DIALECTS, Transaction

logger = logging.getLogger(__name__)

# -- queries and changes

# Statements are built once: building costs SQLAlchemy about as much as running.

_ALIVE = select(WORKER.c.id).where(WORKER.c.alive_until > bindparam("now"))
IS_UNHELD = or_(
    LANE.c.leased_by.is_(None),
    and_(LANE.c.leased_by != bindparam("worker"), LANE.c.leased_by.not_in(_ALIVE)),
)
"""No live worker holds the lane. A worker always counts itself as alive: its own threads may only
be late.
"""
_IS_FREE = and_(IS_UNHELD, LANE.c.waits_for.is_(None))
_DUE = Prepared(
    select(LANE.c.key)
    .where(LANE.c.family == bindparam("family"), LANE.c.due_at <= bindparam("now"), _IS_FREE)
    .order_by(LANE.c.due_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_TAKE = Prepared(
    update(LANE)
    .where(LANE.c.key == bindparam("lane"))
    .values(leased_by=bindparam("worker"), grant=bindparam("token"))
)
_RELEASE = Prepared(
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
_GOES_ON = bindparam("until", type_=WORK.c.due_at.type) >= _FIRST_DUE
_GO_ON = Prepared(
    update(LANE)
    .where(LANE.c.key == bindparam("lane"), LANE.c.grant == bindparam("token"))
    .values(
        due_at=_FIRST_DUE,
        leased_by=case((_GOES_ON, LANE.c.leased_by)),
        grant=case((_GOES_ON, LANE.c.grant)),
    )
    .returning(LANE.c.grant)
)
MOST_LOST = 4
"""Maximum number of lanes that our threads still run although others leased and released them since."""
_NEVER = datetime.min.replace(tzinfo=UTC)
_NEXT_DUE = Prepared(
    select(LANE.c.family, func.min(LANE.c.due_at).label("due_at"))
    .where(LANE.c.due_at.is_not(None), _IS_FREE)
    .group_by(LANE.c.family)
)


def _joined(insert: Any) -> Any:
    """`joined_at` stays as it was first written."""
    statement = insert(WORKER)
    return Prepared(
        statement.on_conflict_do_update(
            index_elements=[WORKER.c.id], set_={"alive_until": statement.excluded.alive_until}
        )
    )


_JOIN = {on_sqlite: _joined(insert) for on_sqlite, insert in DIALECTS.items()}


def new_grant() -> str:
    """Returns the unique token of one lease."""
    return uuid.uuid4().hex


def lease(
    tx: Transaction,
    worker: str,
    queue: str,
    now: datetime,
    limit: int,
    besides: Collection[str] = (),
) -> dict[str, str]:
    """Leases up to `limit` due lanes of a queue without a live holder, except `besides`.

    Returns each lane with the token of its lease.
    """
    spare = min(len(besides), MOST_LOST)
    values = {"family": queue, "now": now, "worker": worker, "most": limit + spare}
    found = _DUE.rows(tx.core, values)
    granted = {lane: new_grant() for (lane,) in found if lane not in besides}
    granted = dict(list(granted.items())[:limit])
    for lane, it in granted.items():
        _TAKE.run(tx.core, {"lane": lane, "worker": worker, "token": it})
    return granted


def release(tx: Transaction, lane: str, grant: str, due_at: datetime | None) -> None:
    """Releases a lane; `due_at` is the due time of its first job, None if empty.

    Raises:
        LeaseLost: it is no longer leased under this grant.
    """
    values = {"lane": lane, "token": grant, "next_due": due_at}
    if not _RELEASE.run(tx.core, values):
        raise LeaseLost(lane)


def go_on(
    tx: Transaction,
    lane: str,
    grant: str,
    now: datetime,
    *,
    stop: bool = False,
    is_locked: bool = False,
) -> Job | None:
    """Returns the lane's first job if due; otherwise, or to stop, releases the lane.

    `is_locked` if this transaction has locked the lane.

    Raises:
        LeaseLost: it is no longer leased under this grant.
    """
    if not tx.is_sqlite and not is_locked:
        # The lane is locked before its jobs are read: a concurrent append comes either before the
        # read or after the release. So no job is left in a lane that counts as empty. SQLite has
        # one writer.
        check_lease(tx, lane, grant)
    values = {"lane": lane, "token": grant, "until": _NEVER if stop else now}
    kept = _GO_ON.first(tx.core, values)
    if kept is None:
        raise LeaseLost(lane)
    (is_kept,) = kept
    return store.head(tx, lane) if is_kept else None


def let_go(tx: Transaction, lane: str, grant: str, not_before: datetime) -> None:
    """Releases a lane that its thread left; does nothing if it was leased again.

    `not_before` keeps a failing lane from being retried without a pause.
    """
    try:
        check_lease(tx, lane, grant)
    except LeaseLost:
        return
    job = store.head(tx, lane)
    release(tx, lane, grant, max(job.due_at, not_before) if job else None)


def next_due(tx: Transaction, now: datetime, worker: str = "") -> dict[str, datetime]:
    """Returns the next due time for each queue with leasable lanes; may be in the past."""
    values = {"now": now, "worker": worker}
    return dict(_NEXT_DUE.rows(tx.core, values))


def join(
    tx: Transaction, worker: str, alive_until: datetime, joined_at: datetime | None = None
) -> None:
    """Registers a worker or extends its lifetime, even if others have removed it."""
    values = {"id": worker, "alive_until": alive_until, "joined_at": joined_at}
    _JOIN[tx.is_sqlite].run(tx.core, values)


def alive_since(tx: Transaction, moment: datetime, now: datetime) -> dict[str, datetime]:
    """Returns the workers that run since then or longer -> until when they live at least."""
    found = select(WORKER.c.id, WORKER.c.alive_until).where(
        WORKER.c.alive_until > now,
        or_(WORKER.c.joined_at <= moment, WORKER.c.joined_at.is_(None)),
    )
    return {each.id: each.alive_until for each in tx.core.execute(found)}


def is_alive(tx: Transaction, worker: str, now: datetime) -> bool:
    """Returns whether a worker's last heartbeat has not expired."""
    found = select(WORKER.c.id).where(WORKER.c.id == worker, WORKER.c.alive_until > now)
    return tx.core.execute(found).first() is not None


def leave(tx: Transaction, worker: str) -> None:
    """Unregisters a worker and ends its leases."""
    tx.core.execute(
        update(LANE).where(LANE.c.leased_by == worker).values(leased_by=None, grant=None)
    )
    tx.core.execute(delete(WORKER).where(WORKER.c.id == worker))


def bury(tx: Transaction, *, dead_since: datetime | None) -> None:
    """Unregisters workers without a heartbeat since then (None: all).

    This frees their lanes. The grants stay, so a worker that was only frozen can finish a lane that
    no other worker has leased since.
    """
    dead = select(WORKER.c.id)
    if dead_since is not None:
        # A frozen process may hold a lock on its row; a heartbeat must not wait for it.
        dead = dead.where(WORKER.c.alive_until < dead_since).with_for_update(skip_locked=True)
    tx.core.execute(delete(WORKER).where(WORKER.c.id.in_(dead)))


def check_lease(tx: Transaction, lane: str, grant: str) -> None:
    """Locks the lane until commit. Raises LeaseLost unless it is leased under this grant."""
    if GRANT_OF_LANE.scalar(tx.core, {"lane": lane}) != grant:
        raise LeaseLost(lane)


# -- heartbeats: tell other workers that this one is alive, and detect a late heartbeat
# Lanes that a thread left without releasing them are remembered, and released with a heartbeat.


class Heartbeat:
    """One worker's entry in the table of workers.

    Args:
        ttl: seconds after which a silent worker counts as dead.
        stopping: set when the process ends.

    Attributes:
        id: the worker's id; "" until it is registered.
    """

    def __init__(
        self, database: Database, clock: Clock, ttl: float, stopping: threading.Event
    ) -> None:
        self._database = database
        self._clock = clock
        self._ttl = ttl
        self._stopping = stopping
        self._alive_until = self._late_at = clock.now()
        self.id = ""

    def sign_on(self, *, sole: bool) -> None:
        """Registers the worker under a new id; `sole` if no other worker can be alive."""
        self.id, until = uuid.uuid4().hex, self._next_end()
        with self._database.write() as tx:
            if sole:
                bury(tx, dead_since=None)
            join(tx, self.id, until, self._clock.now())
        self._alive_until = until

    def sign_off(self) -> None:
        """Removes the worker and its leases."""
        try:
            with self._database.write() as tx:
                leave(tx, self.id)
        except DatabaseAway as error:  # others will notice the missing heartbeat
            logger.warning("worker could not sign off", extra={"why": str(error)})

    def keep_up(self) -> None:
        """Sends a heartbeat if due, for a worker without a heartbeat thread. For tests."""
        if not self.id or self._clock.now() >= self._alive_until:
            self.id = self.id or uuid.uuid4().hex
            self.prolong()

    def _next_end(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self._ttl)

    def has_company_since(self, moment: datetime) -> bool:
        """Returns whether another worker has been running since then.

        Waits for its next heartbeat, because a killed one counts as alive until its last has expired.
        """
        others = self._others_since(moment)
        while others and not self._stopping.wait(self._ttl / 20):
            later = self._others_since(moment)
            if any(later[each] > others[each] for each in later.keys() & others.keys()):
                return True
            others = {each: until for each, until in others.items() if each in later}
        return False

    def _others_since(self, moment: datetime) -> dict[str, datetime]:
        with self._database.read() as tx:
            found = alive_since(tx, moment, self._clock.now())
        found.pop(self.id, None)
        return found

    def prolong(self) -> None:
        """Sends a heartbeat, even if other workers have already removed this one."""
        until = self._next_end()
        with self._database.heartbeat() as tx:
            join(tx, self.id, until, self._clock.now())
        self._lives(until)

    def _lives(self, until: datetime) -> None:
        """Stores the new lifetime; if the heartbeat was late, notes that other workers may have
        leased our lanes.
        """
        now = self._clock.now()
        if now >= self._alive_until:
            self._late_at = now  # before the other value, which threads read first
        self._alive_until = until

    def beat(self) -> None:
        while not self._stopping.wait(self._ttl / 5):
            try:
                self.prolong()
                with self._database.heartbeat() as tx:
                    bury(tx, dead_since=self._clock.now() - timedelta(seconds=self._ttl))
            except DatabaseAway as error:
                logger.warning("heartbeat failed", extra={"why": str(error)})
            except Exception:
                logger.exception("heartbeat failed")

    def confirm(self, lane: str, grant: str, since: datetime) -> None:
        """See `Runner`. While heartbeats were on time since `since`, no other worker can have
        leased the lane.

        A thread may be frozen between its record and its call for longer than the lease. Then the
        database is asked, and no worker can lease the lane after the answer. A late heartbeat
        before that does not count for lanes leased earlier.
        """
        if self._clock.now() < self._alive_until and since > self._late_at:
            return
        until = self._next_end()
        with self._database.write() as tx:
            check_lease(tx, lane, grant)
            join(tx, self.id, until, self._clock.now())
        self._lives(until)


REST = timedelta(seconds=5)
"""How long a lane pauses after an error that could not be recorded."""


class HeldLanes:
    """In memory, because the database may be down; it is updated when it is back."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._guard = threading.Lock()
        self._running: Counter[str] = Counter()
        self._left: dict[tuple[str, str], datetime] = {}

    @contextlib.contextmanager
    def running(self, lane: str, grant: str) -> Iterator[None]:
        """Wraps a thread's work on a lane."""
        with self._guard:
            self._running[lane] += 1
        try:
            yield
        finally:
            with self._guard:
                self._running[lane] -= 1
                if not self._running[lane]:
                    del self._running[lane]

    def lanes(self) -> frozenset[str]:
        """Returns the lanes that our threads run, whatever the database says.

        A lane may have been leased by others and released again while our thread waits for a
        response.
        """
        with self._guard:
            return frozenset(self._running)

    def left(self, lane: str, grant: str, *, rest: bool = False) -> None:
        """Records a lane that a thread left without releasing it; `rest` if it would fail again at
        once.
        """
        with self._guard:
            self._left[lane, grant] = self._clock.now() + (REST if rest else timedelta())

    def let_go(self) -> None:
        """Releases the left lanes, so that any worker can lease them.

        Raises:
            DatabaseAway: retry later.
        """
        with self._guard:
            left = dict(self._left)
        for (lane, grant), not_before in left.items():
            try:
                with self._database.write() as tx:
                    let_go(tx, lane, grant, not_before)
            except DatabaseAway:
                raise
            except Exception:  # one such lane must not keep the others from being leased
                logger.exception("lane cannot be let go of")
                continue
            with self._guard:
                del self._left[lane, grant]
