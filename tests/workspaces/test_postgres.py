"""On PostgreSQL each workspace has a schema, and the installations are in the process's own."""

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlmodel import select

from handoff_bot.storage.models import Message
from handoff_bot.workspaces.process import Workspaces, read_process_settings
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
