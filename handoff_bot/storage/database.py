"""The engines and the one way to open a transaction, on SQLite and on PostgreSQL."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.orm import Session

from handoff_bot.storage.transaction import Seat, Transaction

BUSY_TIMEOUT_MS = 15_000


class Crew(Protocol):
    """Runs lanes in this process."""

    def reserve(self, lane: str) -> Seat | None:
        """A free thread for this lane, if there is one."""

    def seat(self, reserved: Sequence[Seat], started: Sequence[Seat]) -> None:
        """The transaction has ended: run the lanes that were started, free the other threads."""


class Database:
    """One database, opened.

    Args:
        url: SQLAlchemy's, "sqlite:///handoff.db" or "postgresql://…".
        synchronous: SQLite's durability, "full" (also survives power loss) or "normal" (kill -9).
        pool_size: PostgreSQL connections of this process.

    Attributes:
        crew: who runs lanes in this process; it is asked for free threads when work is enqueued, told
            after the commit which of them have a lane to run.
    """

    def __init__(
        self,
        url: str,
        *,
        synchronous: str = "full",
        pool_size: int = 12,
    ) -> None:
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self.crew: Crew | None = None
        if self.is_sqlite:
            _keep_private(url)
            # One writer beats twenty: they would only wait for each other inside SQLite's busy handler.
            self._writer = _sqlite_engine(url, synchronous, writer=True)
            self._reader = _sqlite_engine(url, synchronous, writer=False)
        else:
            self._writer = self._reader = create_engine(
                _with_psycopg(url),
                pool_size=pool_size,
                max_overflow=4,
                pool_pre_ping=True,
                hide_parameters=True,  # an error's text would hold what customers wrote
            )

    @property
    def engine(self) -> Engine:
        """The writing engine, for migrations."""
        return self._writer

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that commits at the end of the block, or rolls back when it raises."""
        crew = self.crew
        with Session(self._writer, expire_on_commit=False) as session:
            transaction = Transaction(
                session, is_sqlite=self.is_sqlite, seats=crew.reserve if crew else None
            )
            try:
                with session.begin():
                    yield transaction
                    transaction.flush_work()
            except BaseException:
                transaction.started.clear()
                raise
            finally:
                if crew and transaction.reserved:
                    crew.seat(transaction.reserved, transaction.started)

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction for questions alone; what it would change is rolled back."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield Transaction(session, is_sqlite=self.is_sqlite)

    def close(self) -> None:
        """Close all connections."""
        self._writer.dispose()
        self._reader.dispose()


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
        os.makedirs(folder, mode=0o700, exist_ok=True)
    with contextlib.suppress(OSError):  # whether it can be opened at all is for SQLite to say
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    for suffix in ("", "-wal", "-shm"):  # SQLite makes these two like the first
        with contextlib.suppress(OSError):
            os.chmod(path + suffix, 0o600)


def _sqlite_engine(url: str, synchronous: str, *, writer: bool) -> Engine:
    engine = create_engine(
        url,
        pool_size=1 if writer else 8,
        max_overflow=0 if writer else 8,
        hide_parameters=True,  # an error's text would hold what customers wrote
        pool_timeout=BUSY_TIMEOUT_MS / 1000,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin on its own: see _begin
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            f"query_only={'OFF' if writer else 'ON'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # Taking the write lock at once cannot fail half way, as an upgrade from a read can.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine
