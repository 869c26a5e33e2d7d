"""A newer program migrates while an older one serves: what it waits for, refuses and leaves behind."""

import shutil
import signal
import threading
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from handoff_bot.domain.errors import SchemaError
from handoff_bot.storage import migrate as migration
from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import migrate, oldest_program, plan, revision
from handoff_bot.storage.models import Work
from handoff_bot.storage.restored import checks
from handoff_bot.storage.schema import HEAD, MIGRATIONS
from handoff_bot.storage.single_instance import SingleInstanceLock
from tests.storage.mortal import die_in

NEXT = f"{int(HEAD) + 1:04}"
START = f"""'''A migration of the next version.'''

import sqlalchemy as sa
from alembic import op
from handoff_bot.storage.migrations import online

revision, down_revision, branch_labels, depends_on = "{NEXT}", "{HEAD}", None, None
"""
ADDS = """
def upgrade():
    op.add_column("worker", sa.Column("colour", sa.String(), nullable=True))
"""


postgresql = pytest.mark.usefixtures("several_programs")


@pytest.fixture
def several_programs(backend):
    if backend == "sqlite":
        pytest.skip("SQLite serves one program")


@pytest.fixture
def next_version(monkeypatch, tmp_path):
    """Makes this program the next version, which has one migration more; `undo` makes it this one."""

    def make(code):
        folder = Path(shutil.copytree(str(MIGRATIONS), tmp_path / "migrations"))
        (folder / "versions" / f"{NEXT}_next.py").write_text(START + code, encoding="utf-8")
        monkeypatch.setattr(migration, "MIGRATIONS", folder)
        monkeypatch.setattr(migration, "HEAD", NEXT)
        monkeypatch.setattr(migration, "KNOWN", migration.KNOWN | {NEXT})
        return monkeypatch

    return make


@pytest.fixture
def older_program(database_url, backend):
    """A connection of a program of this version."""
    with psycopg.connect(database_url, application_name=f"handoff {HEAD}") as connection:
        yield connection


@pytest.fixture
def hurried(monkeypatch):
    """Waits for locks are short, and pauses between them take no time; returns the pauses."""
    pauses = []
    monkeypatch.setattr(migration, "LOCK_SECONDS", 0.05)
    monkeypatch.setattr(migration, "STATEMENT_SECONDS", 0.2)
    monkeypatch.setattr(migration.time, "sleep", pauses.append)
    return pauses


def found(database):
    with database.engine.connect() as connection:
        return revision(connection), oldest_program(connection)


def columns(database, table="worker"):
    with database.engine.connect() as connection:
        return {each["name"] for each in inspect(connection).get_columns(table)}


def test_an_older_program_runs_on_a_newer_schema_that_only_added(database, next_version):
    later = next_version(ADDS)
    migrate(database)
    later.undo()
    migrate(database)
    assert found(database) == (NEXT, "0020")
    assert "colour" in columns(database)
    assert plan(database).steps == ()
    words = {each.what: each.words for each in checks(database)}
    assert words["schema"] == f"{NEXT}; this program knows {HEAD} and may use it"


def test_an_older_program_does_not_run_on_a_schema_that_lacks_what_it_uses(database, next_version):
    later = next_version(f'oldest = "{NEXT}"\n{ADDS}')
    migrate(database)
    assert found(database) == (NEXT, NEXT)
    later.undo()
    with pytest.raises(SchemaError, match=f"schema {NEXT}") as error:
        migrate(database)
    assert "\n" not in str(error.value)


@postgresql
def test_a_migration_that_must_stop_older_programs_waits_until_they_are_stopped(
    database, database_url, next_version
):
    next_version(f'oldest = "{NEXT}"\n{ADDS}')
    with (
        psycopg.connect(database_url, application_name=f"handoff {HEAD}"),
        pytest.raises(SchemaError, match=f"older than schema {NEXT} runs"),
    ):
        migrate(database)
    assert found(database) == (HEAD, "0020")
    migrate(database)
    assert found(database) == (NEXT, NEXT)


