"""Transactions: the session, participants in the commit, and SQLite's single writer, shared."""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import (
    Connection,
    Engine,
    RootTransaction,
    Select,
    Table,
    bindparam,
    delete,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import SQLModel

from handoff_bot.domain.errors import DatabaseAway
from handoff_bot.storage.encryption import Keyring
from handoff_bot.storage.prepared import Prepared, QuickSession, loader
from handoff_bot.storage.sealed import keyring_of

# -- SQLite's single writer, shared: transactions that wait for their turn join the open one
# A commit waits for the disk, so a thread that ends a transaction while others wait leaves it open
# for the next. The last one commits for all, and no thread returns before that. Each but the first
# has a savepoint, so failures are rolled back separately. No thread waits for company: with one
# writer nothing changes.

BEGIN_WITHIN = "begin_within"
MOST_MEMBERS = 64
LONGEST = 0.05
"""Seconds after which no thread joins an open transaction, because its first member waits for the
commit.
"""


@dataclass(eq=False)
class _Batch:
    """One database transaction and the threads waiting for its commit."""

    connection: Connection
    transaction: RootTransaction
    began: float
    members: int = 0
    ended: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None

    def savepoint(self) -> AbstractContextManager[object]:
        """Undoes one member's changes; the first member's are undone with the whole."""
        return self.connection.begin_nested() if self.members else nullcontext()

    @property
    def is_full(self) -> bool:
        return self.members >= MOST_MEMBERS or time.monotonic() - self.began > LONGEST

    @property
    def is_intact(self) -> bool:
        """Returns False if SQLite rolled everything back by itself, as it does when the disk is full."""
        return self._driver.in_transaction

    @property
    def _driver(self) -> sqlite3.Connection:
        return cast(sqlite3.Connection, self.connection.connection.dbapi_connection)

    def commit(self) -> None:
        """Raises DatabaseAway or the database's own error; then everything is rolled back."""
        if not self.is_intact:
            raise DatabaseAway("the transaction was rolled back")
        self.transaction.commit()

    def roll_back(self) -> None:
        """Rolls back a failed commit, which SQLite leaves open."""
        with suppress(SQLAlchemyError, sqlite3.Error):
            if self.transaction.is_active:
                self.transaction.rollback()
            if self.is_intact:
                self._driver.rollback()

    def end(self, error: BaseException | None = None) -> None:
        """Releases the waiting members."""
        self.error = error
        self.ended.set()

    def wait(self) -> None:
        """Waits for the commit."""
        self.ended.wait()
        if self.error:
            raise DatabaseAway(type(self.error).__name__) from self.error


class GroupCommit:
    """Gives write turns, first come, first served.

    Args:
        engine: begins by taking the write lock, waiting as many seconds as the connection's
            `BEGIN_WITHIN` says.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._is_taken = False
        self._batch: _Batch | None = None
        self._kept: Connection | None = None

    def close(self) -> None:
        """Gives back the connection that is kept between transactions, unless one is running."""
        with self._guard:
            if not self._is_taken:
                self._give_back()

    def _give_back(self) -> None:
        kept, self._kept = self._kept, None
        if kept:
            with suppress(SQLAlchemyError):
                kept.close()

    @contextmanager
    def turn(self, patience: float, *, first: bool = False) -> Iterator[Connection]:
        """Yields a connection whose changes are committed on return, or undone on an exception.

        Args:
            patience: seconds to wait for the turn.
            first: goes before all waiting threads.

        Raises:
            DatabaseAway: the database does not respond; it may still have committed.
        """
        until = time.monotonic() + patience
        self._take_turn(until, first=first)
        try:
            batch = self._batch or self._begin(until)
            try:
                with batch.savepoint():
                    yield batch.connection
            except BaseException:
                if not batch.members or not batch.is_intact:
                    self._undo(batch)
                raise
            batch.members += 1
        finally:
            self._pass_on()
        batch.wait()

    def _take_turn(self, until: float, *, first: bool = False) -> None:
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return
            turn = threading.Event()
            if first:
                self._waiting.appendleft(turn)
            else:
                self._waiting.append(turn)
        if turn.wait(max(0.0, until - time.monotonic())):
            return
        with self._guard:
            if turn in self._waiting:
                self._waiting.remove(turn)
                raise DatabaseAway("no turn to write")
        # the turn was given at this very moment

    def _begin(self, until: float) -> _Batch:
        # Kept, because taking a connection from the pool costs as much as two statements.
        connection = self._kept = self._kept or self._engine.connect()
        connection.info[BEGIN_WITHIN] = math.ceil(max(0.0, until - time.monotonic()))
        try:
            transaction = connection.begin()
        except BaseException:
            self._give_back()
            raise
        self._batch = _Batch(connection, transaction, time.monotonic())
        return self._batch

    def _undo(self, batch: _Batch) -> None:
        """Rolls back the whole batch."""
        self._batch = None
        batch.roll_back()
        self._give_back()
        batch.end(DatabaseAway("the transaction was rolled back") if batch.members else None)

    def _pass_on(self) -> None:
        """Gives the turn to the next thread, with the transaction or after its commit."""
        batch = self._batch
        if batch and batch.members and not batch.is_full and self._give_turn():
            return
        if batch:
            self._commit(batch)
        self._give_turn(or_leave=True)

    def _commit(self, batch: _Batch) -> None:
        self._batch = None
        error: BaseException | None = None
        try:
            batch.commit()
        except BaseException as failed:  # its members raise it
            error = failed
            batch.roll_back()
            self._give_back()
        batch.end(error)

    def _give_turn(self, *, or_leave: bool = False) -> bool:
        """Gives the turn to the longest waiting thread; False if there is none."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
                return True
            if or_leave:
                self._is_taken = False
            return False


# -- one transaction

NOTIFY_CHANNEL = "handoff_work"
PREFERENCES = ("preferences", 0)
"""`Transaction.remembered` of the live settings."""
Row = TypeVar("Row", bound=SQLModel)


def table_of(model: type[SQLModel]) -> Table:
    """Returns a model's Core table; statements on it avoid the ORM's overhead on hot paths."""
    return model.metadata.tables[str(model.__tablename__)]


def select_all(model: type[SQLModel]) -> Select[Any]:
    """Returns the statement whose rows are a model's entities, for `Transaction.entities`."""
    return select(table_of(model))


def delete_some(tx: Transaction, table: Table, limit: int, *where: Any) -> int:
    """Deletes at most `limit` of these rows, so that no other transaction waits long; returns how many.

    Rows that another transaction has locked are left for the next time.
    """
    (key,) = table.primary_key
    some = select(key).where(*where).limit(limit).with_for_update(skip_locked=True)
    # A list of keys would be planned as a join, which PostgreSQL may run again for each row.
    keys = list(tx.core.execute(some).scalars())
    if not keys:
        return 0
    gone = tx.core.execute(delete(table).where(key.in_(keys)))
    return int(getattr(gone, "rowcount", 0))


_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext(:what))")
# Both dialects spell ON CONFLICT the same; SQLAlchemy has it in two places. The key says whether it
# is SQLite.
DIALECTS: dict[bool, Any] = {True: sqlite.insert, False: postgresql.insert}


