"""Backup, restore and check of whole databases, on both."""

import os
import random
import sqlite3
import stat
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from traceback import format_exception

import pytest
from alembic import command
from sqlalchemy import make_url, text

from handoff_bot.domain.errors import BackupError, SchemaError
from handoff_bot.jobs.handler import JobHandler, ProviderJob
from handoff_bot.jobs.job import NewJob, enqueue_job
from handoff_bot.services import home
from handoff_bot.services.container import Dependencies, Services
from handoff_bot.services.operators import LOOKED_UP, Backups
from handoff_bot.storage import sources
from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import configuration, migrate
from handoff_bot.storage.models import Contact, Work
from handoff_bot.storage.schema import HEAD
from handoff_bot.storage.single_instance import SingleInstanceLock
from tests.fakes import FakeDesk, ScriptedAssistant, ScriptedDetector

PASSWORD = "s3cret word/with?signs"


@pytest.fixture
def backups(database_url, clock):
    return Backups(database_url, clock)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "copy.backup"


def add(database, clock, name):
    with database.write() as tx:
        tx.add(Contact(name=name, created_at=clock.now()))


def names(url):
    opened = Database(url)
    with opened.read() as tx:
        found = [one.name for one in tx.session.query(Contact).order_by(Contact.id)]
    opened.close()
    return found


def set_revision(database, revision):
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})


def test_what_was_stored_before_the_backup_is_restored_and_what_came_after_is_not(
    database, backups, database_url, clock, file
):
    add(database, clock, "before")
    backups.back_up(file)
    add(database, clock, "after")
    database.close()
    backups.restore(file, replace=True)
    assert names(database_url) == ["before"]


def test_a_backup_is_readable_only_by_its_owner_and_is_one_file(database, backups, file):
    before = os.umask(0)
    try:
        backups.back_up(file)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir() if "copy" in one.name] == [file.name]


def test_a_backup_never_overwrites(database, backups, file):
    file.write_text("mine")
    with pytest.raises(BackupError, match="exists"):
        backups.back_up(file)
    assert file.read_text() == "mine"


def test_a_backup_that_fails_leaves_no_file(backend, backups, database, file, monkeypatch):
    if backend == "sqlite":
        monkeypatch.setattr("handoff_bot.storage.backups._require_whole", _damaged)
    else:
        monkeypatch.setattr("handoff_bot.storage.postgres_backups._call", _failing)
    with pytest.raises(BackupError):
        backups.back_up(file)
    assert not [one for one in file.parent.iterdir() if "copy" in one.name]


def _damaged(*_):
    raise sqlite3.DatabaseError("database disk image is malformed")


def _failing(command, out=None, secrets=None):
    words = b"pg_dump (PostgreSQL) 99.1" if "--version" in command else b""
    if out:
        out.write(b"half of it")
    return subprocess.CompletedProcess(command, 1, words, b"pg_dump: error: gone\nDETAIL: a row")


def test_a_backup_while_threads_write_holds_whole_transactions(
    database, backups, database_url, clock, file
):
    """Each transaction adds two contacts: a backup between them would hold an odd number."""
    stopped = threading.Event()

    def write():
        while not stopped.is_set():
            with database.write() as tx:
                tx.add(Contact(name="one", created_at=clock.now()))
                tx.add(Contact(name="two", created_at=clock.now()))

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    try:
        backups.back_up(file)
    finally:
        stopped.set()
        for writer in writers:
            writer.join()
    database.close()
    backups.restore(file, replace=True)
    found = names(database_url)
    assert found.count("one") == found.count("two")


def test_a_restore_refuses_a_database_that_is_not_empty_unless_told(
    database, backups, database_url, clock, file
):
    add(database, clock, "kept")
    backups.back_up(file)
    database.close()
    with pytest.raises(BackupError, match=r"not empty \(contact has rows\).*--replace"):
        backups.restore(file)
    assert names(database_url) == ["kept"]


def test_a_restore_into_an_empty_database_needs_no_option(database, backups, file, database_url):
    backups.back_up(file)
    database.close()
    backups.restore(file)
    assert names(database_url) == []