def test_on_sqlite_such_a_migration_waits_until_the_bot_has_stopped(
    database, database_url, backend, next_version
):
    if backend == "postgresql":
        pytest.skip("about SQLite's file")
    next_version(f'oldest = "{NEXT}"\n{ADDS}')
    bot = SingleInstanceLock(database_url)
    assert bot.acquire()
    with pytest.raises(SchemaError, match=f"older than schema {NEXT} runs"):
        migrate(database)
    assert found(database) == (HEAD, "0020")
    bot.release()
    migrate(database)
    assert found(database) == (NEXT, NEXT)


@pytest.mark.parametrize("is_empty", [True, False])
def test_several_such_migrations_do_not_refuse_each_other(
    database_url, backend, tmp_path, monkeypatch, is_empty
):
    if backend == "postgresql":
        pytest.skip("about SQLite's file")
    opened = Database(f"sqlite:///{tmp_path / 'several.db'}")
    if not is_empty:
        with opened.engine.begin() as connection:
            migration._run(connection, "0024")
    steps = migration.pending

    def pending(connection):
        return [replace(step, oldest=step.revision) for step in steps(connection)]

    monkeypatch.setattr(migration, "pending", pending)
    migrate(opened)
    assert found(opened)[0] == HEAD
    assert SingleInstanceLock(str(opened.engine.url)).acquire()
    opened.close()


@postgresql
def test_programs_whose_connections_name_no_schema_count_as_older(
    database, database_url, next_version
):
    next_version(f'oldest = "{HEAD}"\n{ADDS}')
    with psycopg.connect(database_url, application_name="handoff"):
        assert plan(database).running == ("0019",)
        with pytest.raises(SchemaError, match="schema 0019 does"):
            migrate(database)


@postgresql
def test_a_migration_steps_back_from_a_locked_table_until_it_is_free(
    database, next_version, older_program, hurried, monkeypatch
):
    """A report or a backup reads the table; messages need not wait behind the migration."""
    next_version(ADDS)
    older_program.execute("SELECT count(*) FROM worker")
    written = []

    def pause(seconds):
        hurried.append(seconds)
        with database.write() as tx:  # a heartbeat of the older program
            tx.core.execute(text("INSERT INTO worker VALUES (:id, now())"), {"id": str(seconds)})
        written.append(seconds)
        if len(hurried) == 3:
            older_program.commit()

    monkeypatch.setattr(migration.time, "sleep", pause)
    migrate(database)
    assert found(database)[0] == NEXT
    assert written == hurried == [0.05, 0.1, 0.2]


@postgresql
def test_a_migration_that_gets_no_lock_in_time_is_one_clear_line_and_changes_nothing(
    database, next_version, older_program, hurried, monkeypatch
):
    next_version(ADDS)
    monkeypatch.setattr(migration, "PATIENCE", 0.0)
    older_program.execute("SELECT count(*) FROM worker")
    with pytest.raises(SchemaError, match="got no lock"):
        migrate(database)
    assert found(database)[0] == HEAD
    older_program.commit()
    migrate(database)
    assert found(database)[0] == NEXT


SLOW = """
def upgrade():
    op.add_column("worker", sa.Column("colour", sa.String(), nullable=True))
    op.execute("SELECT pg_sleep(0.5)")
"""


@postgresql
@pytest.mark.usefixtures("hurried")
def test_a_slow_migration_is_refused_while_messages_would_wait_for_it(
    database, database_url, next_version
):
    next_version(SLOW)
    with (
        psycopg.connect(database_url, application_name=f"handoff {HEAD}"),
        pytest.raises(SchemaError, match="Stop all processes of the older version"),
    ):
        migrate(database)
    assert (found(database)[0], "colour" in columns(database)) == (HEAD, False)
    migrate(database)
    assert found(database)[0] == NEXT


