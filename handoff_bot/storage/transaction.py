"""One transaction: the session, and the work that is enqueued when it commits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, and_, bindparam, case, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlmodel import SQLModel

from handoff_bot.domain.errors import LeaseLost
from handoff_bot.storage.models import Lane, Work

NOTIFY_CHANNEL = "handoff_work"
LAST = 1_000_000
"""The rank of a lane that nobody has given one."""
Row = TypeVar("Row", bound=SQLModel)


def table_of(model: type[SQLModel]) -> Table:
    """The Core table of a model; statements on it skip the ORM's bookkeeping on hot paths."""
    return model.metadata.tables[str(model.__tablename__)]


LANE = table_of(Lane)
WORK = table_of(Work)
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext(:what))")
_GRANT = select(LANE.c.grant).where(LANE.c.key == bindparam("lane")).with_for_update()


def _open_lane(insert: Any) -> Any:
    """Make a lane due if it was empty, and lease it with this grant if it was idle too."""
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
    return opened.returning(LANE.c.key, LANE.c.grant)


def _insert_work(insert: Any, *, coalesce: bool) -> Any:
    """Append a row unless its key is known."""
    statement = insert(WORK).returning(WORK.c.key, WORK.c.id)
    if coalesce:
        # An update that changes nothing still takes the row's lock: a redraw that is just being
        # picked up is waited for, so that what this transaction changed is never missed.
        return statement.on_conflict_do_update(
            index_elements=[WORK.c.key], set_={"due_at": WORK.c.due_at}
        )
    return statement.on_conflict_do_nothing(index_elements=[WORK.c.key])


# Both dialects spell ON CONFLICT the same; SQLAlchemy keeps it in two places. The key says: is it SQLite?
DIALECTS: dict[bool, Any] = {True: sqlite.insert, False: postgresql.insert}
_OPEN_LANE = {on_sqlite: _open_lane(insert) for on_sqlite, insert in DIALECTS.items()}
_INSERT_WORK = {
    (on_sqlite, coalesce): _insert_work(insert, coalesce=coalesce)
    for on_sqlite, insert in DIALECTS.items()
    for coalesce in (False, True)
}


@dataclass(frozen=True)
class Job:
    """One row of work, picked up.

    Attributes:
        begun_at: when a provider was called for it and no answer was recorded, None otherwise.
        attempts: how often it was tried before.
        error: what its last try said, "" when there was none.
        more: rows behind it in its lane that the same call is for.
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
        """The ids of all rows that its call is for."""
        return [self.id, *(other.id for other in self.more)]


@dataclass(frozen=True)
class Begun:
    """A row whose call was prepared in the transaction that enqueued it: with what, and when that began."""

    plan: Any
    since: datetime


@dataclass
class Seat:
    """A thread of this process that is free for a lane. `grant` is the token of its lease.

    `job` is the lane's first row, when it is known because the lane was empty before; `begun` when its
    call is prepared.
    """

    lane: str
    worker: str
    grant: str
    job: Job | None = None
    begun: Begun | None = None


@dataclass(frozen=True)
class NewJob:
    """A row of work to be.

    Attributes:
        kind: which handler runs it.
        lane: the key that orders it, "<family>:<rest>".
        payload: what the handler needs; JSON.
        due_at: not before then.
        key: makes it unique; None for any number of them.
        coalesce: when a row with this key still waits, that one is enough.
        high_priority: when its lane waits for its turn, it goes before others that wait for the same.
    """

    kind: str
    lane: str
    payload: dict[str, Any]
    due_at: datetime
    key: str | None = None
    coalesce: bool = False
    high_priority: bool = False


def family_of(lane: str) -> str:
    """The part of a lane's key that says which threads may run it."""
    return lane.partition(":")[0]


