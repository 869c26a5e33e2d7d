"""Jobs as values, and enqueued in the caller's transaction."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol, cast

from sqlalchemy import and_, bindparam, case, func, or_, select, update

from handoff_bot.domain.errors import DatabaseAway
from handoff_bot.logs import TRACE, TRACE_FIELD
from handoff_bot.storage.models import Lane, RateLimit, Work, Worker
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import DIALECTS, NOTIFY_CHANNEL, Transaction, table_of

# -- jobs as values: to enqueue, picked up, and a thread slot for one


@dataclass(frozen=True)
class Job:
    """A picked-up job.

    Attributes:
        begun_at: start of a provider call without a recorded result, or None.
        attempts: number of earlier tries.
        error: error of the last try, or "".
        more: following jobs of its lane covered by the same call.
    """

    id: int
    lane: str
    kind: str
    payload: dict[str, Any]
    attempts: int
    due_at: datetime
    first_due_at: datetime
    begun_at: datetime | None
    error: str = ""
    more: tuple[Job, ...] = ()

    @property
    def ids(self) -> list[int]:
        """Returns the ids of all jobs covered by its call."""
        return [self.id, *(other.id for other in self.more)]


@dataclass(frozen=True)
class Begun:
    """A job whose call was prepared in the enqueuing transaction: its plan and start time."""

    plan: Any
    since: datetime


@dataclass
class Slot:
    """A free thread of this process for a lane. `grant` is the token of its lease.

    `job` is the lane's first job, if known; `begun` if its call is prepared. `follows` if the
    thread continues with this lane after another one of the same queue. `is_done` if the
    transaction has also done all of the lane's work.
    """

    lane: str
    worker: str
    grant: str
    job: Job | None = None
    begun: Begun | None = None
    follows: bool = False
    is_done: bool = False


@dataclass(frozen=True)
class NewJob:
    """A job to enqueue.

    Attributes:
        kind: selects the handler.
        lane: the ordering key, "<queue>:<rest>".
        payload: JSON data for the handler.
        due_at: earliest start.
        key: deduplication key; None for none.
        coalesce: skip it if a job with this key is still waiting.
        high_priority: when its lane waits for a rate limit, it goes before others.
    """

    kind: str
    lane: str
    payload: dict[str, Any]
    due_at: datetime
    key: str | None = None
    coalesce: bool = False
    high_priority: bool = False


def queue_of(lane: str) -> str:
    """Returns the queue part of a lane's key."""
    return lane.partition(":")[0]


class SlotProvider(Protocol):
    """Runs lanes in this process."""

    def is_due(self, due_at: datetime) -> bool:
        """Returns whether a job that is due then may run now."""

    def reserve(self, lane: str) -> Slot | None:
        """Returns a free thread for this lane, or None."""

    def release(self, reserved: Sequence[Slot], started: Sequence[Slot]) -> None:
        """After the transaction: runs the started lanes and frees the other threads."""

    def doubt(self, started: Sequence[Slot]) -> None:
        """Called if it is unknown whether the transaction with these lanes was committed."""


LANE = table_of(Lane)
WORK = table_of(Work)
WORKER = table_of(Worker)
RATE_LIMIT = table_of(RateLimit)

GRANT_OF_LANE = Prepared(
    select(LANE.c.grant).where(LANE.c.key == bindparam("lane")).with_for_update()
)
"""Locks the lane until commit on PostgreSQL."""

# -- one id for everything that an arrival causes: its request, its jobs, and the jobs that they enqueue.
# It is kept in payloads, so it outlives processes and costs no statement. Log lines show it.

_LENGTH = 12


def of_arrival(key: str) -> str:
    """Returns the id of an arrival, the same however often it is delivered. It does not tell the key."""
    return hashlib.sha256(key.encode()).hexdigest()[:_LENGTH]


def of_job(payload: Mapping[str, Any]) -> str:
    """Returns a job's id; "" for jobs that no arrival caused."""
    return str(payload.get(TRACE_FIELD, ""))


def with_current(payload: dict[str, Any]) -> dict[str, Any]:
    """Returns the payload with the id of what this thread works on, unless it has one."""
    return {TRACE_FIELD: TRACE.get(), **payload} if TRACE.get() else payload


@contextmanager
def traced(trace: str) -> Iterator[None]:
    """Log lines inside show this id, and jobs enqueued inside inherit it."""
    before = TRACE.set(trace)
    try:
        yield
    finally:
        TRACE.reset(before)