def test_a_restore_refuses_while_a_bot_runs(backend, database, backups, database_url, clock, file):
    add(database, clock, "kept")
    backups.back_up(file)
    if backend == "sqlite":
        database.close()
        lock = SingleInstanceLock(database_url)
        assert lock.acquire()
    else:
        with database.read():
            pass  # its connection stays open, as a bot's do
    with pytest.raises(BackupError, match="Stop it before you restore"):
        backups.restore(file, replace=True)
    if backend == "sqlite":
        lock.release()
    database.close()
    assert names(database_url) == ["kept"]


def test_a_restore_refuses_while_any_process_has_the_sqlite_file_open(
    backend, database, backups, file
):
    """Such as `serve --role web`, which holds no lock file."""
    if backend != "sqlite":
        pytest.skip("about SQLite's file")
    backups.back_up(file)
    with database.read(), pytest.raises(BackupError, match="has the file open"):
        backups.restore(file, replace=True)


def test_a_restore_refuses_while_a_worker_of_another_machine_is_alive(
    backend, database, backups, file
):
    if backend != "postgresql":
        pytest.skip("SQLite has one machine")
    backups.back_up(file)
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO worker VALUES ('it', now() + interval '5 seconds')"))
    database.close()
    with pytest.raises(BackupError, match="active: 0 connections, 1 worker"):
        backups.restore(file, replace=True)


def test_a_file_that_is_no_backup_is_refused_and_nothing_is_changed(
    database, backups, database_url, clock, file
):
    add(database, clock, "kept")
    database.close()
    file.write_bytes(b"SQLite format 3\0" + b"not really" * 500)
    with pytest.raises(BackupError, match="is not a complete backup"):
        backups.restore(file, replace=True)
    assert names(database_url) == ["kept"]


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.999])
def test_a_part_of_a_backup_is_refused_and_nothing_is_changed(
    database, backups, database_url, clock, file, share
):
    for number in range(300):
        add(database, clock, random.Random(number).randbytes(200).hex())  # no zip makes it small
    backups.back_up(file)
    database.close()
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    with pytest.raises(BackupError):
        backups.restore(file, replace=True)
    assert len(names(database_url)) == 300


def test_a_backup_by_a_newer_version_is_refused(database, backups, database_url, clock, file):
    add(database, clock, "kept")
    set_revision(database, "9999")
    backups.back_up(file)
    set_revision(database, HEAD)
    database.close()
    with pytest.raises(SchemaError, match=r"newer version of Handoff \(schema 9999\)"):
        backups.restore(file, replace=True)
    assert names(database_url) == ["kept"]


def test_an_older_backup_is_migrated(database_url, clock, file):
    """Tables of later migrations, which the backup lacks, do not stand in the way."""
    opened, backups = Database(database_url), Backups(database_url, clock)
    with opened.engine.begin() as connection:
        command.upgrade(configuration(connection), "0005")
        row = {"at": datetime(2026, 1, 1)}  # noqa: DTZ001 - as SQLite stores it
        connection.execute(text("INSERT INTO contact (name, created_at) VALUES ('old', :at)"), row)
    backups.back_up(file)
    migrate(opened)
    add(opened, clock, "new")
    opened.close()
    assert f"with schema {HEAD}." in backups.restore(file, replace=True)[0]
    assert names(database_url) == ["old"]
    migrate(opened)
    add(opened, clock, "next")
    opened.close()
    assert names(database_url) == ["old", "next"]


def test_going_back_to_the_version_before_an_upgrade_needs_only_the_backup(
    backend, database, backups, database_url, clock, file
):
    """SQLite: the file is replaced. PostgreSQL: tables that this version does not know stay in the way,
    so it asks for an empty database.
    """
    add(database, clock, "before the upgrade")
    backups.back_up(file)
    set_revision(database, "9999")
    database.close()
    if backend == "postgresql":
        with pytest.raises(SchemaError, match="Restore into an empty database"):
            backups.restore(file, replace=True)
        return
    backups.restore(file, replace=True)
    assert names(database_url) == ["before the upgrade"]


def enqueued(tx, kind, lane, due_at):
    enqueue_job(tx, NewJob(kind, lane, {}, due_at))


