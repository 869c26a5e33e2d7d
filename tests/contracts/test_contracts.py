"""What others rely on stays as it is: each contract equals its file in tests/contracts/data.

A contract that changes on purpose changes with its file, and with a line in the changelog.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from handoff_bot.slack.manifest import manifest
from tests.contracts import occasions, running
from tests.snapshots import as_json, check_file
from tests.stored_kinds import kinds_of_events, kinds_of_jobs

RECORDINGS = Path(__file__).resolve().parents[1] / "desk" / "recordings"
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


# -- what is in a database that the next version starts with


def recorded(what: str) -> list[Any]:
    """This part of every recording of the desk; tests/desk holds that they are true."""
    files = sorted(RECORDINGS.glob("*.json"))
    return [json.loads(file.read_text(encoding="utf-8"))[what] for file in files]


def test_kinds_of_events_and_jobs(database, clock):
    """Together the chapters of the desk and these occasions leave every kind that there is."""
    occasions.run(database, clock)
    events: dict[str, set[str]] = {}
    for found in (*recorded("log"), kinds_of_events(database)):
        for kind, keys in found.items():
            events.setdefault(kind, set()).update(keys)
    check("events", {kind: sorted(events[kind]) for kind in sorted(events)})
    jobs: dict[str, dict[str, set[str]]] = {}
    for found in (*recorded("jobs"), kinds_of_jobs(database)):
        for kind, parts in found.items():
            for part, names in parts.items():
                jobs.setdefault(kind, {}).setdefault(part, set()).update(names)
    check(
        "jobs",
        {kind: {part: sorted(jobs[kind][part]) for part in jobs[kind]} for kind in sorted(jobs)},
    )


def test_every_kind_of_job_that_is_registered_has_its_fields_in_the_contract():
    kinds = json.loads((DATA / "queues.json").read_text(encoding="utf-8"))["kinds"]
    jobs = json.loads((DATA / "jobs.json").read_text(encoding="utf-8"))
    assert {kind: parts["queues"] for kind, parts in jobs.items()} == kinds


def test_keys_of_live_settings():
    """All that are asked for; a key that ends in a dot stands for all that begin so."""
    check("settings_asked_for", sorted({key for keys in recorded("settings") for key in keys}))
