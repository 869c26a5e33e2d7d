"""What others rely on stays as it is: each contract equals its file in tests/contracts/data.

A contract that changes on purpose changes with its file, and with a line in the changelog.
"""

from pathlib import Path

import pytest

from handoff_bot.slack.manifest import manifest
from tests.contracts import running
from tests.snapshots import as_json, check_file

DATA = Path(__file__).parent / "data"


@pytest.fixture
def backend() -> str:
    """Migrations are compared with the models on both databases elsewhere."""
    return "sqlite"


def check(name: str, made: object) -> None:
    check_file(DATA / f"{name}.json", as_json(made))


def test_routes_queues_and_kinds_of_jobs(database_url):
    with running.built(database_url) as made:
        check("routes", running.routes(made))
        check("queues", running.queues(made))


def test_environment_settings():
    check("environment", running.environment())


def test_live_settings():
    check("live_settings", running.live_settings())


def test_what_is_answered_in_slack():
    check("slack", running.slack_side())


def test_the_manifest():
    check("manifest", manifest("https://bot.example.com"))


def test_the_command_line():
    check("command_line", running.command_line())


def test_the_tables(database):
    with database.engine.connect() as connection:
        check("tables", running.tables(connection))
