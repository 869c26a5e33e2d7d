"""On PostgreSQL each workspace has a schema, and the installations are in the process's own."""

import shutil
import subprocess

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlmodel import select

from handoff_bot.domain.errors import BackupError
from handoff_bot.services.operators import Backups
from handoff_bot.storage import log
from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import migrate
from handoff_bot.storage.models import Message
from handoff_bot.storage.postgres_backups import PostgresStore
from handoff_bot.workspaces.commands import back_up
from handoff_bot.workspaces.folders import Workspace
from handoff_bot.workspaces.process import Workspaces, make_room, read_process_settings
from handoff_sandbox.slack.teams import SlackTeams
from tests.workspaces.conftest import environment, oauth, serving, write_settings
from tests.workspaces.test_installing import Opened

DANA = "+15550001"


@pytest.fixture
def backend() -> str:
    return "postgresql"


@pytest.fixture
def on_postgres(sides, database_url, tmp_path, clock, unhurried):
    """Acme installs the app, beta has a token; both are in one database."""
    acme, beta = sides
    with SlackTeams([acme.slack, beta.slack]) as teams:
        write_settings(acme)
        write_settings(beta, SLACK_BOT_TOKEN=beta.slack.bot_token)
        more = oauth(tmp_path) | {"DATABASE_URL": database_url}
        environ = environment(acme.folder.parent, teams, **more)
        workspaces = Workspaces(read_process_settings(environ), environ, "web", clock)
        with serving(workspaces, acme, beta) as address:
            yield Opened(acme, beta, workspaces, teams, address, tmp_path)


def test_each_workspace_has_its_tables_in_its_schema(on_postgres, database_url):
    acme, beta = on_postgres.acme, on_postgres.beta
    assert on_postgres.install(acme).status_code == 200
    assert acme.customer_says("I want a person", DANA) == 200
    assert len(acme.cards()) == 1
    with beta.database.read() as tx:
        assert tx.session.execute(select(Message)).scalars().all() == []
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        found = inspect(connection)
        assert {"handoff_acme", "handoff_beta"} <= set(found.get_schema_names())
        assert "message" in found.get_table_names(schema="handoff_acme")
        own = set(found.get_table_names())
        assert own == {"slack_bots", "slack_installations", "slack_oauth_states"}
        stored = connection.execute(text("SELECT bot_token FROM slack_bots")).scalar_one()
        assert acme.slack.bot_token not in stored
    engine.dispose()


def test_a_backup_of_one_workspace_holds_and_restores_only_that_one(database_url, tmp_path, clock):
    urls = two(database_url, tmp_path, clock)
    acme, file = Backups(urls["acme"], clock), tmp_path / "acme.backup"
    acme.back_up(file)
    assert b"handoff_beta" not in file.read_bytes()
    for slug in urls:
        prefer(urls[slug], "later", clock)
    acme.restore(file, replace=True)
    assert preferred(urls["acme"]) == "of acme"
    assert preferred(urls["beta"]) == "later"


def two(database_url, tmp_path, clock):
    """The addresses of two workspaces in one database."""
    urls = {}
    for slug in ("acme", "beta"):
        urls[slug] = f"{database_url}?options=-csearch_path%3Dhandoff_{slug}"
        make_room(Workspace(slug, tmp_path, "T0", {"DATABASE_URL": urls[slug]}))
        prefer(urls[slug], f"of {slug}", clock)
    return urls


def test_a_backup_with_tables_of_another_workspace_is_refused(database_url, tmp_path, clock):
    urls = two(database_url, tmp_path, clock)
    Backups(urls["acme"], clock).back_up(tmp_path / "acme.backup")
    PostgresStore(database_url).back_up(tmp_path / "all.backup")
    for slug in urls:
        prefer(urls[slug], "later", clock)
    for name in ("acme.backup", "all.backup"):
        with pytest.raises(BackupError, match="handoff_acme"):
            Backups(urls["beta"], clock).restore(tmp_path / name, replace=True)
    assert [preferred(url) for url in urls.values()] == ["later", "later"]


def test_the_backup_of_the_process_holds_and_restores_only_the_installations(
    on_postgres, database_url, tmp_path
):
    assert on_postgres.install(on_postgres.acme).status_code == 200
    environ = on_postgres.workspaces._environ
    assert next(back_up(environ, tmp_path / "copies")) == "process: backed up"
    file = tmp_path / "copies" / "process.backup"
    assert b"handoff_acme" not in file.read_bytes()
    shared = on_postgres.workspaces._installations
    shared.remove(shared.every()["T0ACME"].home)
    options = ["--clean", "--if-exists", "--single-transaction", "--no-owner", "-d", database_url]
    subprocess.run([shutil.which("pg_restore"), *options, str(file)], check=True)
    assert shared.every()["T0ACME"].token == on_postgres.acme.slack.bot_token


def prefer(url, value, clock):
    opened = Database(url)
    migrate(opened)
    with opened.write() as tx:
        log.prefer(tx, "company", value, "test", clock.now())
    opened.close()


def preferred(url):
    opened = Database(url)
    with opened.read() as tx:
        found = log.preference(tx, "company", None)
    opened.close()
    return found
