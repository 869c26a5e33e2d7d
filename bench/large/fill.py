"""Copies of the stories: COPY on PostgreSQL, bulk inserts on SQLite, with the indexes made afterwards."""

from __future__ import annotations

import ast
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import JSON, Connection, Table, create_engine, make_url, text

from bench.large.story import ASKS, WAITS, Rows
from handoff_bot.domain.events import EventKind
from handoff_bot.services.timers import KEEP_DONE

YEAR = timedelta(days=365)
OPEN = 400
"""The newest copies; their escalations wait or are claimed."""
AGENTS = 25
BATCH = 50_000
COPIED = (
    "contact",
    "contact_address",
    "conversation",
    "escalation",
    "ticket",
    "desk_thread",
    "desk_post",
    "note",
    "message",
    "delivery",
    "event",
    "work",
)
"""Tables with rows of customers, parents first."""
_OF = {
    "contact_id": "contact",
    "conversation_id": "conversation",
    "escalation_id": "escalation",
    "ticket_id": "ticket",
    "message_id": "message",
    "settled_message_id": "message",
    "note_id": "note",
    "work_id": "work",
}
_AGENTS = frozenset({"agent_id", "owner_id", "closed_by_id", "assignee_id"})
_UNIQUE = frozenset({"provider_id", "oid", "key", "ts", "desk_ts"})
_OPENED = {
    "escalation": {
        "status": "claimed",
        "closed_at": None,
        "closed_by_id": None,
        "settled_message_id": None,
    },
    "ticket": {"status": "pending", "solved_at": None, "outcome": ""},
}
Value = str | int | float | bytes | None
Made = Callable[[int, Mapping[int, str], str, str], Sequence[Any]]
"""Rows of a copy, by its number, its minutes as text, and the addresses of its two customers."""


@dataclass(frozen=True)
class Sizes:
    """How many rows each table of one copy has."""

    rows: Rows

    def of(self, name: str) -> int:
        return next(len(found) for table, found in self.rows.items() if table.name == name)

    def copies(self, wanted: int) -> int:
        """Returns how many copies have as many events, and jobs that are not pruned yet."""
        return round(wanted / (self.of("event") + self.of("work") * (KEEP_DONE / YEAR)))


def fill(url: str, rows: Rows, wanted: int) -> dict[str, Any]:
    """Fills a migrated, empty database; returns rows by table and the seconds it took.

    Args:
        wanted: events and jobs together.
    """
    began = time.perf_counter()
    count = Sizes(rows).copies(wanted)
    target = _Postgres(url) if url.startswith("postgres") else _Sqlite(url)
    now = datetime.now(UTC).replace(microsecond=0)
    with target.opened():
        for table, found in rows.items():
            if found:
                target.add(table, iter(_as_told(table, found, target)))
        copies = _Copies(rows, target, count, now)
        for name in COPIED:
            table = next(one for one in rows if one.name == name)
            if rows[table]:
                target.add(table, copies.of(table))
    return {"copies": count, "filled_in_s": round(time.perf_counter() - began), **target.counted}


def _as_told(table: Table, found: Sequence[Any], target: _Target) -> list[Any]:
    """Returns the stories' own rows, and agents for the copies."""
    if table.name == "agent":
        found = [
            found[0] | {"id": number, "desk_id": f"U{number:08d}", "name": f"Agent {number}"}
            if number > len(found)
            else found[number - 1]
            for number in range(1, AGENTS + 1)
        ]
    return [
        target.ready([target.constant(column, row[column.name]) for column in table.c])
        for row in found
    ]