BESIDE = """
concurrent = True

def upgrade():
    op.execute("SELECT pg_sleep(0.5)")
"""


@postgresql
@pytest.mark.parametrize("code", [SLOW, BESIDE])
def test_limits_of_the_role_do_not_end_a_migration(database, database_url, next_version, code):
    next_version(code)
    with psycopg.connect(database_url, autocommit=True) as other:
        name = other.info.dbname
        other.execute(f"ALTER DATABASE {name} SET statement_timeout = '200ms'")
    database.engine.dispose()
    migrate(database)
    assert found(database)[0] == NEXT


INDEX = """
concurrent = True

def upgrade():
    online.create_index("contact_by_name", "contact", ["name"])
"""
_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'contact_by_name'::regclass"


@postgresql
def test_an_index_is_built_while_messages_are_stored(
    database, database_url, next_version, older_program
):
    """A transaction that is open when it begins is waited for, and makes no other one wait."""
    next_version(INDEX)
    insert = _insert_contact(older_program)
    older_program.execute(insert)
    migrating = threading.Thread(target=migrate, args=(database,))
    migrating.start()
    waits = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%'"
    with psycopg.connect(database_url, autocommit=True) as other:
        while not other.execute(f"{waits} AND wait_event_type = 'Lock'").fetchone()[0]:
            assert migrating.is_alive(), "it waits for the open transaction"
        other.execute("SET lock_timeout = '1s'")
        other.execute(insert)
        older_program.commit()
        migrating.join(60)
        assert other.execute(_VALID).fetchone() == (True,)
    assert found(database)[0] == NEXT


@postgresql
def test_an_older_program_that_starts_while_an_index_is_built_does_not_block_it(
    database, database_url, next_version, older_program
):
    """It waits for the lock in a statement, for whose snapshot the index waits."""
    next_version(INDEX)
    older_program.execute(_insert_contact(older_program))
    migrating = threading.Thread(target=migrate, args=(database,), daemon=True)
    migrating.start()
    waits = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%'"
    with (
        psycopg.connect(database_url, autocommit=True) as other,
        psycopg.connect(database_url) as starting,
    ):
        while not other.execute(f"{waits} AND wait_event_type = 'Lock'").fetchone()[0]:
            assert migrating.is_alive(), "it waits for the open transaction"
        starting.execute("SET statement_timeout = '10s'")
        starting.execute("SELECT pg_advisory_xact_lock(%s)", (migration.LOCK,))
        assert starting.execute("SELECT version_num FROM alembic_version").fetchone() == (HEAD,)
        starting.commit()
        older_program.commit()
        migrating.join(60)
        assert other.execute(_VALID).fetchone() == (True,)
    assert found(database)[0] == NEXT


@postgresql
def test_what_an_older_program_has_migrated_meanwhile_is_not_migrated_again(
    database, database_url, next_version
):
    next_version(ADDS)
    with database.engine.connect() as connection:
        (step,) = migration.pending(connection)
        connection.rollback()
        migration._try(database, connection, step, is_limited=False)
        migration._try(database, connection, step, is_limited=False)
    assert found(database)[0] == NEXT


def _insert_contact(connection):
    """A statement that inserts a contact with all that it must have."""
    names = [
        row[0]
        for row in connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'contact' "
            "AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'"
        )
    ]
    values = ["now()" if name.endswith("_at") else "''" for name in names]
    return f"INSERT INTO contact ({', '.join(names)}) VALUES ({', '.join(values)})"  # noqa: S608


def indexed(database):
    """The columns of the index."""
    with database.engine.connect() as connection:
        (found,) = (
            each["column_names"]
            for each in inspect(connection).get_indexes("contact")
            if each["name"] == "contact_by_name"
        )
    return found


