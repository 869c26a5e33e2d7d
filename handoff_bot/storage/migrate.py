"""Migrates the tables, beside programs of older versions on PostgreSQL (ADR 17)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from handoff_bot import __version__
from handoff_bot.domain.errors import SchemaError
from handoff_bot.storage.database import Database
from handoff_bot.storage.schema import APPLICATION, HEAD, KNOWN, MIGRATIONS
from handoff_bot.storage.single_instance import SingleInstanceLock

if TYPE_CHECKING:
    from alembic.config import Config

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

LOCK = 0x48616E646F6666
"""PostgreSQL advisory lock of a migration's transaction ("Handoff" in ASCII).

Programs of schema 0019 and older wait for it in a statement, whose snapshot CREATE INDEX CONCURRENTLY
waits for. So it is not held while an index is built.
"""
TURN_LOCK = LOCK + 3
"""PostgreSQL advisory lock of the process that migrates."""
LOCK_SECONDS = 1.0
"""How long a migration waits for a table. Messages that need the table wait behind it."""
STATEMENT_SECONDS = 8.0
"""How long a statement may hold a table. Twilio waits 15 seconds for the answer to a webhook."""
PATIENCE = 300.0
"""Seconds until a migration that gets no lock is given up."""
LONGEST_PAUSE = 10.0
TURN = 0.2
"""Seconds between questions whether another process still migrates."""
LIMITS = ("lock_timeout", "statement_timeout")
LOCKED = frozenset({"55P03", "40P01"})
"""PostgreSQL's codes for a lock timeout and a deadlock."""
TOO_LONG = "57014"
TOO_NEW = (
    "was migrated by a newer version of Handoff (schema {found}). This is Handoff {version}, which "
    "knows schemas up to {head}. Install the newer version, or restore a backup made before the "
    "upgrade: handoff db restore FILE --replace."
)
MUST_STOP = (
    "Migration {revision} cannot run while a program older than schema {oldest} runs, and one with "
    "schema {running} does. Stop it, or upgrade it to a version with schema {oldest} first. Nothing "
    "was changed."
)
BLOCKED = (
    "Migration {revision} got no lock on its tables within {seconds:.0f} seconds, because another "
    "transaction is open on them, such as a backup or a report. Start again when that has ended."
)
SLOW = (
    "Migration {revision} takes longer than {seconds:.0f} seconds, for which messages would wait. "
    "Stop all processes of the older version, then start again: without them it has no limit."
)
_RUNNING = text(
    "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database() "
    "AND application_name LIKE :name AND pid <> pg_backend_pid()"
).bindparams(name=f"{APPLICATION}%")
BEFORE_NAMES = "0019"
"""Newest schema of programs whose connections do not name theirs."""


@dataclass(frozen=True)
class Step:
    """One pending migration.

    Attributes:
        what: the first line of its file.
        oldest: the oldest program, by its newest schema, that may run with this migration; "" if the
            migration only adds, so that older programs go on.
        concurrent: on PostgreSQL it runs outside of a transaction, because it builds an index while
            messages are stored.
    """

    revision: str
    what: str
    oldest: str = ""
    concurrent: bool = False


@dataclass(frozen=True)
class Plan:
    """What a migration does.

    Attributes:
        found: the database's revision, None without tables.
        running: newest schemas of the other programs that are connected; () on SQLite.
    """

    found: str | None
    steps: tuple[Step, ...]
    running: tuple[str, ...] = ()


def plan(database: Database) -> Plan:
    """Returns the pending migrations, without changing anything. Raises SchemaError as `migrate`."""
    with database.engine.connect() as connection:
        steps = pending(connection) if is_pending(connection) else ()
        others = () if database.is_sqlite else running(connection)
        return Plan(revision(connection), tuple(steps), others)