def test_what_waited_at_the_backup_is_looked_up_before_it_is_sent(database, backups, clock, file):
    """Each as a call of its own, since its due time; other jobs just run."""
    with database.write() as tx:
        for number, kind in enumerate((*LOOKED_UP, *LOOKED_UP)):
            enqueued(tx, kind, f"out:{number % 2}", clock.now())
        enqueued(tx, "delivery", "news:1", clock.now())
    due = clock.now()
    backups.back_up(file)
    database.close()
    clock.advance(hours=9)
    told = backups.restore(file, replace=True)
    assert (
        told[1]
        == f"Looked up at Slack and Twilio before sending: {2 * len(LOOKED_UP)} waiting jobs."
    )
    with database.read() as tx:
        found = tx.session.query(Work).all()
    begun = [one.begun_at for one in found if one.kind in LOOKED_UP]
    assert len(set(begun)) == 2 * len(LOOKED_UP)
    assert all(due <= at < due + timedelta(seconds=1) for at in begun)
    assert [one.begun_at for one in found if one.kind == "delivery"] == [None]


def test_the_operator_is_told_of_arrivals_that_were_not_handled(database, backups, clock, file):
    with database.write() as tx:
        for lane in ("in:sms:1", "slack:C1:1", "answer:1", "news:1", "inner:1"):
            enqueued(tx, "any", lane, clock.now())
    backups.back_up(file)
    database.close()
    told = backups.restore(file, replace=True)
    assert told[1].startswith("Received but not yet handled at the time of the backup: 3 jobs.")
    assert "HOLD_OUTGOING=true" in told[1]


@pytest.mark.parametrize("since", [None, "2026-11-23T15:00"])
def test_messages_since_the_backup_are_fetched_only_from_when_the_operator_says(
    database, backups, clock, file, since
):
    with database.write() as tx:
        sources.beat(tx, "sms", clock.now(), clock.now())
    backups.back_up(file)
    database.close()
    clock.advance(hours=9)
    at = datetime.fromisoformat(since).replace(tzinfo=UTC) if since else None
    told = backups.restore(file, replace=True, missed_since=at)
    with database.read() as tx:
        source = sources.get(tx, "sms")
    wanted = (at or clock.now()) + timedelta(minutes=2)  # it reads from two minutes before
    assert (source.in_contact_at, source.read_until) == (wanted, wanted)
    assert ("since 2026-11-23 15:00 UTC" if since else "are not fetched") in told[-1]


def test_every_kind_of_job_whose_effect_can_be_found_is_looked_up(database, clock):
    """A kind that is neither repeatable nor looked up would be sent twice after a restore."""
    core = services(database, clock)
    found = {
        kind
        for kind, handler in core.handlers.items()
        if isinstance(handler, ProviderJob) and not handler.repeatable
    }
    looked_up = {
        kind
        for kind, handler in core.handlers.items()
        if type(handler).recover != JobHandler.recover
    }
    assert found | looked_up | {home.SHOW} == set(LOOKED_UP)


def services(database, clock):
    return Services.build(
        Dependencies(
            database=database,
            channels={},
            desk=FakeDesk(),
            detector=ScriptedDetector(),
            assistant=ScriptedAssistant(),
            clock=clock,
        )
    )


def results(backups):
    return {one.what: (one.ok, one.words) for one in backups.check()}


def test_the_check_of_a_sound_database_passes(database, backups, clock):
    add(database, clock, "one")
    found = results(backups)
    assert all(ok for ok, _ in found.values())
    assert found["schema"][1] == f"{HEAD}, the newest"
    assert "1 contact" in found["rows"][1]
    assert found["jobs"][1] == "0 waiting, 0 failed"


def test_the_check_names_failed_jobs_and_says_how_to_see_them(database, backups, clock):
    with database.write() as tx:
        enqueued(tx, "send", "out:1", clock.now())
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE work SET status = 'failed'"))
    assert results(backups)["jobs"] == (
        False,
        "0 waiting, 1 failed. See them with: handoff jobs list",
    )


def test_the_check_names_the_schemas_version_and_changes_nothing(database_url, clock):
    opened = Database(database_url)
    with opened.engine.begin() as connection:
        command.upgrade(configuration(connection), "0005")
    backups = Backups(database_url, clock)
    for _ in range(2):
        assert results(backups)["schema"] == (True, f"0005; the bot migrates it to {HEAD}")
    with opened.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    ok, words = results(backups)["schema"]
    assert not ok
    assert "newer version of Handoff (schema 9999)" in words
    opened.close()


