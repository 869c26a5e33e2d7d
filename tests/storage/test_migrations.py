"""Migrations make exactly the tables that the models describe, and one of several processes wins."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import StatementError

from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import HEAD, configuration, migrate
from handoff_bot.storage.models import Contact, Work


def test_the_tables_are_what_the_models_say(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Work.metadata) == []


def test_the_newest_migration_is_the_one_we_look_for(database):
    with database.engine.connect() as connection:
        assert ScriptDirectory.from_config(configuration(connection)).get_heads() == [HEAD]


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
