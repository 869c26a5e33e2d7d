"""Backups of PostgreSQL by its own tools, pg_dump and pg_restore."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from handoff_bot.domain.errors import BackupError
from handoff_bot.domain.text import many
from handoff_bot.storage.backups import (
    NOT_A_BACKUP,
    NOT_EMPTY,
    RUNNING,
    VERSION_TABLE,
    Settle,
    new_file,
)
from handoff_bot.storage.database import Database
from handoff_bot.storage.listening import libpq_address
from handoff_bot.storage.migrate import refuse_newer
from handoff_bot.storage.models import Work
from handoff_bot.storage.schema import APPLICATION

MISSING = (
    "{tool} was not found on PATH. Install PostgreSQL's client programs, version {version} or newer, "
    "such as the package postgresql-client-{version}."
)
TOO_OLD = (
    "{tool} {found} is older than the server, which is PostgreSQL {version}. Install its client "
    "programs, such as the package postgresql-client-{version}, and put them first on PATH."
)
ANOTHER_SCHEMA = "The backup is of the schema {found}, not of {own}. Nothing was changed."
_TABLE = re.compile(r"^\d+; \d+ \d+ TABLE (?!DATA )(.+) (\S+) \S+$")
"""An entry of a backup for a table: schema and name, before the owner."""
_SKIPPED = re.compile(r"^\d+; \d+ \d+ (TABLE DATA \S+ alembic_version |SCHEMA |COMMENT - SCHEMA )")
"""Entries of a backup that are not restored by pg_restore: the revision is recorded last, so that no bot
starts on half a database, and the schema itself exists.
"""
_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE %s AND pid <> pg_backend_pid()
"""
_FUNCTIONS = """
    SELECT DISTINCT tgfoid::regprocedure::text FROM pg_trigger
    JOIN pg_class ON pg_class.oid = tgrelid
    WHERE relname = ANY(%s) AND relnamespace = current_schema()::regnamespace AND NOT tgisinternal
"""
"""Those of our triggers; the server quotes the names."""
_ALIVE = "SELECT count(*) FROM worker WHERE alive_until > now()"


EMPTY_NOW = "The database is empty now. Restore the backup again."


