"""Migrations make exactly the tables that the models describe, and one of several processes wins."""

import runpy
import shutil
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Table
from sqlalchemy.exc import StatementError
from sqlmodel import AutoString

from handoff_bot.storage.columns import BigId, UtcDateTime
from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import HEAD, configuration, migrate
from handoff_bot.storage.migrations.__main__ import FOLDER, write
from handoff_bot.storage.models import Contact, Work


def test_the_tables_are_what_the_models_say(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Work.metadata) == []


def test_the_newest_migration_is_the_one_we_look_for(database):
    with database.engine.connect() as connection:
        assert ScriptDirectory.from_config(configuration(connection)).get_heads() == [HEAD]


@pytest.fixture
def new_table():
    """A model without a migration."""
    columns = (
        Column("id", BigId, primary_key=True),
        Column("name", AutoString),
        Column("at", UtcDateTime),
    )
    table = Table("brand_new", Work.metadata, *columns)
    yield table
    Work.metadata.remove(table)


@pytest.fixture
def migrations(tmp_path):
    """A copy of the folder of migrations."""
    return Path(shutil.copytree(FOLDER, tmp_path / "migrations"))


def test_the_next_migration_is_written_from_the_models(new_table, migrations, database):
    written = write("brand_new", migrations)
    assert written == migrations / "versions" / f"{int(HEAD) + 1:04}_brand_new.py"
    made = runpy.run_path(str(written))
    assert (made["revision"], made["down_revision"]) == (f"{int(HEAD) + 1:04}", HEAD)
    with database.engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        with Operations.context(context):
            made["upgrade"]()
        assert compare_metadata(context, Work.metadata) == []


def test_a_migration_needs_a_name_that_a_file_can_have(migrations):
    before = sorted(migrations.rglob("*"))
    with pytest.raises(ValueError, match="is not a name"):
        write("../elsewhere", migrations)
    assert sorted(migrations.rglob("*")) == before


def test_processes_that_start_at_once_migrate_once(database_url):
    several = [Database(database_url) for _ in range(4)]
    errors = []

    def start(database):
        try:
            migrate(database)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start, args=(one,)) for one in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in several:
        one.close()
    assert errors == []


def test_times_are_aware_utc(database):
    berlin = timezone(timedelta(hours=1))
    with database.write() as tx:
        tx.add(Contact(name="x", created_at=datetime(2026, 1, 1, 12, tzinfo=berlin)))
    with database.read() as tx:
        stored = tx.session.query(Contact).one().created_at
    assert stored == datetime(2026, 1, 1, 11, tzinfo=UTC)
    assert stored.tzinfo is not None


def test_a_naive_time_is_refused(database):
    with pytest.raises((StatementError, ValueError)), database.write() as tx:
        tx.add(Contact(name="x", created_at=datetime(2026, 1, 1)))  # noqa: DTZ001 - the point of it
