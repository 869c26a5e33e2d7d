"""Runs prepared statements on PostgreSQL by libpq, without psycopg's cursors.

A cursor takes 85 µs of processor time a statement, in 55 calls of Python functions, and waits in a
selector. libpq itself takes 20 µs and waits without the GIL.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

from psycopg import Connection, OperationalError, errors
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

MOST_PREPARED = 300
"""Statements that a connection keeps. Lists of unusual lengths are not prepared after that."""
_PLACEHOLDER = re.compile(r"%(?:\((?P<name>[^)]+)\)s|%)")
_GOOD = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})


def numbered(sql: str) -> tuple[bytes, list[str]]:
    """Returns psycopg's SQL ("%(name)s") as PostgreSQL's ("$1"), and the names in their order."""
    places: dict[str, int] = {}

    def placeholder(found: re.Match[str]) -> str:
        name = found["name"]
        return f"${places.setdefault(name, len(places) + 1)}" if name else "%"

    return _PLACEHOLDER.sub(placeholder, sql).encode(), list(places)


def end(connection: Connection[Any], command: bytes) -> None:
    """Ends the transaction, if one has begun.

    Raises:
        psycopg.Error: as psycopg's own `commit` or `rollback`, which have nothing left to do.
        psycopg.errors.InFailedSqlTransaction: an error of a statement was ignored, and PostgreSQL
            has answered COMMIT with a rollback.
    """
    if connection.pgconn.transaction_status != TransactionStatus.IDLE:
        result = _good(connection.pgconn.exec_(command))
        if result.command_status != command:
            raise errors.InFailedSqlTransaction(f"{command.decode()} was a rollback")


class StaleStatement(OperationalError):
    """PostgreSQL no longer has a prepared statement (26000), or a column's type has changed since
    (0A000). A later try of the transaction prepares it again.
    """


class Statements:
    """The statements that one connection has prepared; for one thread at a time.

    psycopg must not prepare statements itself (`prepare_threshold`): it would discard ours after a
    rollback.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._types = Transformer(connection)
        self._names: dict[bytes, bytes] = {}
        self._numbers = itertools.count()
        self._are_stale = False

    def rows(self, sql: bytes, values: Sequence[Any]) -> list[Any]:
        """Returns the rows as tuples.

        Raises:
            psycopg.Error: as a cursor would.
        """
        result = self._run(sql, values)
        self._types.set_pgresult(result)
        return self._types.load_rows(0, result.ntuples, tuple)

    def changed(self, sql: bytes, values: Sequence[Any]) -> int:
        """Returns the number of changed rows."""
        return self._run(sql, values).command_tuples or 0

    def _run(self, sql: bytes, values: Sequence[Any]) -> PGresult:
        libpq = self._libpq
        if libpq.transaction_status == TransactionStatus.IDLE and not self._connection.autocommit:
            if self._are_stale:
                self._discard()
            _good(libpq.exec_(b"BEGIN"))
        given = self._types.dump_sequence(values, [PyFormat.TEXT] * len(values))
        name = self._names.get(sql) or self._prepared(sql)
        if name is None:
            return _good(libpq.exec_params(sql, given))
        try:
            return _good(libpq.exec_prepared(name, given))  # type: ignore[arg-type] # None is NULL
        except (errors.FeatureNotSupported, errors.InvalidSqlStatementName) as error:
            self._names.clear()  # what happened to one has probably happened to the others
            self._are_stale = True
            raise StaleStatement(str(error)) from error

    def _discard(self) -> None:
        """Frees the stale statements, which a failed transaction could not."""
        self._libpq.exec_(b"DEALLOCATE ALL")
        self._names.clear()
        self._are_stale = False

    def _prepared(self, sql: bytes) -> bytes | None:
        """Returns the new statement's name; None if there are too many."""
        if len(self._names) >= MOST_PREPARED:
            return None
        name = f"handoff_{next(self._numbers)}".encode()
        _good(self._libpq.prepare(name, sql))
        self._names[sql] = name
        return name


def _good(result: PGresult) -> PGresult:
    if result.status not in _GOOD:
        raise errors.error_from_result(result)
    return result