def migrate(database: Database) -> None:
    """Migrates to the newest revision; of several processes one does, and the others wait.

    On SQLite all pending migrations are one transaction. On PostgreSQL each has its own.

    Raises:
        SchemaError: a newer version has migrated the database in a way that this program cannot
            use, or an older program runs that a migration has to stop, or blocks it.
    """
    if database.is_sqlite:
        with ExitStack() as held, database.engine.begin() as connection:
            if is_pending(connection):
                held.enter_context(_without_instance(database, connection))
            upgrade(connection)
        return
    with database.engine.connect() as connection:
        if not _ask(connection, is_pending):
            return
        with _turn(connection):
            for step in _ask(connection, pending):  # none, if another process was first
                _apply(database, connection, step)


def upgrade(connection: Connection) -> None:
    """Migrates within an open transaction, beside no other program. Raises SchemaError as `migrate`."""
    if not is_pending(connection):
        return
    steps = pending(connection)
    _run(connection, HEAD)
    _declare(connection, steps)


def is_pending(connection: Connection) -> bool:
    """Returns whether the database lacks migrations. Raises SchemaError if it is too new."""
    found = revision(connection)
    if found is not None and found not in KNOWN:
        refuse_newer(found, oldest=oldest_program(connection))
        logger.info("schema is newer, and usable", extra={"schema": found, "known": HEAD})
        return False
    return found != HEAD


def declare(connection: Connection) -> None:
    """Records in a restored database which programs may use it."""
    _declare(connection, _steps(connection, None))


def require(connection: Connection, oldest: str) -> None:
    """Records that programs older than this schema cannot use the database any more."""
    connection.execute(
        text("UPDATE alembic_version SET oldest = :oldest WHERE oldest < :oldest"),
        {"oldest": oldest},
    )


def no_longer_require(connection: Connection, oldest: str) -> None:
    """Takes `require` back: what the migrations say counts again."""
    declared = max((step.oldest for step in _steps(connection, None)), default="")
    connection.execute(
        text("UPDATE alembic_version SET oldest = :declared WHERE oldest = :oldest"),
        {"declared": declared, "oldest": oldest},
    )


def refuse_newer(found: str | None, what: str = "The database", oldest: str = "") -> None:
    """Raises SchemaError if this program knows neither the revision nor is one that may use it.

    `oldest` is what the database says of the oldest program.
    """
    if found is None or found in KNOWN or (oldest and oldest <= HEAD):
        return
    raise SchemaError(f"{what} {TOO_NEW.format(found=found, version=__version__, head=HEAD)}")


def revision(connection: Connection) -> str | None:
    """Returns the current revision, None without tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version"))
    return found.scalar_one_or_none()


def oldest_program(connection: Connection) -> str:
    """Returns the oldest program, by its newest schema, that may use the database; "" if unknown."""
    checked = inspect(connection)
    if not checked.has_table("alembic_version"):
        return ""
    if not any(each["name"] == "oldest" for each in checked.get_columns("alembic_version")):
        return ""
    found = connection.execute(text("SELECT oldest FROM alembic_version"))
    return str(found.scalar_one_or_none() or "")


def running(connection: Connection) -> tuple[str, ...]:
    """Returns the newest schemas of other connected programs, oldest first (PostgreSQL)."""
    names = connection.execute(_RUNNING).scalars()
    return tuple(sorted({each.partition(" ")[2] or BEFORE_NAMES for each in names}))


def pending(connection: Connection) -> Sequence[Step]:
    """Returns the migrations that the database lacks, in order."""
    return _steps(connection, revision(connection))


def _steps(connection: Connection, after: str | None) -> Sequence[Step]:
    # Imported here, because Alembic takes 14 MB and is only needed for migrations.
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(configuration(connection))
    found = list(scripts.iterate_revisions(HEAD, after or "base"))
    return [
        Step(
            each.revision,
            (each.module.__doc__ or "").strip().splitlines()[0],
            getattr(each.module, "oldest", ""),
            getattr(each.module, "concurrent", False),
        )
        for each in reversed(found)
    ]


def configuration(connection: Connection) -> Config:
    """Returns Alembic's configuration for an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _run(connection: Connection, target: str, *, concurrently: bool = False) -> None:
    from alembic import command

    config = configuration(connection)
    config.attributes["concurrently"] = concurrently
    command.upgrade(config, target)