def test_the_check_finds_rows_that_refer_to_nothing(backend, database, backups, database_url):
    if backend == "sqlite":
        path = str(make_url(database_url).database)
        outside = sqlite3.connect(path)
        outside.execute("INSERT INTO ticket_tag (ticket_id, tag) VALUES (99, 'x')")
        outside.commit()
        outside.close()
        assert results(backups)["foreign keys"][1].startswith(
            "ticket_tag refer to rows that are gone (1)"
        )
        return
    with database.engine.begin() as connection:
        connection.execute(
            text("ALTER TABLE ticket_tag ADD CONSTRAINT late CHECK (tag <> '') NOT VALID")
        )
    assert "not valid: late" in results(backups)["constraints"][1]


def test_the_check_finds_a_damaged_file(backend, database, backups, database_url, clock):
    if backend != "sqlite":
        pytest.skip("about SQLite's file")
    for number in range(2000):
        add_raw(database, number)
    database.purge()
    database.close()
    path = Path(str(make_url(database_url).database))
    content = bytearray(path.read_bytes())
    middle = len(content) - 3 * 4096
    content[middle : middle + 8192] = b"\xff" * 8192
    path.write_bytes(content)
    found = results(backups)
    assert not found["integrity"][0]
    assert "handoff db restore" in found["integrity"][1]


def add_raw(database, number):
    with database.engine.begin() as connection:
        row = {"name": f"{number}" * 50, "at": datetime(2026, 1, 1)}  # noqa: DTZ001 - as SQLite stores it
        connection.execute(text("INSERT INTO contact (name, created_at) VALUES (:name, :at)"), row)


def test_there_is_nothing_to_back_up_where_no_database_is(tmp_path, clock):
    with pytest.raises(BackupError, match="There is no database"):
        Backups(f"sqlite:///{tmp_path / 'none.db'}", clock).back_up(tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_there_is_nothing_to_check_where_no_database_is(tmp_path, clock):
    with pytest.raises(BackupError, match="There is no database"):
        list(Backups(f"sqlite:///{tmp_path / 'none.db'}", clock).check())
    assert list(tmp_path.iterdir()) == []


# -- PostgreSQL's tools


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A folder that is all of PATH, for tools of our own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def tool(folder, name, script):
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def on_postgres(backend, database, backups):
    if backend != "postgresql":
        pytest.skip("about PostgreSQL's tools")
    return backups


def use(backups, name, file):
    if name == "pg_dump":
        backups.back_up(file.with_name("other"))
    else:
        backups.restore(file)


@pytest.mark.parametrize("name", ["pg_dump", "pg_restore"])
def test_a_missing_tool_is_one_clear_line(on_postgres, database, file, tools, name):
    file.touch()
    database.close()
    with pytest.raises(BackupError, match=rf"{name} was not found on PATH\. Install PostgreSQL's"):
        use(on_postgres, name, file)


@pytest.mark.parametrize("name", ["pg_dump", "pg_restore"])
def test_a_tool_older_than_the_server_is_one_clear_line(on_postgres, database, file, tools, name):
    tool(tools, name, "echo 'pg_dump (PostgreSQL) 9.6.24'")
    file.touch()
    database.close()
    with pytest.raises(BackupError, match=rf"{name} 9 is older than the server"):
        use(on_postgres, name, file)


def test_the_password_is_in_no_command_line_and_no_error(
    on_postgres, database_url, clock, tools, file
):
    """Of the tools, which every user of the machine can see."""
    seen = tools / "seen"
    version = "case $1 in --version) echo 'pg_dump (PostgreSQL) 99.1'; exit;; esac"
    tool(tools, "pg_dump", f'{version}; echo "$@" > {seen}; echo "pg_dump: error: no" >&2; exit 1')
    url = make_url(database_url).set(password=PASSWORD).render_as_string(hide_password=False)
    with pytest.raises(BackupError) as error:
        Backups(url, clock).back_up(file)
    told = seen.read_text()
    assert "dbname=" in told
    assert str(make_url(database_url).database) in told
    assert "s3cret" not in told + str(error.value)


def test_an_address_that_does_not_answer_is_named_by_its_error_only(clock, file):
    url = "postgresql://me:s3cret@127.0.0.1:1/none"
    with pytest.raises(BackupError, match=r"does not respond \(OperationalError\)") as error:
        Backups(url, clock).back_up(file)
    assert "s3cret" not in "".join(format_exception(error.value))