@cache
def _insert(table: Table) -> Prepared:
    return Prepared(insert(table).returning(*table.primary_key))


@cache
def _insert_unless_known(table: Table, key: tuple[str, ...], *, is_sqlite: bool) -> Prepared:
    return Prepared(DIALECTS[is_sqlite](table).on_conflict_do_nothing(index_elements=key))


@cache
def _update(table: Table, names: tuple[str, ...]) -> Prepared:
    """Builds an UPDATE of these columns in the row with the key `its_…`."""
    where = [column == bindparam(f"its_{column.name}") for column in table.primary_key]
    return Prepared(update(table).where(*where).values({name: bindparam(name) for name in names}))


def _values(row: SQLModel) -> dict[str, Any]:
    """Returns a row's columns, without an id that the database assigns."""
    values = {name: getattr(row, name) for name in type(row).model_fields}
    if values.get("id", 0) is None:
        del values["id"]
    return values


class Participant(Protocol):
    """Collects data of a transaction and writes it at the end."""

    def before_commit(self) -> None:
        """Writes what was collected."""

    def ended(self, error: BaseException | None) -> None:
        """The transaction was committed, or rolled back by this error. DatabaseAway: the outcome is
        unknown.
        """


@dataclass
class Transaction:
    """Access to the database within a unit of work.

    Attributes:
        core: for statements without the ORM, which would double their cost.
        participate: creates the participant when the first statement needs one.
    """

    core: Connection
    is_sqlite: bool
    participate: Callable[[Transaction], Participant] | None = None
    participant: Participant | None = None
    remembered: dict[tuple[str, int], Any] = field(default_factory=dict)
    """Cache of results in this transaction, by kind and owner. They are immutable, or removed by
    what changes them.
    """
    _session: Session | None = None

    def __enter__(self) -> Transaction:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Flushes the session, unless the transaction is rolled back."""
        session, self._session = self._session, None
        if session:
            with session:  # closes it; the connection stays open
                if kind is None and session.is_active:
                    session.flush()
                elif kind is None:
                    session.commit()  # raises: a failed flush was ignored and has rolled back

    def before_commit(self) -> None:
        """Lets the participant write what it has collected."""
        if self.participant:
            self.participant.before_commit()

    def ended(self, error: BaseException | None) -> None:
        """Tells the participant about the commit or the error."""
        participant, self.participant = self.participant, None
        if participant:
            participant.ended(error)

    @property
    def session(self) -> Session:
        """Returns an ORM session on the same connection."""
        if self._session is None:
            self._session = QuickSession(self.core)
        return self._session

    @property
    def keyring(self) -> Keyring | None:
        """Returns the keys that seal texts and files; None if they are plain."""
        return keyring_of(self.core.dialect)

    def flush(self) -> None:
        """Writes changes of the session's entities, before a statement that it does not run."""
        if self._session:
            self._session.flush()

    def forget(self) -> None:
        """Discards unflushed changes."""
        if self._session:
            self._session.close()
            self._session = None

    def add(self, row: Row) -> Row:
        """Inserts a row now, so that its id and its unique keys are known."""
        session, table = self.session, table_of(type(row))
        session.flush()
        if inspect(row).has_identity:  # already inserted
            return row
        # The session's own insert costs four times as much as the statement.
        key = _insert(table).first(self.core, _values(row))
        for column, value in zip(table.primary_key, key, strict=True):
            set_committed_value(row, column.name, value)
        make_transient_to_detached(row)
        session.add(row)
        return row

    def insert(self, model: type[Row], **values: Any) -> Row:
        """Inserts a row as `add` does, without the cost of a model's construction."""
        session = self.session
        session.flush()
        made: Row = loader(model).insert(session, self.core, values)
        return made

    def set(self, row: Row, **values: Any) -> None:
        """Updates columns of a row now, unless unchanged."""
        changed = {name: new for name, new in values.items() if getattr(row, name) != new}
        if not changed:
            return
        table = table_of(type(row))
        key = {f"its_{column.name}": getattr(row, column.name) for column in table.primary_key}
        _update(table, tuple(changed)).run(self.core, changed | key)
        for name, new in changed.items():
            set_committed_value(row, name, new)

    def ensure(self, row: Row, *key: str) -> Row:
        """Returns the row with these columns' values; inserts the given one if it does not exist."""
        self.add_unless_known(row, *key)
        same = [table_of(type(row)).c[name] == getattr(row, name) for name in key]
        return self.session.execute(select(type(row)).where(*same)).scalar_one()

    def add_unless_known(self, row: SQLModel, *key: str) -> None:
        """Inserts a row unless one with these columns' values exists.

        Two transactions may need the same new row at once: the slower one waits for the other's
        commit and uses its row, where a plain INSERT would fail.
        """
        self.flush()
        table = table_of(type(row))
        added = _insert_unless_known(table, key, is_sqlite=self.is_sqlite)
        added.run(self.core, _values(row))

    def one_at_a_time(self, what: str) -> None:
        """Serialises transactions that do the same, until commit."""
        if not self.is_sqlite:  # which has one writer anyway
            self.core.execute(_ONE_AT_A_TIME, {"what": f"handoff.{what}"})
            self.remembered.pop(PREFERENCES, None)  # another one may have changed them meanwhile

    def entity(self, model: type[Row], values: Iterator[Any]) -> Row | None:
        """Takes one entity's columns from a row; None if an outer join found none."""
        made = loader(model)
        its = tuple(islice(values, len(made.columns)))
        return made.of(self.session, its) if its[0] is not None else None

    def entities(
        self,
        model: type[Row],
        statement: Prepared,
        values: Mapping[str, Any],
        *,
        again: bool = False,
    ) -> list[Row]:
        """Returns the entities of a statement made with `select_all`.

        `again` renews those that are already loaded.
        """
        session, made = self.session, loader(model)
        session.flush()
        return [made.of(session, row, again=again) for row in statement.rows(self.core, values)]

    def lock(self, model: type[Row], row_id: int) -> Row | None:
        """Returns the row, locked until commit; SQLite locks the whole database."""
        return self.session.get(model, row_id, with_for_update=True, populate_existing=True)

    def change(self, model: type[SQLModel], *where: Any, **values: Any) -> int:
        """Runs one conditional UPDATE; returns the number of changed rows."""
        table = table_of(model)
        result = self.session.execute(update(table).where(*where).values(**values))
        return int(getattr(result, "rowcount", 0))
