"""The engines and the ways to open a transaction, on SQLite and on PostgreSQL."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url

from handoff_bot.domain.errors import DatabaseAway
from handoff_bot.storage.group_commit import BEGIN_WITHIN, GroupCommit
from handoff_bot.storage.outages import told_apart
from handoff_bot.storage.transaction import Participant, Transaction

PATIENCE = 15.0
"""Seconds that a transaction waits to begin: for its turn in this process and for other processes."""
HEARTBEAT_PATIENCE = 1.0
BUSY_STEP = 4
"""Seconds by which a wait for other processes may be longer than asked: setting it is a statement."""
ALIVE = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""Options of libpq: a PostgreSQL server that vanishes without a word is noticed within some 15 seconds."""
ABANDONED_SECONDS = 15
"""PostgreSQL ends a transaction in which a client is silent for so long: a frozen process would keep its
locks for ever. No transaction of ours waits for anything but the database."""


class Database:
    """One database, opened.

    Args:
        url: SQLAlchemy's, "sqlite:///handoff.db" or "postgresql://…".
        synchronous: SQLite's durability, "full" (also survives power loss) or "normal" (kill -9).
        pool_size: PostgreSQL connections of this process.

    Attributes:
        participate: makes what takes part in each transaction that writes, when it is first needed.
    """

    def __init__(
        self,
        url: str,
        *,
        synchronous: str = "full",
        pool_size: int = 12,
    ) -> None:
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self.participate: Callable[[Transaction], Participant] | None = None
        if self.is_sqlite:
            _keep_private(url)
            # One writer beats twenty: they would only wait for each other inside SQLite's busy handler.
            self._writer = _sqlite_writer(url, synchronous, PATIENCE)
            self._reader = _sqlite_reader(url, synchronous)
            # A heartbeat that a power cut undoes is no loss, so it need not wait for the disk.
            self._heart = _sqlite_writer(url, "normal", HEARTBEAT_PATIENCE)
        else:
            self._writer = self._reader = _postgres_engine(url, pool_size, 4)
            self._heart = _postgres_engine(url, 1, 0)
        self._group = GroupCommit(self._writer) if self.is_sqlite else None

    @property
    def engine(self) -> Engine:
        """The writing engine, for migrations."""
        return self._writer

    @contextlib.contextmanager
    def write(self, patience: float = PATIENCE) -> Iterator[Transaction]:
        """A transaction that commits at the end of the block, or rolls back when it raises.

        Args:
            patience: seconds that it may wait to begin, on SQLite.

        Raises:
            DatabaseAway: the database does not answer; it may have committed all the same.
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
        """A connection whose changes are committed at the end."""
        with self._group.turn(patience) if self._group else self._writer.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction for questions alone; what it would change is rolled back."""
        with told_apart(), self._reader.connect() as connection, connection.begin() as begun:
            with Transaction(connection, is_sqlite=self.is_sqlite) as transaction:
                yield transaction
                transaction.forget()
            begun.rollback()

    @contextlib.contextmanager
    def heartbeat(self) -> Iterator[Transaction]:
        """A short transaction that waits for no pool. On SQLite it goes before all who wait to write.

        Where the one who writes there does not come to an end, a connection of its own may still succeed.
        """
        with told_apart(), contextlib.ExitStack() as stack:
            try:
                turn = self._group.turn(HEARTBEAT_PATIENCE, first=True) if self._group else None
                connection = stack.enter_context(turn or self._heart.begin())
            except DatabaseAway:
                connection = stack.enter_context(self._heart.begin())
            yield stack.enter_context(Transaction(connection, is_sqlite=self.is_sqlite))

    def close(self) -> None:
        """Close all connections."""
        for engine in (self._writer, self._reader, self._heart):
            engine.dispose()


def _with_psycopg(url: str) -> str:
    """The same address with the driver we ship, whatever the operator's tool wrote ("postgres://")."""
    scheme, _, rest = url.partition("://")
    return url if "+" in scheme else f"postgresql+psycopg://{rest}"


def _keep_private(url: str) -> None:
    """Let only our own user read the file: it holds customers' messages. Foreign files stay as they are."""
    path = make_url(url).database or ":memory:"
    if path.startswith((":", "file:")):
        return
    folder = os.path.dirname(path)
    if folder:
        with contextlib.suppress(OSError):  # one folder only: a longer path is rather a slip
            os.mkdir(folder, mode=0o700)
    with contextlib.suppress(OSError):  # whether it can be opened at all is for SQLite to say
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    for suffix in ("", "-wal", "-shm"):  # SQLite makes these two like the first
        with contextlib.suppress(OSError):
            os.chmod(path + suffix, 0o600)


def _postgres_engine(url: str, pool_size: int, overflow: int) -> Engine:
    engine = create_engine(
        _with_psycopg(url),
        pool_size=pool_size,
        max_overflow=overflow,
        pool_timeout=PATIENCE,
        pool_pre_ping=True,  # after the server's restart, connections of before are replaced unseen
        hide_parameters=True,  # an error's text would hold what customers wrote
        connect_args=dict(ALIVE),
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        # As a statement: a pooler such as PgBouncer refuses it as an option of the connection.
        connection.execute(f"SET idle_in_transaction_session_timeout = '{ABANDONED_SECONDS}s'")
        connection.commit()

    return engine


def _sqlite_engine(url: str, synchronous: str, *, writer: bool) -> Engine:
    engine = create_engine(
        url,
        pool_size=1 if writer else 8,
        max_overflow=0 if writer else 8,
        hide_parameters=True,  # an error's text would hold what customers wrote
        pool_timeout=PATIENCE,
        connect_args={"check_same_thread": False, "timeout": PATIENCE},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin on its own; see _begin
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            f"query_only={'OFF' if writer else 'ON'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _sqlite_reader(url: str, synchronous: str) -> Engine:
    engine = _sqlite_engine(url, synchronous, writer=False)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _sqlite_writer(url: str, synchronous: str, patience: float) -> Engine:
    """Its connections wait so long for the write lock, unless `group_commit` says otherwise."""
    engine = _sqlite_engine(url, synchronous, writer=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        seconds = connection.info.get(BEGIN_WITHIN, patience)
        before = connection.info.get("busy_seconds", 0)
        if not seconds <= before <= seconds + BUSY_STEP:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={seconds * 1000:.0f}")
            connection.info["busy_seconds"] = seconds
        # Taking the write lock at once cannot fail half way, as an upgrade from a read can.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
