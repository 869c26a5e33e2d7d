"""Statements on hot paths: SQL and conversions are worked out once, then the driver runs them.

SQLAlchemy's own execution costs ten times as much as the database's, and loading an entity twice
that again. Listeners of `before_cursor_execute` are told as usual, and errors are SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, Generic, TypeVar

from sqlalchemy import BindParameter, Connection, Dialect, bindparam, insert, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapper, Session, configure_mappers
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.sql.dml import UpdateBase
from sqlmodel import SQLModel

from handoff_bot.storage.sealed import KEYRING

Entity = TypeVar("Entity", bound=SQLModel)
Convert = Callable[[Any], Any]
STATEMENTS = "statements"
"""Key of a PostgreSQL connection's prepared statements in SQLAlchemy's notes on it."""


class Prepared:
    """One Core statement.

    A list as a value stands for an `expanding` parameter. Rows are plain tuples, in the order of
    the statement's columns.
    """

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._lists: tuple[str, ...] | None = None
        self._forms: dict[tuple[object, ...], _Form] = {}

    def run(self, core: Connection, values: Mapping[str, Any]) -> int:
        """Returns the number of changed rows."""
        return self._form(core.dialect, values).changed(core, values)

    def first(self, core: Connection, values: Mapping[str, Any]) -> Any:
        """Returns the first row, or None."""
        rows = self._form(core.dialect, values).rows(core, values)
        return rows[0] if rows else None

    def rows(self, core: Connection, values: Mapping[str, Any]) -> list[Any]:
        return self._form(core.dialect, values).rows(core, values)

    def each(self, core: Connection, several: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Runs it with each of these values in turn, in one round trip; returns the first rows."""
        if len(several) == 1:
            return [self.first(core, several[0])]
        return self._form(core.dialect, several[0]).each(core, several)

    def scalar(self, core: Connection, values: Mapping[str, Any]) -> Any:
        """Returns the first row's first value, or None."""
        row = self.first(core, values)
        return row[0] if row else None

    def _form(self, dialect: Dialect, values: Mapping[str, Any]) -> _Form:
        lists = self._lists
        if lists is None:
            lists = self._lists = tuple(
                name for name, value in values.items() if self._is_list(name, value)
            )
        # Conversions depend on the database's keys.
        key: tuple[object, ...] = (dialect.name, getattr(dialect, KEYRING, None), *values)
        if lists:
            key = (*key, *(len(values[name]) for name in lists))
        form = self._forms.get(key)
        if form is None:
            made = _PostgresForm if dialect.name == "postgresql" else _Form
            form = self._forms[key] = made(self._statement, dialect, values, lists)
        return form

    def _is_list(self, name: str, value: object) -> bool:
        """JSON lists are values of columns; only expanding parameters become several ones."""
        if not isinstance(value, list):
            return False
        found = self._statement.compile().binds.get(name)
        return isinstance(found, BindParameter) and found.expanding