@dataclass
class Transaction:
    """What a unit of work does its questions and changes through.

    Attributes:
        core: for statements that need nothing of the ORM: it costs as much again.
    """

    core: Connection
    is_sqlite: bool
    seats: Callable[[str], Seat | None] | None = None
    others_needed: bool = False
    reserved: list[Seat] = field(default_factory=list)
    started: list[Seat] = field(default_factory=list)
    remembered: dict[tuple[str, int], Any] = field(default_factory=dict)
    """What was asked once and cannot change in this transaction, by what it is and whose."""
    _new: list[NewJob] = field(default_factory=list)
    _session: Session | None = None

    def __enter__(self) -> Transaction:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what the session has not written yet, unless all is undone."""
        session, self._session = self._session, None
        if session:
            with session:
                if kind is None:
                    session.commit()  # of the session: the connection goes on

    @property
    def session(self) -> Session:
        """The ORM on the same connection."""
        if self._session is None:
            self._session = Session(
                self.core, expire_on_commit=False, join_transaction_mode="rollback_only"
            )
        return self._session

    def forget(self) -> None:
        """Write nothing of what was changed."""
        if self._session:
            self._session.close()
            self._session = None

    def add(self, row: Row) -> Row:
        """Insert a row now, so that its id and its unique keys are settled."""
        self.session.add(row)
        self.session.flush()
        return row

    def ensure(self, row: Row, *key: str) -> Row:
        """Returns the row with these columns' values; inserts the given one if there is none."""
        self.add_unless_known(row, *key)
        same = [table_of(type(row)).c[name] == getattr(row, name) for name in key]
        return self.session.execute(select(type(row)).where(*same)).scalar_one()

    def add_unless_known(self, row: SQLModel, *key: str) -> None:
        """Insert a row unless there is one with these columns' values.

        Two transactions may need the same row for the first time at once: the slower one waits for the
        faster one's commit and takes its row, where a plain INSERT would fail.
        """
        model, table = type(row), table_of(type(row))
        values = {name: getattr(row, name) for name in model.model_fields}
        if values.get("id", 0) is None:
            del values["id"]
        insert = DIALECTS[self.is_sqlite](table).values(values)
        self.session.execute(insert.on_conflict_do_nothing(index_elements=key))

    def enqueue(self, work: NewJob) -> None:
        """Put work behind what its lane already holds, when this transaction commits."""
        if work.coalesce and any(new.key == work.key for new in self._new):
            return
        self._new.append(work)

    def flush(self, running: str = "") -> None:
        """Append the new rows to their lanes.

        Lanes are locked in one order by everybody (no deadlock), the lane that is being run among them;
        and rows get their ids after the lock on their lane, so in a lane ids follow commits.
        """
        if not self._new:
            return
        if running and not self.is_sqlite:
            earlier = [work for work in self._new if work.lane < running]
            if earlier:
                self._open_lanes(earlier)
            self.core.execute(_GRANT, {"lane": running})
        new, self._new = self._new, []
        self.append_now(new)

    def one_at_a_time(self, what: str) -> None:
        """Let others wait, until this commits, who are about to do the same."""
        if not self.is_sqlite:  # which has one writer at a time anyhow
            self.core.execute(_ONE_AT_A_TIME, {"what": f"handoff.{what}"})

    def check_lease(self, lane: str, grant: str) -> None:
        """Lock the lane until commit. Raises LeaseLost unless it is still leased under this grant."""
        if self.core.execute(_GRANT, {"lane": lane}).scalar() != grant:
            raise LeaseLost(lane)

    def append_now(self, rows: Sequence[NewJob]) -> set[str]:
        """Append rows to their lanes; says which keys were new (rows without a key are not named)."""
        self._open_lanes(rows)
        fresh: set[str] = set()
        for coalesce in (False, True):
            chosen = [row for row in rows if row.coalesce is coalesce]
            if chosen:
                fresh |= self._insert(chosen, coalesce=coalesce)
        if self.others_needed and not self.is_sqlite:
            self.core.execute(select(func.pg_notify(NOTIFY_CHANNEL, "")))
        return fresh

    def wake(self, lane: str, due_at: datetime) -> None:
        """Make a lane due no later than then, for a row that is already in the database."""
        self._open_lanes([NewJob("", lane, {}, due_at)])
        self.core.execute(
            update(LANE).where(LANE.c.key == lane, LANE.c.due_at > due_at).values(due_at=due_at)
        )
        if not self.is_sqlite:
            self.core.execute(select(func.pg_notify(NOTIFY_CHANNEL, "")))

    def _open_lanes(self, rows: Sequence[NewJob]) -> None:
        due: dict[str, datetime] = {}
        urgent = {row.lane for row in rows if row.high_priority}
        for row in rows:
            due[row.lane] = min(row.due_at, due.get(row.lane, row.due_at))
        asked = {lane: self._reserve(lane) for lane in sorted(due)}
        values = [
            {
                "key": lane,
                "family": family_of(lane),
                "due_at": due[lane],
                "leased_by": seat.worker if seat else None,
                "grant": seat.grant if seat else None,
                "rank": 0 if lane in urgent else LAST,
            }
            for lane, seat in asked.items()
        ]
        opened = self.core.execute(_OPEN_LANE[self.is_sqlite], values)
        grants = {row.key: row.grant for row in opened}
        for lane, seat in asked.items():
            if seat and grants[lane] == seat.grant:
                self.started.append(seat)
            else:
                self.others_needed = True

    def _reserve(self, lane: str) -> Seat | None:
        """A free thread of this process for the lane, so that no dispatcher need look for it."""
        if any(seat.lane == lane for seat in self.reserved):
            return None
        seat = self.seats(lane) if self.seats else None
        if seat:
            self.reserved.append(seat)
        return seat

    def _insert(self, rows: Sequence[NewJob], *, coalesce: bool) -> set[str]:
        values = [
            {
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
            for row in rows
        ]
        found = self.core.execute(_INSERT_WORK[self.is_sqlite, coalesce], values).all()
        self._seat_first(rows, found)
        return {row.key for row in found if row.key is not None}

    def _seat_first(self, rows: Sequence[NewJob], inserted: Sequence[Any]) -> None:
        """A lane that was empty begins with what was just inserted: no need to ask for it again."""
        new = {row.key or row.id: row for row in inserted}
        if len(rows) != 1 or len(new) != 1:
            return  # which row got which id is told for one alone
        (work,), ((_, row),) = rows, new.items()
        for seat in self.started:
            if seat.lane == work.lane and seat.job is None:
                seat.job = Job(
                    row.id, work.lane, work.kind, work.payload, 0, work.due_at, work.due_at, None
                )

    def lock(self, model: type[Row], row_id: int) -> Row | None:
        """The row, held until commit; on SQLite the whole database is."""
        return self.session.get(model, row_id, with_for_update=True, populate_existing=True)

    def change(self, model: type[SQLModel], *where: Any, **values: Any) -> int:
        """One conditional UPDATE; says how many rows it changed."""
        table = table_of(model)
        result = self.session.execute(update(table).where(*where).values(**values))
        return int(getattr(result, "rowcount", 0))