class _Copies:
    """Makes the rows of a table's copies.

    Python that is written for the table does it in a few microseconds for each row; there are tens
    of millions. Times keep their seconds, and their minutes move.
    """

    def __init__(self, rows: Rows, target: _Target, count: int, now: datetime) -> None:
        self._rows, self._target, self._count = rows, target, count
        self._sizes = Sizes(rows)
        events = next(found for table, found in rows.items() if table.name == "event")
        self._first = events[0]["at"].replace(second=0, microsecond=0)
        self._now, self._minutes = now, {0}

    def of(self, table: Table) -> Iterator[Any]:
        """Yields the rows of all copies, oldest first."""
        found = self._rows[table]
        if table.name == "work":
            found = [{**row, "status": "done", "finished_at": row["due_at"]} for row in found]
        made = self._compiled(table, found)
        left = [row for row in found if row.get("kind") != EventKind.ESCALATION_RESOLVE]
        changed = [{**row, **_OPENED.get(table.name, {})} for row in left]
        opened = self._compiled(table, changed)
        offsets = sorted(self._minutes)
        kept_since = self._now - KEEP_DONE if table.name == "work" else None
        for number in range(1, self._count + 1):
            at = self._now - YEAR * (1 - number / self._count)
            if kept_since and at < kept_since:
                continue
            minutes = {one: f"{at + timedelta(minutes=one):%Y-%m-%d %H:%M}" for one in offsets}
            rows = opened if number > self._count - OPEN else made
            yield from rows(number, minutes, f"+1556{number:07d}", f"+1557{number:07d}")

    def _compiled(self, table: Table, found: Sequence[Any]) -> Made:
        rows = [
            self._target.row([self._source(table, column, row) for column in table.c])
            for row in found
        ]
        code = f"def made(n, t, asks, waits):\n    return [{', '.join(rows)}]"
        names: dict[str, Any] = {}
        exec(code, names)  # noqa: S102 - written above, of our own rows
        made: Made = names["made"]
        return made

    def _source(self, table: Table, column: Any, row: Any) -> list[str]:
        """Returns what a value is joined from, as Python; a single literal is no text."""
        name, value = column.name, row[column.name]
        constant = self._target.constant(column, value)
        if value is None:
            return [repr(constant)]
        parent = table.name if name == "id" else _OF.get(name)
        if parent:
            return [f"{value} + n * {self._sizes.of(parent)}"]
        if name in _AGENTS:
            return [f"1 + n % {AGENTS}"]
        if isinstance(value, datetime):
            offset = (value - self._first) // timedelta(minutes=1)
            self._minutes.add(offset)
            return [f"t[{offset}]", repr(str(constant)[16:])]
        if not isinstance(constant, str):
            return [repr(constant)]
        more = ["'-'", "str(n)"] if name in _UNIQUE else []
        return [*_pieces(constant), *more]


_MARKS = {ASKS: "asks", WAITS: "waits", '"owner": 1': f"'\"owner\": ' + str(1 + n % {AGENTS})"}


def _pieces(constant: str) -> list[str]:
    """Returns a text in pieces, with the customers and the agent of the copy."""
    for mark, source in _MARKS.items():
        before, found, after = constant.partition(mark)
        if found:
            return [*_pieces(before), f"({source})", *_pieces(after)]
    return [repr(constant)]


class _Target:
    """A database that rows are added to."""

    def __init__(self) -> None:
        self.counted: dict[str, int] = {}

    def constant(self, column: Any, value: Any) -> Value:
        """Returns a value as it is stored."""
        if value is None:
            return self.null(column)
        if isinstance(value, datetime):
            return self.time(value)
        if isinstance(column.type, JSON) or isinstance(value, dict | list):
            return self.quoted(json.dumps(value))
        return self.quoted(value) if isinstance(value, str) else value

    def null(self, column: Any) -> Value:
        return None

    def quoted(self, value: str) -> str:
        return value

    def time(self, value: datetime) -> str:
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")

    @contextmanager
    def opened(self) -> Iterator[None]:
        yield

    def ready(self, values: Sequence[Value]) -> Any:
        """Returns a row as `add` takes it."""
        return values

    def row(self, sources: Sequence[Sequence[str]]) -> str:
        """Returns Python that makes a row, of what makes its values."""
        return f"({', '.join(' + '.join(one) for one in sources)})"

    def add(self, table: Table, rows: Iterator[Any]) -> None:
        raise NotImplementedError


