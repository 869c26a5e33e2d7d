"""What each occasion reads, in blocks or steps of the database, which do not depend on other load."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import event

from handoff_bot.storage.database import Database

STEP = 1_000
"""SQLite's instructions that count as one."""
BLOCK = 8_192
MUCH = 2_000
"""Blocks, or thousands of instructions, from which on a statement is named."""


@dataclass
class Read:
    """What one occasion read.

    Attributes:
        amount: blocks of 8 KB (PostgreSQL), or thousands of instructions (SQLite).
        dearest: statements that read much, with their amounts.
    """

    seconds: float = 0.0
    amount: int = 0
    dearest: dict[str, int] = field(default_factory=dict)


class Postgres:
    """Counts by pg_stat_statements, which the server must have loaded."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

    @contextmanager
    def counting(self, read: Read) -> Iterator[None]:
        self._connection.execute("SELECT pg_stat_statements_reset()")
        yield
        rows = self._connection.execute(
            "SELECT query, shared_blks_hit + shared_blks_read, calls FROM pg_stat_statements "
            "WHERE query NOT LIKE '%pg_stat_statements%' ORDER BY 2 DESC"
        ).fetchall()
        read.amount = sum(int(row[1]) for row in rows)
        read.dearest = {
            f"{calls} x {' '.join(query.split())}": int(blocks)
            for query, blocks, calls in rows
            if blocks >= MUCH
        }


class Sqlite:
    """Counts the instructions of all connections; statements are named by their order."""

    def __init__(self, database: Database) -> None:
        self._steps = 0
        self._last = ""
        self._by: dict[str, int] = {}
        for engine in (database._writer, database._reader, database._heart):
            event.listen(engine, "checkout", self._watch)
            engine.dispose()

    def _watch(self, connection: Any, _record: object, _proxy: object) -> None:
        connection.set_progress_handler(self._step, STEP)
        connection.set_trace_callback(self._begun)

    def _begun(self, sql: str) -> None:
        self._last = sql

    def _step(self) -> None:
        self._steps += 1
        self._by[self._last] = self._by.get(self._last, 0) + 1

    @contextmanager
    def counting(self, read: Read) -> Iterator[None]:
        self._steps, self._by = 0, {}
        yield
        read.amount = self._steps
        read.dearest = {
            " ".join(sql.split()): steps for sql, steps in self._by.items() if steps >= MUCH
        }


def measured(counter: Postgres | Sqlite, act: Callable[[], object]) -> Read:
    """Does it and returns what it read; its seconds say little on a machine with other load."""
    read = Read()
    began = time.perf_counter()
    with counter.counting(read):
        act()
        read.seconds = time.perf_counter() - began
    return read
