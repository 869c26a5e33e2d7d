"""Engines and transactions on SQLite and PostgreSQL, and what counts as an outage."""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InvalidatePoolError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from handoff_bot.domain.errors import DatabaseAway
from handoff_bot.storage.encryption import Keyring
from handoff_bot.storage.prepared import Prepared, end_transaction
from handoff_bot.storage.schema import CONNECTION
from handoff_bot.storage.sealed import attach
from handoff_bot.storage.transaction import BEGIN_WITHIN, GroupCommit, Participant, Transaction

PATIENCE = 12.0
"""Seconds that a transaction waits to begin, for its turn in this process and for other processes.

An arrival's sender may hang up after 15 (Twilio). All use the same, because another time costs a
statement.
"""
HEARTBEAT_PATIENCE = 1.0
CONNECTIONS = 12
"""To PostgreSQL, for each process; a rush may open four more."""
BUSY_STEP = 1
"""Seconds by which a wait for other processes may exceed the request: setting it costs a statement."""
ALIVE: dict[str, str | int] = {
    "application_name": CONNECTION,
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""libpq options. A vanished PostgreSQL server is noticed within about 15 seconds."""
PING_AFTER = 0.5
"""Seconds of rest after which a PostgreSQL connection is tried before it is used. At each use, the
question would cost as much as a statement; under load, a restart is noticed in any case.
"""
_BEGIN, _BEGIN_IMMEDIATE = Prepared(text("BEGIN")), Prepared(text("BEGIN IMMEDIATE"))
ABANDONED_SECONDS = 15
"""PostgreSQL ends a transaction whose client is silent for this long, because a frozen process
would keep its locks. Our transactions only wait for the database.
"""


class Database:
    """One open database.

    Args:
        url: SQLAlchemy URL, "sqlite:///handoff.db" or "postgresql://…".
        synchronous: SQLite's durability, "full" (survives power loss) or "normal" (survives kill
            -9).
        pool_size: PostgreSQL connections of this process.
        keyring: keys that seal texts and files; None leaves them plain.

    Attributes:
        participate: creates the participant of each writing transaction, when first needed.
    """

    def __init__(
        self,
        url: str,
        *,
        synchronous: str = "full",
        pool_size: int = CONNECTIONS,
        keyring: Keyring | None = None,
    ) -> None:
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self.participate: Callable[[Transaction], Participant] | None = None
        if self.is_sqlite:
            _keep_private(url)
            # One writer beats twenty: they would only wait for each other in SQLite's busy handler.
            self._writer = _sqlite_writer(url, synchronous, PATIENCE)
            self._reader = _sqlite_reader(url, synchronous)
            # A heartbeat lost in a power cut is harmless, so it need not wait for the disk.
            self._heart = _sqlite_writer(url, "normal", HEARTBEAT_PATIENCE)
        else:
            self._writer = self._reader = _postgres_engine(url, pool_size, 4)
            self._heart = _postgres_engine(url, 1, 0)
        for engine in (self._writer, self._reader, self._heart):
            attach(engine, keyring)
        self.keyring = keyring
        self._group = GroupCommit(self._writer) if self.is_sqlite else None

    @property
    def engine(self) -> Engine:
        """Returns the writing engine, for migrations."""
        return self._writer

    @contextlib.contextmanager
    def write(self, patience: float = PATIENCE) -> Iterator[Transaction]:
        """Opens a transaction that commits at the end of the block, or rolls back on an exception.

        Args:
            patience: seconds to wait for it to begin, on SQLite.

        Raises:
            DatabaseAway: the database does not respond; it may still have committed.
        """
        transaction: Transaction | None = None
        failed: BaseException | None = None
        try:
            with (
                told_apart(),
                self._written(patience) as connection,
                Transaction(
                    connection, is_sqlite=self.is_sqlite, participate=self.participate
                ) as transaction,
            ):
                yield transaction
                transaction.before_commit()
        except BaseException as error:
            failed = error
            raise
        finally:
            if transaction:
                transaction.ended(failed)

    @contextlib.contextmanager
    def _written(self, patience: float) -> Iterator[Connection]:
        """Yields a connection that commits at the end."""
        if self._group:
            with self._group.turn(patience) as connection:
                yield connection
            return
        with self._writer.begin() as connection:
            yield connection
            end_transaction(connection, b"COMMIT")

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """Opens a read-only transaction; changes are rolled back."""
        with told_apart(), self._reader.connect() as connection, connection.begin() as begun:
            with Transaction(connection, is_sqlite=self.is_sqlite) as transaction:
                yield transaction
                transaction.forget()
            if not self.is_sqlite:
                end_transaction(connection, b"ROLLBACK")
            begun.rollback()

    @contextlib.contextmanager
    def heartbeat(self) -> Iterator[Transaction]:
        """Opens a short transaction outside the pool. On SQLite, it goes before all waiting
        writers.

        If the current writer does not finish there, a connection of its own may still succeed.
        """
        with told_apart(), contextlib.ExitStack() as stack:
            try:
                turn = self._group.turn(HEARTBEAT_PATIENCE, first=True) if self._group else None
                connection = stack.enter_context(turn or self._heart.begin())
            except DatabaseAway:
                connection = stack.enter_context(self._heart.begin())
            yield stack.enter_context(Transaction(connection, is_sqlite=self.is_sqlite))

    def purge(self) -> bool:
        """Moves SQLite's log into its file and empties it, so that no earlier version of a row
        stays on disk. Returns False while another connection prevents it.

        PostgreSQL's dead rows and log are the server's: returns True.
        """
        if not self.is_sqlite:
            return True
        with told_apart(), self._heart.connect() as connection:
            driver: Any = connection.connection.driver_connection
            busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def close(self) -> None:
        if self._group:
            self._group.close()
        for engine in (self._writer, self._reader, self._heart):
            engine.dispose()


def _with_psycopg(url: str) -> str:
    """Returns the URL with our driver, whatever form the operator used ("postgres://")."""
    scheme, _, rest = url.partition("://")
    return url if "+" in scheme else f"postgresql+psycopg://{rest}"


def _keep_private(url: str) -> None:
    """Restricts the file to our own user, because it holds customers' messages. Files of others are
    not changed.
    """
    path = make_url(url).database or ":memory:"
    if path.startswith((":", "file:")):
        return
    folder = os.path.dirname(path)
    if folder:
        with contextlib.suppress(OSError):  # one folder only: a longer path is probably a typo
            os.mkdir(folder, mode=0o700)
    with contextlib.suppress(OSError):  # SQLite itself reports whether it can be opened
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    for suffix in ("", "-wal", "-shm"):  # SQLite creates these two with the same permissions
        with contextlib.suppress(OSError):
            os.chmod(path + suffix, 0o600)


def _postgres_engine(url: str, pool_size: int, overflow: int) -> Engine:
    engine = create_engine(
        _with_psycopg(url),
        pool_size=pool_size,
        max_overflow=overflow,
        pool_timeout=PATIENCE,
        hide_parameters=True,  # an error's text would contain customer text
        # Hot statements are prepared in `libpq`; psycopg's own ones would be discarded after each read.
        connect_args={**ALIVE, "prepare_threshold": None},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        # As a statement: poolers such as PgBouncer refuse it as a connection option.
        connection.execute(f"SET idle_in_transaction_session_timeout = '{ABANDONED_SECONDS}s'")
        connection.commit()

    lost = {"at": -math.inf}
    """When a connection was last found closed by the server: then older ones may be closed too."""

    @event.listens_for(engine, "invalidate")
    def _lost(_connection: object, _record: object, _error: object) -> None:
        lost["at"] = time.monotonic()

    @event.listens_for(engine, "checkin")
    def _used(_connection: object, record: Any) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _proven(connection: Any, record: Any, _proxy: object) -> None:
        """After a server restart, old connections are replaced silently."""
        used = record.info.get("used", -math.inf)
        if time.monotonic() - used < PING_AFTER and used > lost["at"]:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    return engine


def _sqlite_engine(url: str, synchronous: str, *, writer: bool) -> Engine:
    engine = create_engine(
        url,
        pool_size=1 if writer else 8,
        max_overflow=1 if writer else 8,  # `transaction` keeps one; migrations need another
        hide_parameters=True,  # an error's text would contain customer text
        pool_timeout=PATIENCE,
        connect_args={"check_same_thread": False, "timeout": PATIENCE},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        connection.isolation_level = (
            None  # the driver must not begin transactions itself; see _begin
        )
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            # Deleted and shortened content is overwritten with zeros, so a forgotten customer's
            # messages do not stay in free pages.
            "secure_delete=ON",
            f"query_only={'OFF' if writer else 'ON'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _sqlite_reader(url: str, synchronous: str) -> Engine:
    engine = _sqlite_engine(url, synchronous, writer=False)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        _BEGIN.run(connection, {})

    return engine


def _sqlite_writer(url: str, synchronous: str, patience: float) -> Engine:
    """Its connections wait this long for the write lock, unless `transaction` sets another time."""
    engine = _sqlite_engine(url, synchronous, writer=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        seconds = connection.info.get(BEGIN_WITHIN, patience)
        before = connection.info.get("busy_seconds", 0)
        if not seconds <= before <= seconds + BUSY_STEP:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={seconds * 1000:.0f}")
            connection.info["busy_seconds"] = seconds
        # Taking the write lock at once cannot fail halfway, unlike an upgrade from a read lock.
        _BEGIN_IMMEDIATE.run(connection, {})

    return engine


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
