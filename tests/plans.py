"""How databases find the rows of statements: from an index, or by reading a whole table.

A plan does not depend on time or load, so a test can hold it. On SQLite the product keeps no
statistics, so the plan on an empty database is the one in operation. On PostgreSQL whole tables are
read where no index fits, once that is as dear as it is with millions of rows (`enable_seqscan`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event, text

from handoff_bot.storage import libpq
from handoff_bot.storage.database import Database

GROWING = frozenset(
    {
        "attachment",
        "contact",
        "contact_address",
        "conversation",
        "delivery",
        "desk_post",
        "desk_thread",
        "escalation",
        "event",
        "message",
        "note",
        "spent",
        "ticket",
        "ticket_tag",
        "work",
    }
)
"""Tables that grow with each message or customer."""
EXPLAINED = ("SELECT", "UPDATE", "DELETE", "WITH")
_NAMED = re.compile(r'\b(\w+) AS "?(\w+)"?')
_SCAN = re.compile(r"SCAN (\w+)")
Values = Mapping[str, Any] | Sequence[Any]


class Statements:
    """The statements that ran, each with the values of its first run."""

    def __init__(self) -> None:
        self.seen: dict[str, Values] = {}

    @contextmanager
    def watched(self) -> Iterator["Statements"]:
        """Notes what runs in the block, on all databases of this process."""
        native = libpq.Statements._run

        def run(prepared: libpq.Statements, sql: bytes, values: Sequence[Any]) -> Any:
            self._note(sql.decode(), list(values))
            return native(prepared, sql, values)

        event.listen(Engine, "before_cursor_execute", self._look)
        libpq.Statements._run = run  # type: ignore[method-assign, assignment]
        try:
            yield self
        finally:
            libpq.Statements._run = native  # type: ignore[method-assign]
            event.remove(Engine, "before_cursor_execute", self._look)

    def _look(
        self, _c: Any, _cursor: Any, sql: str, values: Any, _context: Any, many: bool
    ) -> None:
        if "%(" in sql and not isinstance(values, Mapping):
            return  # prepared, and seen where libpq runs it
        self._note(sql, values[0] if many else values)

    def _note(self, sql: str, values: Any) -> None:
        if sql.lstrip().upper().startswith(EXPLAINED):
            self.seen.setdefault(sql, values)

    def that_read_everything(self, database: Database) -> dict[str, list[str]]:
        """Returns statement -> the growing tables that it reads from end to end."""
        plan = _sqlite if database.is_sqlite else _postgres
        found: dict[str, list[str]] = {}
        with database.engine.connect() as connection:
            if not database.is_sqlite:
                # With few rows, two tables are joined by reading both.
                for way in ("seqscan", "hashjoin", "mergejoin"):
                    connection.execute(text(f"SET enable_{way} = off"))
                connection.commit()
            driver: Any = connection.connection.driver_connection
            for sql, values in self.seen.items():
                tables = sorted(set(plan(driver, sql, values)) & GROWING)
                if tables:
                    found[sql] = tables
        return found


def _sqlite(driver: Any, sql: str, values: Any) -> Iterator[str]:
    named = {alias: table for table, alias in _NAMED.findall(sql)}
    for *_, detail in driver.execute(f"EXPLAIN QUERY PLAN {sql}", values or ()).fetchall():
        for name in _SCAN.findall(detail):
            yield named.get(name, name)


def _postgres(driver: Any, sql: str, values: Any) -> Iterator[str]:
    explain = "EXPLAIN (FORMAT JSON)"
    if isinstance(values, Mapping):
        ((plan,),) = driver.execute(f"{explain} {sql}", values).fetchall()
    else:
        places = re.sub(r"\$(\d+)", lambda one: f"%(p{one[1]})s", sql.replace("%", "%%"))
        named = {f"p{number}": value for number, value in enumerate(values, 1)}
        ((plan,),) = driver.execute(f"{explain} {places}", named).fetchall()
    driver.rollback()
    yield from _read_by(plan[0]["Plan"], is_limited=False)


def _read_by(node: Mapping[str, Any], *, is_limited: bool) -> Iterator[str]:
    kind = node["Node Type"]
    is_whole = kind == "Seq Scan" or (
        kind in ("Index Scan", "Index Only Scan") and "Index Cond" not in node and not is_limited
    )
    if is_whole and "Relation Name" in node:
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _read_by(child, is_limited=is_limited or kind == "Limit")