class PostgresStore:
    """A database on a PostgreSQL server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._address = libpq_address(url)

    def back_up(self, file: Path, tables: Sequence[str] = ()) -> None:
        """Dumps one snapshot of the server's.

        Args:
            tables: of the current schema; without any, all are dumped.
        """
        tool = _tool("pg_dump", self._server_version())
        only = [f'--table="{self._schema()}".{each}' for each in tables] or self._one_schema()
        options = ("--format=custom", "--no-owner", "--no-privileges", *only)
        with new_file(file) as part, part.open("wb") as out:
            self._run([tool, *options], out)
            out.flush()
            os.fsync(out.fileno())

    def _schema(self) -> str:
        with self._connection() as connection:
            (schema,) = connection.execute("SELECT current_schema()").fetchone() or (None,)
        if schema is None:
            raise BackupError("The schema of this workspace does not exist.")
        return str(schema)

    def _one_schema(self) -> tuple[str, ...]:
        """Returns the option for one of several workspaces, whose schema is all that it may see."""
        schema = self._schema()
        return () if schema == "public" else (f"--schema={schema}",)

    def restore(self, file: Path, *, replace: bool, settle: Settle) -> None:
        """Restores in one transaction of pg_restore, and records the revision with what `settle` does."""
        tool = _tool("pg_restore", self._server_version())
        entries, revision = _contents(tool, file)
        refuse_newer(revision, "The backup")
        _refuse_others(entries, self._schema())
        self._make_room(replace=replace)
        with tempfile.NamedTemporaryFile("w", prefix="handoff-", suffix=".list") as chosen:
            chosen.writelines(f"{each}\n" for each in entries if not _SKIPPED.match(each))
            chosen.flush()
            options = ("--single-transaction", "--exit-on-error", "--clean", "--if-exists")
            named = ("--no-owner", "--no-privileges", f"--use-list={chosen.name}")
            try:
                self._run([tool, *options, *named, str(file)], None)
            except BackupError as error:
                raise BackupError(f"{error} {EMPTY_NOW}") from error
        database = Database(self._url)
        try:
            settle(database, revision)
        finally:
            database.close()

    def _make_room(self, *, replace: bool) -> None:
        """Refuses what must not be replaced, and drops our tables, also those that the backup lacks."""
        ours = sorted(Work.metadata.tables)
        with self._connection() as connection:
            found = {
                row[0]
                for row in connection.execute(
                    "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
                )
            }
            self._refuse_running(connection, found)
            if VERSION_TABLE in found:
                row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
                refuse_newer(row[0] if row else None, "Restore into an empty database. This one")
            for table in [each for each in ours if each in found]:
                query = sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table))
                if not replace and connection.execute(query).fetchone():
                    raise BackupError(NOT_EMPTY.format(table=table))
            functions = [row[0] for row in connection.execute(_FUNCTIONS, (ours,))]
            names = sql.SQL(", ").join(map(sql.Identifier, [*ours, VERSION_TABLE]))
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(names))
            for function in functions:
                connection.execute(sql.SQL("DROP FUNCTION {}").format(sql.SQL(function)))

    def _refuse_running(self, connection: psycopg.Connection[Any], tables: set[str]) -> None:
        (others,) = connection.execute(_OTHERS, (f"{APPLICATION}%",)).fetchone() or (0,)
        (alive,) = (connection.execute(_ALIVE).fetchone() if "worker" in tables else None) or (0,)
        if others or alive:
            how = f"active: {many(others, 'connection')}, {many(alive, 'worker')}"
            raise BackupError(RUNNING.format(how=how))

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        try:
            with psycopg.connect(self._address, connect_timeout=5) as connection:
                yield connection
        except psycopg.Error as error:
            # Only the kind of error: its text names the address, and quotes rows.
            raise BackupError(f"The database does not respond ({type(error).__name__}).") from None

    def _server_version(self) -> int:
        with self._connection() as connection:
            return connection.info.server_version // 10_000

    def _run(self, command: Sequence[str], out: IO[bytes] | None) -> None:
        """Runs a tool on the database. The password is in its environment, which only we can read."""
        parts = conninfo_to_dict(self._address)
        secrets = {"PGPASSWORD": str(parts.pop("password"))} if parts.get("password") else {}
        address = make_conninfo("", **parts)
        done = _call([*command, "--no-password", f"--dbname={address}"], out, secrets)
        if done.returncode:
            raise BackupError(f"{Path(command[0]).name} failed: {_reason(done.stderr)}")


def _tool(name: str, server: int) -> str:
    """Returns the path of a tool that is new enough for the server."""
    path = shutil.which(name)
    if path is None:
        raise BackupError(MISSING.format(tool=name, version=server))
    found = re.search(rb"\(PostgreSQL\) (\d+)", _call([path, "--version"]).stdout)
    version = int(found[1]) if found else 0
    if version < server:
        raise BackupError(TOO_OLD.format(tool=name, found=version, version=server))
    return path


def _contents(tool: str, file: Path) -> tuple[list[str], str]:
    """Returns a backup's table of contents, and its revision."""
    listed = _call([tool, "--list", str(file)])
    version = _call([tool, "--data-only", f"--table={VERSION_TABLE}", "--file=-", str(file)])
    found = re.search(rb"^COPY .*alembic_version.*\n(\w+)(\t\w+)?$", version.stdout, re.MULTILINE)
    if listed.returncode or found is None:
        why = _reason(listed.stderr) if listed.returncode else "it has no schema version"
        raise BackupError(NOT_A_BACKUP.format(file=file, why=why))
    # The whole file is read before anything is dropped: the two calls above see only its beginning.
    read = _call([tool, "--file=/dev/null", str(file)])
    if read.returncode:
        raise BackupError(NOT_A_BACKUP.format(file=file, why=_reason(read.stderr)))
    return listed.stdout.decode().splitlines(), found[1].decode()


def _refuse_others(entries: Sequence[str], own: str) -> None:
    """Refuses a backup with tables of Handoff in another schema: pg_restore would replace those."""
    ours = {*Work.metadata.tables, VERSION_TABLE}
    tables = filter(None, map(_TABLE.match, entries))
    found = sorted({each[1] for each in tables if each[2] in ours} - {own})
    if found:
        raise BackupError(ANOTHER_SCHEMA.format(found=", ".join(found), own=own))


def _call(
    command: Sequence[str],
    out: IO[bytes] | None = None,
    secrets: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - PostgreSQL's own tools
        command,
        stdin=subprocess.DEVNULL,
        stdout=out or subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(secrets or {}), "LC_ALL": "C"},
        check=False,
    )


def _reason(told: bytes) -> str:
    """Returns a tool's first error, without the lines below it, which may quote rows."""
    lines = told.decode(errors="replace").splitlines()
    first = next((each for each in lines if "error:" in each), "no reason given")
    return first.partition("error: ")[2][:200] or first[:200]
