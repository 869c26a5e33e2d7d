"""Copies of the whole database: SQLite by its online backup, PostgreSQL by pg_dump and pg_restore."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import make_url

from handoff_bot.domain.errors import BackupError
from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import refuse_newer
from handoff_bot.storage.single_instance import SingleInstanceLock

Settle = Callable[[Database, str], None]
"""Migrates a restored database, and prepares it for a bot. The second argument is the revision to
record first, "" if the database holds it.
"""

RUNNING = "A bot may be running on this database ({how}). Stop it before you restore."
NOT_EMPTY = (
    "The database is not empty ({table} has rows). To replace all it holds, add --replace; back it up "
    "before that."
)
NOT_A_BACKUP = "{file} is not a complete backup of Handoff ({why})."
VERSION_TABLE = "alembic_version"


class Store(Protocol):
    """One database that can be copied and restored."""

    def back_up(self, file: Path) -> None:
        """Writes a consistent copy while bots run. Never overwrites.

        Raises:
            BackupError: the file exists, or the copy failed; there is no file then.
        """

    def restore(self, file: Path, *, replace: bool, settle: Settle) -> None:
        """Replaces the database's content by a backup's.

        Raises:
            BackupError: a bot runs, the database is not empty, or the file is no backup.
            SchemaError: a newer version wrote the backup, or migrated the database.
        """


def store_of(url: str) -> Store:
    """Returns the store of a database URL."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return SqliteStore(url, Path(parsed.database or ""))
    # Imported here, because PostgreSQL's driver takes 14 MB, which SQLite deployments should not pay.
    from handoff_bot.storage.postgres_backups import PostgresStore

    return PostgresStore(url)


def refuse_missing(url: str) -> None:
    """Raises BackupError for an SQLite file that does not exist, which a connection would create."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        raise BackupError(f"There is no database {parsed.database}. Check DATABASE_URL.")


@contextmanager
def new_file(file: Path) -> Iterator[Path]:
    """Yields a private file in the same folder, which gets its name when it is complete."""
    if file.exists():
        raise BackupError(f"{file} exists. Choose another name; backups are never overwritten.")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
    except OSError as error:
        raise BackupError(f"{file} cannot be written ({error.strerror}).") from error
    part = Path(name)
    try:
        yield part
        os.fsync(handle)
        os.link(part, file)  # unlike a rename, it fails if another process has made the file
    except FileExistsError as error:
        raise BackupError(f"{file} was created meanwhile.") from error
    except OSError as error:
        raise BackupError(f"{file} cannot be written ({error.strerror}).") from error
    finally:
        os.close(handle)
        part.unlink(missing_ok=True)


class SqliteStore:
    """A database file."""

    def __init__(self, url: str, path: Path) -> None:
        self._url = url
        self._path = path

    def back_up(self, file: Path) -> None:
        """Copies in one step: a copy in several begins again whenever the bot writes."""
        refuse_missing(self._url)
        with (
            new_file(file) as part,
            _told("The backup"),
            closing(_open(self._path)) as source,
            closing(_open(part)) as target,
        ):
            source.backup(target)
            # The copy is one file, without a log beside it.
            target.execute("PRAGMA journal_mode=DELETE")
            _require_whole(target, self._path)

    def restore(self, file: Path, *, replace: bool, settle: Settle) -> None:
        """Prepares a copy first, so that a bot never sees a half restored database."""
        lock = SingleInstanceLock(self._url)
        if not lock.acquire():
            raise BackupError(RUNNING.format(how="its lock file is held"))
        try:
            self._restore(file, replace=replace, settle=settle)
        finally:
            lock.release()

    def _restore(self, file: Path, *, replace: bool, settle: Settle) -> None:
        with closing(_open_backup(file)) as backup:
            refuse_newer(_revision_of(backup, file), "The backup")
            with tempfile.TemporaryDirectory(dir=self._path.parent, prefix=".restore-") as folder:
                copy = Path(folder) / "copy.db"
                with closing(sqlite3.connect(copy)) as target, _told("The copy"):
                    backup.backup(target)
                database = Database(f"sqlite:///{copy}")
                try:
                    settle(database, "")
                    database.purge()
                finally:
                    database.close()
                self._put_in_place(copy, replace=replace)

    def _put_in_place(self, copy: Path, *, replace: bool) -> None:
        Database(self._url).close()  # makes the file, readable only by its owner
        with closing(_open(self._path)) as target, closing(_open(copy)) as source:
            target.execute("PRAGMA busy_timeout=0")
            # Every connection of another process holds a shared lock on a file with a log.
            target.execute("PRAGMA locking_mode=EXCLUSIVE")
            try:
                target.execute("BEGIN EXCLUSIVE")
                target.rollback()
            except sqlite3.OperationalError as error:
                how = "another process has the file open"
                raise BackupError(RUNNING.format(how=how)) from error
            if not replace:
                _require_empty(target)
            with _told("The restore"):
                source.backup(target)


def _open(path: Path) -> sqlite3.Connection:
    # Not created: a mistyped name must not become an empty database.
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=60)


def _open_backup(file: Path) -> sqlite3.Connection:
    try:
        opened = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
        _require_whole(opened, file)
    except sqlite3.Error as error:
        raise BackupError(NOT_A_BACKUP.format(file=file, why=error)) from error
    return opened


def _require_whole(opened: sqlite3.Connection, file: Path) -> None:
    (found,) = opened.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise BackupError(f"{file} is damaged ({found}).")


def _revision_of(opened: sqlite3.Connection, file: Path) -> str:
    try:
        (found,) = opened.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, TypeError) as error:
        raise BackupError(NOT_A_BACKUP.format(file=file, why="it has no schema version")) from error
    return str(found)


def _require_empty(opened: sqlite3.Connection) -> None:
    found = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in found:
        if table != VERSION_TABLE and opened.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone():  # noqa: S608 - its own tables
            raise BackupError(NOT_EMPTY.format(table=table))


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise BackupError(f"{what} failed ({error}).") from error