def _declare(connection: Connection, steps: Sequence[Step]) -> None:
    oldest = max((step.oldest for step in steps), default="")
    if oldest:
        require(connection, oldest)


# -- SQLite: one process


@contextmanager
def _without_instance(database: Database, connection: Connection) -> Iterator[None]:
    """A migration that older programs cannot use waits for the bot that has the database."""
    before = revision(connection)
    stopping = [step for step in pending(connection) if step.oldest > (before or "")]
    if before is None or not stopping:
        yield
        return
    lock = SingleInstanceLock(database.engine.url.render_as_string())
    if not lock.acquire():
        step = stopping[0]
        given = {"revision": step.revision, "oldest": step.oldest, "running": before}
        raise SchemaError(MUST_STOP.format(**given))
    try:
        yield
    finally:
        lock.release()


# -- PostgreSQL: beside older programs, whose messages must not wait


def _ask(connection: Connection, question: Callable[[Connection], Answer]) -> Answer:
    """Returns the answer, and leaves no transaction open."""
    with connection.begin():
        return question(connection)


@contextmanager
def _turn(connection: Connection) -> Iterator[None]:
    """Waits while another process migrates. It asks again and again: see `LOCK` for why."""
    while True:
        with connection.begin():
            if connection.execute(
                text("SELECT pg_try_advisory_lock(:key)"), {"key": TURN_LOCK}
            ).scalar():
                break
        time.sleep(TURN)
    try:
        yield
    finally:
        with suppress(DBAPIError), connection.begin():  # a lost connection has lost its lock
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": TURN_LOCK})


def _apply(database: Database, connection: Connection, step: Step) -> None:
    """Runs one migration; tries again while its tables are locked."""
    until, pause = time.monotonic() + PATIENCE, LOCK_SECONDS
    while True:
        older = [each for each in _ask(connection, running) if each < step.revision]
        if older and older[0] < step.oldest:
            given = {"revision": step.revision, "oldest": step.oldest, "running": older[0]}
            raise SchemaError(MUST_STOP.format(**given))
        try:
            _try(database, connection, step, is_limited=bool(older))
        except DBAPIError as error:
            why = getattr(error.orig, "sqlstate", None)
            if why == TOO_LONG and older and not step.concurrent:
                words = SLOW.format(revision=step.revision, seconds=STATEMENT_SECONDS)
                raise SchemaError(words) from error
            if why not in LOCKED:
                raise
            if time.monotonic() > until:
                words = BLOCKED.format(revision=step.revision, seconds=PATIENCE)
                raise SchemaError(words) from error
            logger.info("migration waits for a lock", extra={"schema": step.revision})
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            logger.info("migrated", extra={"schema": step.revision})
            return


def _try(database: Database, connection: Connection, step: Step, *, is_limited: bool) -> None:
    if step.concurrent:
        # Neither limit: it blocks no message, whatever it waits for.
        with database.engine.connect() as other:
            alone = other.execution_options(isolation_level="AUTOCOMMIT")
            try:
                for limit in LIMITS:
                    alone.execute(text(f"SET {limit} = 0"))
                _run(alone, step.revision, concurrently=True)
            finally:
                with suppress(DBAPIError):
                    for limit in LIMITS:
                        alone.execute(text(f"RESET {limit}"))
        return
    with connection.begin():
        # 0 is no limit, whatever the role or the database has.
        for limit, seconds in zip(LIMITS, (LOCK_SECONDS, STATEMENT_SECONDS), strict=True):
            milliseconds = int(seconds * 1000) if is_limited else 0
            connection.execute(text(f"SET LOCAL {limit} = {milliseconds}"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        if (revision(connection) or "") >= step.revision:
            return  # by an older program, which has waited for no turn
        _run(connection, step.revision)
        _declare(connection, [step])
