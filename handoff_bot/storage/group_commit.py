"""SQLite's single writer, shared: transactions that wait for their turn join the open one.

A commit waits for the disk, so a thread that ends a transaction while others wait leaves it open
for the next. The last one commits for all, and no thread returns before that. Each but the first
has a savepoint, so failures are rolled back separately. No thread waits for company: with one
writer nothing changes.
"""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import cast

from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import SQLAlchemyError

from handoff_bot.domain.errors import DatabaseAway

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