@postgresql
def test_an_index_that_was_begun_before_a_crash_is_built_again(database, next_version):
    next_version(INDEX)
    with database.engine.begin() as connection:
        connection.execute(text("CREATE INDEX contact_by_name ON contact (id)"))
        invalid = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = :name ::regclass"
        connection.execute(text(invalid), {"name": "contact_by_name"})
    migrate(database)
    assert indexed(database) == ["name"]


@postgresql
def test_an_index_that_was_finished_after_a_crash_is_kept(database, next_version):
    next_version(INDEX)
    number = text("SELECT 'contact_by_name'::regclass::oid")
    with database.engine.begin() as connection:
        connection.execute(text("CREATE INDEX contact_by_name ON contact (name)"))
        before = connection.execute(number).scalar()
    migrate(database)
    with database.engine.connect() as connection:
        assert connection.execute(number).scalar() == before
    assert found(database)[0] == NEXT


@postgresql
def test_an_index_that_a_killed_process_still_builds_is_waited_for(
    database, database_url, next_version, older_program, monkeypatch
):
    """Its statement goes on without it."""
    next_version(INDEX)
    older_program.execute(_insert_contact(older_program))
    build = "CREATE INDEX CONCURRENTLY contact_by_name ON contact (name)"
    waits = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%'"
    with (
        psycopg.connect(database_url, application_name=f"handoff {HEAD}", autocommit=True) as left,
        psycopg.connect(database_url, autocommit=True) as other,
    ):
        building = threading.Thread(target=left.execute, args=(build,))
        building.start()
        while not other.execute(f"{waits} AND wait_event_type = 'Lock'").fetchone()[0]:
            assert building.is_alive()
        pauses = []

        def pause(seconds):
            pauses.append(seconds)
            older_program.commit()
            building.join(60)

        monkeypatch.setattr(migration.time, "sleep", pause)
        migrate(database)
        assert len(pauses) == 1
        assert other.execute(_VALID).fetchone() == (True,)
    assert found(database)[0] == NEXT


# -- killed in the middle


def killed_in_a_migration(url, last):
    """Migrates in another process, which is forked from one without threads."""
    process = get_context("forkserver").Process(target=die_in, args=(url, last))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def shape(database):
    """The revision, and all tables with their columns and indexes."""
    with database.engine.connect() as connection:
        seen = inspect(connection)
        return revision(connection), {
            table: (
                sorted(each["name"] for each in seen.get_columns(table)),
                sorted(str(each["name"]) for each in seen.get_indexes(table)),
            )
            for table in seen.get_table_names()
        }


def without_indexes(found):
    """Of a shape: the revision, and the tables with their columns."""
    number, tables = found
    return number, {table: names for table, (names, _) in tables.items()}


@pytest.mark.timeout(300)
def test_a_process_that_is_killed_in_any_migration_leaves_the_schema_before_it(
    database_url, backend, empty_database
):
    """The older program can go on with it, and the next start goes on from there."""
    with empty_database.engine.connect() as connection:
        steps = migration.pending(connection)
    for step in steps:
        before = shape(empty_database)
        killed_in_a_migration(database_url, HEAD if backend == "sqlite" else step.revision)
        if backend == "sqlite":
            assert shape(empty_database) == before
            with empty_database.engine.begin() as connection:
                migration._run(connection, step.revision)
            continue
        # An index that was built outside of a transaction stays, and the next start builds it again.
        assert without_indexes(shape(empty_database)) == without_indexes(before)
        assert step.concurrent or shape(empty_database) == before
        with empty_database.engine.connect() as connection:
            migration._apply(empty_database, connection, step)
    with empty_database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Work.metadata) == []
    assert found(empty_database)[0] == HEAD


@pytest.fixture
def empty_database(database_url, backend, tmp_path):
    """A database without tables, at the address."""
    opened = Database(database_url)
    if backend == "postgresql":  # `database_url` is migrated
        with opened.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    yield opened
    opened.close()