class _Form:
    """A statement in one dialect, with these values and lengths of lists."""

    def __init__(
        self,
        statement: Any,
        dialect: Dialect,
        values: Mapping[str, Any],
        lists: Sequence[str],
    ) -> None:
        names = list(values) if isinstance(statement, UpdateBase) else None
        compiled: Any = statement.compile(dialect=dialect, column_keys=names)
        made = compiled.construct_expanded_state(dict(values))
        self._sql, self._driver = made.statement, dialect.loaded_dbapi
        self._lists = {name: made.parameter_expansion[name] for name in lists}
        spread = {name for several in self._lists.values() for name in several}
        order = made.positiontup or () if compiled.positional else list(made.parameters)
        self._names = tuple(order)
        self._fixed: list[Any] = []
        self._given: list[tuple[int, str, Convert | None]] = []
        for place, name in enumerate(order):
            bind = compiled.binds.get(name)  # None for one of a list
            its_type = bind.type.dialect_impl(dialect) if bind is not None else None
            convert = its_type.bind_processor(dialect) if its_type else made.processors.get(name)
            if name in values or name in spread:
                self._given.append((place, name, convert))
                self._fixed.append(None)
            else:
                value = made.parameters[name]
                self._fixed.append(convert(value) if convert else value)
        self._converts = [
            (place, convert)
            for place, column in enumerate(_columns(statement))
            if (convert := column.type.dialect_impl(dialect).result_processor(dialect, None))
        ]

    def rows(self, core: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Returns the converted rows.

        Raises:
            DBAPIError: as SQLAlchemy would.
        """
        return self._loaded(self._executed(core, self._converted(values)).fetchall())

    def changed(self, core: Connection, values: Mapping[str, Any]) -> int:
        """Returns the number of changed rows; raises as `rows`."""
        return int(self._executed(core, self._converted(values)).rowcount)

    def each(self, core: Connection, several: Sequence[Mapping[str, Any]]) -> list[Any]:
        """See `Prepared.each`."""
        given = [self._converted(values) for values in several]
        connection = self._told(core, given)
        found = (self._run_on(core, connection, one).fetchall() for one in given)
        return [next(iter(self._loaded(rows)), None) for rows in found]

    def _executed(self, core: Connection, given: Sequence[Any]) -> Any:
        """Returns the driver's cursor."""
        return self._run_on(core, self._told(core, given), given)

    def _run_on(self, core: Connection, connection: Any, given: Sequence[Any]) -> Any:
        cursor = connection.cursor()
        try:
            return cursor.execute(self._sql, given)
        except self._driver.Error as error:
            raise _failure(core, connection, self._sql, error) from error

    def _converted(self, values: Mapping[str, Any]) -> list[Any]:
        """Returns the parameters as the driver takes them."""
        if self._lists:
            pairs = (zip(names, values[one], strict=True) for one, names in self._lists.items())
            values = {**values, **dict(chain.from_iterable(pairs))}
        made = self._fixed.copy()
        for place, name, convert in self._given:
            made[place] = convert(values[name]) if convert else values[name]
        return made

    def _told(self, core: Connection, given: Sequence[Any]) -> Any:
        """Returns the driver's connection, after telling the listeners."""
        connection: Any = core.connection.dbapi_connection
        for told in core.engine.dispatch.before_cursor_execute:
            told(core, None, self._sql, given, None, False)
        return connection

    def _loaded(self, found: list[Any]) -> list[Any]:
        if not self._converts:
            return found
        made = []
        for row in found:
            values = list(row)
            for place, convert in self._converts:
                values[place] = convert(values[place])
            made.append(tuple(values))
        return made


class _PostgresForm(_Form):
    """A statement that libpq runs; several are pipelined by a cursor."""

    def __init__(
        self,
        statement: Any,
        dialect: Dialect,
        values: Mapping[str, Any],
        lists: Sequence[str],
    ) -> None:
        super().__init__(statement, dialect, values, lists)
        # Imported here, because SQLite deployments should not pay for the driver's 14 MB.
        from handoff_bot.storage.libpq import Statements, numbered

        self._statements = Statements
        self._native, names = numbered(self._sql)
        self._places = [self._names.index(name) for name in names]

    def rows(self, core: Connection, values: Mapping[str, Any]) -> list[Any]:
        return self._loaded(self._run(core, values, "rows"))

    def changed(self, core: Connection, values: Mapping[str, Any]) -> int:
        return int(self._run(core, values, "changed"))

    def _run(self, core: Connection, values: Mapping[str, Any], how: str) -> Any:
        made = self._converted(values)
        connection = self._told(core, made)
        kept = core.connection.info
        statements = kept.get(STATEMENTS)
        if statements is None:
            statements = kept[STATEMENTS] = self._statements(connection)
        try:
            return getattr(statements, how)(self._native, [made[place] for place in self._places])
        except self._driver.Error as error:
            raise _failure(core, connection, self._sql, error) from error

    def each(self, core: Connection, several: Sequence[Mapping[str, Any]]) -> list[Any]:
        given = [dict(zip(self._names, self._converted(values), strict=True)) for values in several]
        connection = self._told(core, given)
        cursor = connection.cursor()
        try:
            cursor.executemany(self._sql, given, returning=True)
            return list(self._firsts(cursor))
        except self._driver.Error as error:
            raise _failure(core, connection, self._sql, error) from error

    def _firsts(self, cursor: Any) -> Iterator[Any]:
        """Yields the first row, or None, for each of the parameters."""
        more = True
        while more:
            yield next(iter(self._loaded(cursor.fetchall())), None)
            more = cursor.nextset()


def end_transaction(core: Connection, command: bytes) -> None:
    """Ends PostgreSQL's transaction, as libpq does; SQLAlchemy only notes it afterwards."""
    from handoff_bot.storage import libpq

    connection: Any = core.connection.dbapi_connection
    try:
        libpq.end(connection, command)
    except core.dialect.loaded_dbapi.Error as error:
        raise _failure(core, connection, command.decode(), error) from error


def _failure(core: Connection, connection: Any, sql: str, error: Any) -> Exception:
    is_gone = core.dialect.is_disconnect(error, connection, None)
    if is_gone:
        core.invalidate(error)
    failure: Exception = DBAPIError.instance(
        sql,
        None,
        error,
        core.dialect.loaded_dbapi.Error,
        hide_parameters=True,  # an error's text would contain customer text
        connection_invalidated=is_gone,
        dialect=core.dialect,
    )
    return failure


def _columns(statement: Any) -> Sequence[Any]:
    """Returns the columns of a statement's rows."""
    return tuple(getattr(statement, "exported_columns", ()))  # plain text has none


class Loader(Generic[Entity]):
    """Makes entities of rows, and of a primary key, as a session would."""

    def __init__(self, model: type[Entity]) -> None:
        configure_mappers()
        self._mapper: Mapper[Entity] = inspect(model)
        self._table: Any = self._mapper.local_table
        self.columns = tuple(self._table.c)
        self._names = [column.name for column in self.columns]
        key = self._mapper.primary_key
        self._key = [self._names.index(column.name) for column in key]
        self._keys = [column.name for column in key]
        self._insert = Prepared(
            insert(model.metadata.tables[str(model.__tablename__)]).returning(*key)
        )
        given = {
            name: field
            for name, field in model.model_fields.items()
            if not field.is_required() and name not in self._keys
        }
        # Not by pydantic's `get_default`: it parses the factory's signature for each row.
        self._factories: dict[str, Any] = {
            name: field.default_factory for name, field in given.items() if field.default_factory
        }
        self._defaults = {
            name: field.default for name, field in given.items() if not field.default_factory
        }
        by_key = select(*self.columns).where(key[0] == bindparam("id"))
        self._by_key = Prepared(by_key)
        self._held = Prepared(by_key.with_for_update())

    def of(self, session: Session, values: Sequence[Any], *, again: bool = False) -> Entity:
        """Returns the row's entity; `again` renews one that is already loaded and not changed."""
        key = self._mapper.identity_key_from_primary_key(
            tuple(values[place] for place in self._key)
        )
        known = self._known(session, key)
        if known is not None:
            if again:
                known.__dict__.update(zip(self._names, values, strict=True))
            return known
        made: Entity = self._mapper.class_manager.new_instance()
        made.__dict__.update(zip(self._names, values, strict=True))
        # As SQLAlchemy's own loading does: `Session.add` looks for what could follow along.
        state = instance_state(made)
        state.key, state.session_id = key, session.hash_key
        session.identity_map.add(state)
        return made

    def insert(self, session: Session, core: Connection, given: Mapping[str, Any]) -> Entity:
        """Inserts a row with these columns and the model's defaults; returns its entity."""
        values = {**self._defaults, **given}
        for name, make in self._factories.items():
            if name not in given:
                values[name] = make()
        values.update(zip(self._keys, self._insert.first(core, values), strict=True))
        return self.of(session, [values[name] for name in self._names])

    def get(
        self, session: Session, core: Connection, key: Any, *, again: bool, hold: bool
    ) -> Entity | None:
        """Returns the entity with this primary key, or None; `hold` locks it until commit."""
        identity = self._mapper.identity_key_from_primary_key((key,))
        known = None if again else self._known(session, identity)
        if known is not None:
            return known
        session.flush()
        statement = self._held if hold else self._by_key
        row = statement.first(core, {"id": key})
        return self.of(session, row, again=again) if row else None

    def _known(self, session: Session, key: Any) -> Entity | None:
        known: Entity | None = session.identity_map.get(key)
        if known is not None and instance_state(known).expired_attributes:
            session.refresh(known)
        return known


@cache
def loader(model: type[Entity]) -> Loader[Entity]:
    """Returns the model's loader."""
    return Loader(model)


class QuickSession(Session):
    """Gets entities with prepared statements."""

    def __init__(self, core: Connection) -> None:
        super().__init__(core, expire_on_commit=False, join_transaction_mode="rollback_only")
        self._core = core

    def get(  # type: ignore[override] # without options that nothing uses
        self,
        entity: Any,
        ident: Any,
        *,
        populate_existing: bool = False,
        with_for_update: Any = None,
        **_unused: Any,
    ) -> Any:
        """As `Session.get`, for a key of one column."""
        hold = bool(with_for_update)
        return loader(entity).get(self, self._core, ident, again=populate_existing, hold=hold)