class _Sqlite(_Target):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    @contextmanager
    def opened(self) -> Iterator[None]:
        engine = create_engine(self._url)
        with engine.connect() as connection:
            for pragma in ("journal_mode = off", "synchronous = off", "cache_size = -400000"):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
            indexes = connection.exec_driver_sql(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
            ).all()
            for name, _ in indexes:
                connection.exec_driver_sql(f"DROP INDEX {name}")
            self._connection: Connection = connection
            yield
            for _, sql in indexes:
                connection.exec_driver_sql(sql)
            connection.commit()
            connection.exec_driver_sql("PRAGMA journal_mode = wal")
        engine.dispose()

    def add(self, table: Table, rows: Iterator[Any]) -> None:
        places = ", ".join("?" * len(table.c))
        statement = f"INSERT INTO {table.name} VALUES ({places})"  # noqa: S608 - ours
        names = [row[1] for row in self._connection.exec_driver_sql(f"PRAGMA table_info({table})")]
        columns = ", ".join(f'"{column.name}"' for column in table.c)
        statement = statement.replace(" VALUES", f" ({columns}) VALUES")
        assert set(names) == {column.name for column in table.c}  # noqa: S101
        driver: Any = self._connection.connection.driver_connection
        while batch := list(itertools.islice(rows, BATCH)):
            driver.executemany(statement, batch)
            self.counted[table.name] = self.counted.get(table.name, 0) + len(batch)


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class _Postgres(_Target):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def null(self, column: Any) -> Value:
        return "\\N"

    def ready(self, values: Sequence[Value]) -> Any:
        return "\t".join(map(str, values))

    def row(self, sources: Sequence[Sequence[str]]) -> str:
        """Returns one f-string of the whole line."""
        parts: list[str] = []
        for place, one in enumerate(sources):
            parts += [*(["'\\t'"] if place else []), *one]
        return f"''.join(({', '.join(_merged(parts))},))"

    def quoted(self, value: str) -> str:
        return value.translate(_ESCAPES)

    def time(self, value: datetime) -> str:
        return super().time(value) + "+00"

    @contextmanager
    def opened(self) -> Iterator[None]:
        with psycopg.connect(self._url.replace("+psycopg", "")) as connection:
            self._connection = connection
            # References hold, and the log's triggers are about changes only.
            connection.execute("SET session_replication_role = replica")
            connection.execute("SET maintenance_work_mem = '1GB'")
            indexes = connection.execute(
                "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
                "AND indexname NOT IN (SELECT conname FROM pg_constraint)"
            ).fetchall()
            for name, _ in indexes:
                connection.execute(f"DROP INDEX {name}")
            yield
            for _, sql in indexes:
                connection.execute(sql)
            for (table,) in connection.execute(
                "SELECT table_name FROM information_schema.columns "
                "WHERE table_schema = 'public' AND column_name = 'id' AND data_type = 'bigint'"
            ).fetchall():
                if connection.execute(
                    "SELECT pg_get_serial_sequence(%s, 'id')", [table]
                ).fetchone() != (None,):
                    connection.execute(
                        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "  # noqa: S608
                        f"coalesce(max(id), 0) + 1, false) FROM {table}"
                    )
        with psycopg.connect(self._url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")

    def add(self, table: Table, rows: Iterator[Any]) -> None:
        columns = ", ".join(f'"{column.name}"' for column in table.c)
        lines = 0
        with self._connection.cursor().copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
            while batch := list(itertools.islice(rows, 5_000)):
                copy.write("\n".join(batch) + "\n")
                lines += len(batch)
        self.counted[table.name] = self.counted.get(table.name, 0) + lines


def _merged(parts: Sequence[str]) -> Iterator[str]:
    """Yields the Python of a line's parts, neighbouring literals as one."""
    held = ""
    for part in parts:
        literal_text = _literal(part)
        if literal_text is not None:
            held += literal_text
            continue
        if held:
            yield repr(held)
        held = ""
        yield f"str({part})"
    yield repr(held)


def _literal(part: str) -> str | None:
    try:
        return str(ast.literal_eval(part))
    except (ValueError, SyntaxError):
        return None


def size_of(url: str) -> dict[str, dict[str, int]]:
    """Returns bytes by table: rows with what is kept out of line, and indexes."""
    found: dict[str, dict[str, int]] = {}
    engine = create_engine(make_url(url).set(drivername=_driver(url)))
    with engine.connect() as connection:
        if url.startswith("postgres"):
            rows = connection.execute(
                text(
                    "SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class "
                    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
                )
            ).all()
            found = {name: {"table": own, "indexes": more} for name, own, more in rows}
        else:
            rows = connection.exec_driver_sql(
                "SELECT m.tbl_name, sum(CASE WHEN m.type = 'table' THEN d.pageno ELSE 0 END) * size, "
                "sum(CASE WHEN m.type = 'index' THEN d.pageno ELSE 0 END) * size "
                "FROM dbstat AS d JOIN sqlite_master AS m ON m.name = d.name, "
                "(SELECT page_size AS size FROM pragma_page_size) "
                "WHERE d.aggregate = 1 GROUP BY 1"
            ).all()
            found = {name: {"table": own, "indexes": more} for name, own, more in rows}
    engine.dispose()
    return found


def _driver(url: str) -> str:
    return "postgresql+psycopg" if url.startswith("postgres") else "sqlite"
