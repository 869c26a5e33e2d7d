"""Distinguishes a database outage from a statement that can never work."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from handoff_bot.domain.errors import DatabaseAway

_SQLITE_AWAY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
"""Other codes, such as SQLITE_ERROR ("no such table"), are also OperationalErrors but are bugs."""
_READ_ONLY = "25006"
"""PostgreSQL's code after a failover, while still connected to the demoted server."""


@contextlib.contextmanager
def told_apart() -> Iterator[None]:
    """Raises DatabaseAway for errors inside that are caused by an outage."""
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        if not is_away(error):
            raise
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise DatabaseAway(type(cause).__name__) from error


def is_away(error: DBAPIError | PoolTimeout) -> bool:
    """Returns whether a later retry will work. Includes deadlocks, where one side has to retry."""
    if isinstance(error, PoolTimeout) or error.connection_invalidated:
        return True
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE_AWAY  # the low byte; the rest is a detail
    if getattr(error.orig, "sqlstate", None) == _READ_ONLY:
        return True
    return isinstance(error, OperationalError | InterfaceError)