# -- enqueuing in the caller's transaction, and starting lanes where a thread is free
# A thread that starts a lane runs it itself if it can, because switching threads costs time.


class StartedLanes:
    """The lanes started by this thread's commits. It runs the last one itself."""

    def lease_next(self, tx: Transaction, queue: str) -> Slot | None:
        """Returns a lane of the same queue that waits for a thread, if known."""
        return None

    def start(self) -> None:
        """Lets other threads run them, because this one is busy."""

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Same as `start`, also for lanes started during a provider call."""
        yield


class ThreadLanes(StartedLanes):
    """By thread: the lanes it has started and will run after its own."""

    def __init__(
        self,
        start: Callable[[Slot], None],
        lease: Callable[[Transaction, str], Slot | None],
    ) -> None:
        self._start = start
        self._lease = lease
        self._local = threading.local()

    @property
    def _slots(self) -> list[Slot] | None:
        slots: list[Slot] | None = getattr(self._local, "slots", None)
        return slots

    @contextmanager
    def kept(self) -> Iterator[None]:
        """While active, this thread runs lanes."""
        self._local.slots = []
        try:
            yield
        finally:
            self.start()
            self._local.slots = None

    def keep(self, slot: Slot) -> bool:
        """Returns False if this thread cannot run it."""
        slots = self._slots
        if slots is None:
            return False
        slots.append(slot)
        return True

    def lease_next(self, tx: Transaction, queue: str) -> Slot | None:
        return None if self._slots is None else self._lease(tx, queue)

    def last(self) -> Slot | None:
        """Returns one lane for this thread and starts the others."""
        slots = self._slots
        slot = slots.pop() if slots else None
        self.start()
        return slot

    def start(self) -> None:
        while self._slots:
            self._start(self._slots.pop(0))

    @contextmanager
    def calling(self) -> Iterator[None]:
        self.start()
        slots, self._local.slots = self._slots, None
        try:
            yield
        finally:
            self._local.slots = slots


LAST = 1_000_000
"""Default rank of a lane."""


def _open_lane(insert: Any) -> Prepared:
    """Makes a lane due if it was empty, and leases it with this grant if it was also idle."""
    statement = insert(LANE)
    empty = LANE.c.due_at.is_(None)
    idle = and_(empty, LANE.c.leased_by.is_(None))
    changes = {
        "due_at": case((empty, statement.excluded.due_at), else_=LANE.c.due_at),
        "leased_by": case((idle, statement.excluded.leased_by), else_=LANE.c.leased_by),
        "grant": case((idle, statement.excluded.grant), else_=LANE.c.grant),
        "rank": case(
            (statement.excluded.rank < LANE.c.rank, statement.excluded.rank), else_=LANE.c.rank
        ),
    }
    opened = statement.on_conflict_do_update(index_elements=[LANE.c.key], set_=changes)
    return Prepared(opened.returning(LANE.c.grant))


def _insert_work(insert: Any, *, coalesce: bool) -> Prepared:
    """Appends a job unless its key exists."""
    statement = insert(WORK).returning(WORK.c.id)
    if coalesce:
        # An update that changes nothing still locks the row: it waits for a job that is just being
        # started, so that this transaction's change is never missed.
        return Prepared(
            statement.on_conflict_do_update(
                index_elements=[WORK.c.key], set_={"due_at": WORK.c.due_at}
            )
        )
    return Prepared(statement.on_conflict_do_nothing(index_elements=[WORK.c.key]))


_IS_BUSY = (
    select(LANE.c.key)
    .where(
        LANE.c.key == bindparam("its_lane"),
        or_(LANE.c.due_at.is_not(None), LANE.c.leased_by.is_not(None)),
    )
    .exists()
)
_ARRIVE = Prepared(
    DIALECTS[True](WORK)
    .on_conflict_do_nothing(index_elements=[WORK.c.key])
    .returning(WORK.c.id, _IS_BUSY)
)
"""Appends a job on SQLite, and tells whether its lane has other ones or is leased."""
_NOTIFY = Prepared(select(func.pg_notify(NOTIFY_CHANNEL, "")))
_OPEN_LANE = {on_sqlite: _open_lane(insert) for on_sqlite, insert in DIALECTS.items()}
_INSERT_WORK = {
    (on_sqlite, coalesce): _insert_work(insert, coalesce=coalesce)
    for on_sqlite, insert in DIALECTS.items()
    for coalesce in (False, True)
}


def _work(row: NewJob) -> dict[str, Any]:
    """Returns the columns of a new job."""
    return {
        "lane": row.lane,
        "kind": row.kind,
        "key": row.key,
        "payload": row.payload,
        "status": "ready",
        "due_at": row.due_at,
        "first_due_at": row.due_at,
        "attempts": 0,
        "error": "",
    }


def _lane(lane: str, due_at: datetime, slot: Slot | None, rank: int = LAST) -> dict[str, Any]:
    """Returns the columns of a lane to open."""
    return {
        "key": lane,
        "family": queue_of(lane),
        "due_at": due_at,
        "leased_by": slot.worker if slot else None,
        "grant": slot.grant if slot else None,
        "rank": rank,
    }


def enqueue_job(tx: Transaction, job: NewJob) -> None:
    """Appends a job to its lane when this transaction commits."""
    payload = with_current(job.payload)
    enqueuer_of(tx).enqueue(job if payload is job.payload else replace(job, payload=payload))


def enqueuer_of(tx: Transaction) -> Enqueuer:
    """Returns the transaction's job collector."""
    if tx.participant is None:
        tx.participant = tx.participate(tx) if tx.participate else Enqueuer(tx)
    return cast(Enqueuer, tx.participant)


