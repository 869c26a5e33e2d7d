"""One transaction: the session, and a participant that takes part in the commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol, TypeVar

from sqlalchemy import (
    Connection,
    Insert,
    Table,
    Update,
    bindparam,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import SQLModel

NOTIFY_CHANNEL = "handoff_work"
Row = TypeVar("Row", bound=SQLModel)


def table_of(model: type[SQLModel]) -> Table:
    """The Core table of a model; statements on it skip the ORM's bookkeeping on hot paths."""
    return model.metadata.tables[str(model.__tablename__)]


_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext(:what))")
# Both dialects spell ON CONFLICT the same; SQLAlchemy keeps it in two places. The key says: is it SQLite?
DIALECTS: dict[bool, Any] = {True: sqlite.insert, False: postgresql.insert}


# Statements are built once: building one costs SQLAlchemy about as much as running it.
@cache
def _insert(table: Table) -> Insert:
    return insert(table)


@cache
def _update(table: Table, names: tuple[str, ...]) -> Update:
    """Of these columns, in the row with the key `its_…`."""
    where = [column == bindparam(f"its_{column.name}") for column in table.primary_key]
    return update(table).where(*where).values({name: bindparam(name) for name in names})


def _values(row: SQLModel) -> dict[str, Any]:
    """A row's columns; without an id that the database is to give."""
    values = {name: getattr(row, name) for name in type(row).model_fields}
    if values.get("id", 0) is None:
        del values["id"]
    return values


class Participant(Protocol):
    """Collects what belongs to a transaction and is written at its end."""

    def before_commit(self) -> None:
        """Write what was collected."""

    def ended(self, error: BaseException | None) -> None:
        """The transaction was committed, or undone by this error. DatabaseAway: nobody knows which."""


@dataclass
class Transaction:
    """What a unit of work does its questions and changes through.

    Attributes:
        core: for statements that need nothing of the ORM: it costs as much again.
        participate: makes the participant when the first statement needs one.
    """

    core: Connection
    is_sqlite: bool
    participate: Callable[[Transaction], Participant] | None = None
    participant: Participant | None = None
    remembered: dict[tuple[str, int], Any] = field(default_factory=dict)
    """What was asked once and cannot change in this transaction, by what it is and whose."""
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

    def before_commit(self) -> None:
        """Let the participant write what it has collected."""
        if self.participant:
            self.participant.before_commit()

    def ended(self, error: BaseException | None) -> None:
        """Let the participant know of the commit, or of what undid the transaction."""
        participant, self.participant = self.participant, None
        if participant:
            participant.ended(error)

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
        """Write a row now, so that its id and its unique keys are settled."""
        session, table = self.session, table_of(type(row))
        session.flush()
        if inspect(row).has_identity:  # it was inserted before
            return row
        # The session's own way to insert costs four times as much as the statement.
        key = self.core.execute(_insert(table), _values(row)).inserted_primary_key or ()
        for column, value in zip(table.primary_key, key, strict=True):
            set_committed_value(row, column.name, value)
        make_transient_to_detached(row)
        session.add(row)
        return row

    def set(self, row: Row, **values: Any) -> None:
        """Change columns of a row now, unless they are so already."""
        changed = {name: new for name, new in values.items() if getattr(row, name) != new}
        if not changed:
            return
        table = table_of(type(row))
        key = {f"its_{column.name}": getattr(row, column.name) for column in table.primary_key}
        self.core.execute(_update(table, tuple(changed)), changed | key)
        for name, new in changed.items():
            set_committed_value(row, name, new)

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
        added = DIALECTS[self.is_sqlite](table_of(type(row))).values(_values(row))
        self.session.execute(added.on_conflict_do_nothing(index_elements=key))

    def one_at_a_time(self, what: str) -> None:
        """Let others wait, until this commits, who are about to do the same."""
        if not self.is_sqlite:  # which has one writer at a time anyhow
            self.core.execute(_ONE_AT_A_TIME, {"what": f"handoff.{what}"})

    def lock(self, model: type[Row], row_id: int) -> Row | None:
        """The row, held until commit; on SQLite the whole database is."""
        return self.session.get(model, row_id, with_for_update=True, populate_existing=True)

    def change(self, model: type[SQLModel], *where: Any, **values: Any) -> int:
        """One conditional UPDATE; says how many rows it changed."""
        table = table_of(model)
        result = self.session.execute(update(table).where(*where).values(**values))
        return int(getattr(result, "rowcount", 0))
