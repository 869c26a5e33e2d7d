"""Statements on a whole database: what a restored one needs before a bot uses it, and checks."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, inspect, or_, select, text, update
from sqlalchemy.exc import DatabaseError

from handoff_bot.domain.errors import SchemaError
from handoff_bot.domain.results import CheckResult
from handoff_bot.domain.text import many
from handoff_bot.storage import migrate
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import DeskThread, Lane, Source, Work, Worker
from handoff_bot.storage.schema import HEAD, KNOWN
from handoff_bot.storage.transaction import Transaction, table_of

_WORK, _LANE, _THREAD = table_of(Work), table_of(Lane), table_of(DeskThread)
COUNTED = ("contact", "conversation", "message", "ticket", "event", "attachment")
_ARRIVED = (
    select(func.count())
    .select_from(_WORK)
    .where(
        _WORK.c.status == "ready",
        or_(*(_WORK.c.lane.startswith(f"{queue}:") for queue in ("in", "answer", "slack"))),
    )
)
_INVALID = {
    "indexes": "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid",
    "constraints": "SELECT conname FROM pg_constraint WHERE NOT convalidated",
}
"""What PostgreSQL itself holds to be unchecked."""


@dataclass(frozen=True)
class Restored:
    """A prepared database; `pending` jobs are looked up at their provider before they run, `arrived` ones
    handle what came in.
    """

    revision: str
    pending: int
    arrived: int


@dataclass(frozen=True)
class Contact:
    """Until when messages count as received: those of channels and Slack, and those of threads."""

    sources: datetime
    threads: datetime


def settle(database: Database, revision: str, kinds: Collection[str], contact: Contact) -> Restored:
    """Migrates, and prepares for a bot, in one transaction.

    Args:
        revision: recorded first; "" if the database holds it.
        kinds: of jobs that may have run since the backup.
        contact: messages before then are not fetched.
    """
    with database.engine.begin() as connection:
        if revision:
            _record(connection, revision)
        migrate.upgrade(connection)
        migrate.declare(connection)
        tx = Transaction(connection, is_sqlite=database.is_sqlite)
        pending = _mark_begun(tx, kinds)
        arrived = tx.core.execute(_ARRIVED).scalar_one()
        tx.core.execute(delete(table_of(Worker)))
        tx.core.execute(update(_LANE).values(leased_by=None, grant=None))
        tx.core.execute(
            update(table_of(Source)).values(
                in_contact_at=contact.sources,
                read_until=contact.sources,
                unread_since=None,
                unread_until=None,
            )
        )
        tx.core.execute(update(_THREAD).values(read_until=contact.threads, unread_since=None))
    return Restored(HEAD, pending, int(arrived))


def _record(connection: Connection, revision: str) -> None:
    connection.execute(
        text(
            "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
        )
    )
    connection.execute(
        text("INSERT INTO alembic_version (version_num) VALUES (:revision)"), {"revision": revision}
    )


def _mark_begun(tx: Transaction, kinds: Collection[str]) -> int:
    """Marks jobs as begun when they were enqueued. Each has a time of its own: jobs of a lane with the
    same one count as one call.
    """
    waiting = select(_WORK.c.id, _WORK.c.first_due_at).where(
        _WORK.c.status == "ready", _WORK.c.kind.in_(kinds), _WORK.c.begun_at.is_(None)
    )
    found = tx.core.execute(waiting).all()
    for number, (job_id, first_due_at) in enumerate(found):
        begun_at = first_due_at + timedelta(microseconds=number)
        tx.core.execute(update(_WORK).where(_WORK.c.id == job_id).values(begun_at=begun_at))
    return len(found)


def checks(database: Database) -> Iterator[CheckResult]:
    """Yields the integrity, the schema version, counts, and failed jobs."""
    with database.read() as tx:
        found = list(_check_sqlite(tx) if tx.is_sqlite else _check_postgres(tx))
        yield from found
        if not all(each.ok for each in found):
            return
        revision = migrate.revision(tx.core)
        try:
            migrate.refuse_newer(revision, oldest=migrate.oldest_program(tx.core))
        except SchemaError as error:
            yield CheckResult("schema", False, str(error))
            return
        yield CheckResult("schema", True, _schema(revision))
        known = set(inspect(tx.core).get_table_names())
        if "work" in known:
            counts = ", ".join(many(_count(tx, each), each) for each in COUNTED if each in known)
            yield CheckResult("rows", True, counts)
            yield _check_jobs(tx)


def _schema(revision: str | None) -> str:
    if revision is None:
        return "no tables; the bot creates them when it starts"
    if revision not in KNOWN:
        return f"{revision}; this program knows {HEAD} and may use it"
    later = revision != HEAD
    return f"{revision}; the bot migrates it to {HEAD}" if later else f"{revision}, the newest"


def _check_sqlite(tx: Transaction) -> Iterator[CheckResult]:
    try:
        found = tx.core.execute(text("PRAGMA integrity_check(10)")).scalars().all()
    except DatabaseError as error:
        found = [str(error.orig)]
    hint = f"damaged ({found[0]}). Restore a backup: handoff db restore FILE --replace"
    yield CheckResult("integrity", found == ["ok"], "ok" if found == ["ok"] else hint)
    if found != ["ok"]:
        return
    broken = tx.core.execute(text("PRAGMA foreign_key_check")).fetchall()
    tables = ", ".join(sorted({row[0] for row in broken}))
    hint = f"{tables} refer to rows that are gone ({len(broken):,}). Restore a backup"
    yield CheckResult("foreign keys", not broken, hint if broken else "ok")


def _check_postgres(tx: Transaction) -> Iterator[CheckResult]:
    for what, query in _INVALID.items():
        names = [row[0] for row in tx.core.execute(text(query))]
        hint = f"not valid: {', '.join(names)}. Run REINDEX or VALIDATE CONSTRAINT"
        yield CheckResult(what, not names, hint if names else "ok")


def _count(tx: Transaction, table: str) -> int:
    return int(tx.core.execute(select(func.count()).select_from(text(table))).scalar_one())


def _check_jobs(tx: Transaction) -> CheckResult:
    found = select(_WORK.c.status, func.count()).where(_WORK.c.status.in_(("ready", "failed")))
    rows = tx.core.execute(found.group_by(_WORK.c.status)).all()
    counts = {row[0]: row[1] for row in rows}
    failed = counts.get("failed", 0)
    hint = ". See them with: handoff jobs list" if failed else ""
    words = f"{counts.get('ready', 0):,} waiting, {failed:,} failed{hint}"
    return CheckResult("jobs", not failed, words)