class Enqueuer:
    """Appends jobs to their lanes, and starts idle lanes on free threads of this process.

    Attributes:
        reserved: reserved threads.
        started: threads whose lane is leased when the transaction commits.
    """

    def __init__(self, tx: Transaction, slots: SlotProvider | None = None) -> None:
        self._tx = tx
        self._slots = slots
        self._new: list[NewJob] = []
        self._others_needed = False
        self._unopened: dict[str, Slot] = {}
        self.reserved: list[Slot] = []
        self.started: list[Slot] = []

    def enqueue(self, job: NewJob) -> None:
        """See `enqueue_job`."""
        if job.coalesce and any(new.key == job.key for new in self._new):
            return
        self._new.append(job)

    @property
    def starts_lanes(self) -> bool:
        """Returns whether a worker runs lanes that are started here."""
        return self._slots is not None

    def start(self, slot: Slot) -> None:
        """Starts a lane that was leased in this transaction."""
        self.reserved.append(slot)
        self.started.append(slot)

    def finish(self, slot: Slot) -> None:
        """Marks a started lane as done."""
        slot.is_done = True
        self.started.remove(slot)

    def holds(self, lane: str) -> bool:
        """Returns whether this transaction has opened and leased the lane, which locks it."""
        return any(slot.lane == lane for slot in self.started)

    def flush(self, running: str = "") -> None:
        """Appends the new jobs to their lanes.

        Everyone locks lanes in one order, including the running lane, so there is no deadlock. Jobs
        get their ids after their lane is locked, so ids within a lane follow commits.
        """
        if not self._new:
            return
        new, self._new = self._new, []
        if not running or self._tx.is_sqlite or self.holds(running):
            self.append_now(new)
            return
        earlier = [job for job in new if job.lane < running]
        if earlier:
            self._open_lanes(earlier)
        GRANT_OF_LANE.first(self._tx.core, {"lane": running})
        self.append_now(new, opened=earlier)

    def append_now(self, rows: Sequence[NewJob], opened: Sequence[NewJob] = ()) -> set[str]:
        """Appends jobs and returns the new keys (jobs without a key are not included).

        The lanes of `opened` are open already.
        """
        lanes = {row.lane for row in opened}
        closed = [row for row in rows if row.lane not in lanes] if lanes else rows
        if closed:
            self._open_lanes(closed)
        fresh: set[str] = set()
        for coalesce in (False, True):
            chosen = [row for row in rows if row.coalesce is coalesce]
            if chosen:
                fresh |= self._insert(chosen, coalesce=coalesce)
        if self._others_needed and not self._tx.is_sqlite:
            _NOTIFY.first(self._tx.core, {})
        return fresh

    def arrive(self, rows: Sequence[NewJob]) -> set[str]:
        """Appends arrivals and returns the new keys.

        On SQLite, an idle lane with one arrival is opened at the end of the transaction, and only if
        its job is not done by then: no other transaction can look before.
        """
        times = Counter(row.lane for row in rows)
        single = [row for row in rows if self._tx.is_sqlite and times[row.lane] == 1]
        others = [row for row in rows if row not in single]
        fresh = self.append_now(others) if others else set()
        found = (
            _ARRIVE.each(self._tx.core, [_work(row) | {"its_lane": row.lane} for row in single])
            if single
            else []
        )
        busy = []
        for row, its in zip(single, found, strict=True):
            if its is None:
                continue
            number, is_busy = its
            fresh.add(str(row.key))
            slot = None if is_busy else self._reserve(row.lane)
            if slot:
                self.started.append(slot)
                self._unopened[row.lane] = slot
                self._name_first_job(row, number)
            else:
                busy.append(row)
        if busy:
            self._open_lanes(busy)
        return fresh

    def open(self, lanes: Iterable[str]) -> None:
        """Opens these lanes now, as far as that was put off."""
        slots = [slot for lane in lanes if (slot := self._unopened.pop(lane, None))]
        if slots:
            values = [_lane(slot.lane, slot.job.due_at, slot) for slot in slots if slot.job]
            _OPEN_LANE[self._tx.is_sqlite].each(self._tx.core, values)

    def leaves_unopened(self, lane: str) -> bool:
        """Returns whether the lane was not opened; its only job is done, so it need not be."""
        return self._unopened.pop(lane, None) is not None

    def wake(self, lane: str, due_at: datetime) -> None:
        """Makes a lane due by then, for a job that is already stored."""
        self._open_lanes([NewJob("", lane, {}, due_at)])
        self._tx.core.execute(
            update(LANE).where(LANE.c.key == lane, LANE.c.due_at > due_at).values(due_at=due_at)
        )
        if not self._tx.is_sqlite:
            _NOTIFY.first(self._tx.core, {})

    def _open_lanes(self, rows: Sequence[NewJob]) -> None:
        self.open([row.lane for row in rows if row.lane in self._unopened])
        due: dict[str, datetime] = {}
        urgent = {row.lane for row in rows if row.high_priority}
        for row in rows:
            due[row.lane] = min(row.due_at, due.get(row.lane, row.due_at))
        # A thread would only give back a lane that is not due yet, in a transaction of its own.
        ready = {lane for lane, at in due.items() if self._slots is None or self._slots.is_due(at)}
        asked = {lane: self._reserve(lane) if lane in ready else None for lane in sorted(due)}
        values = [
            _lane(lane, due[lane], slot, rank=0 if lane in urgent else LAST)
            for lane, slot in asked.items()
        ]
        opened = _OPEN_LANE[self._tx.is_sqlite].each(self._tx.core, values)
        for (lane, slot), (grant,) in zip(asked.items(), opened, strict=True):
            if slot and grant == slot.grant:
                self.started.append(slot)
            elif lane in ready:
                self._others_needed = True

    def _reserve(self, lane: str) -> Slot | None:
        """Reserves a free thread of this process for the lane, so that no dispatcher has to find it."""
        if any(slot.lane == lane for slot in self.reserved):
            return None
        slot = self._slots.reserve(lane) if self._slots else None
        if slot:
            self.reserved.append(slot)
        return slot

    def _insert(self, rows: Sequence[NewJob], *, coalesce: bool) -> set[str]:
        values = [_work(row) for row in rows]
        found = _INSERT_WORK[self._tx.is_sqlite, coalesce].each(self._tx.core, values)
        inserted = [(row, its[0]) for row, its in zip(rows, found, strict=True) if its]
        # Several jobs without keys (a card and a message to the customer) are picked up as usual:
        # they are prepared when their turn comes, not while the card is on its way.
        later = {row.lane for row in rows if row.key is None} if len(rows) > 1 else set()
        for row, number in inserted:
            if row.lane not in later:
                self._name_first_job(row, number)
        return {row.key for row, _ in inserted if row.key is not None}

    def _name_first_job(self, row: NewJob, number: int) -> None:
        """A formerly empty lane begins with the inserted job, so it need not be queried."""
        slot = next((slot for slot in self.started if slot.lane == row.lane), None)
        if slot and slot.job is None:
            slot.job = Job(number, row.lane, row.kind, row.payload, 0, row.due_at, row.due_at, None)

    def before_commit(self) -> None:
        """See `Participant`."""
        self.flush()
        self.open(list(self._unopened))

    def ended(self, error: BaseException | None) -> None:
        """See `Participant`."""
        if not self._slots or not self.reserved:
            return
        if isinstance(error, DatabaseAway):
            self._slots.doubt(self.started)
        self._slots.release(self.reserved, () if error else self.started)
