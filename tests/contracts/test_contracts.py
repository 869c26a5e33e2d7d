"""What others rely on stays as it is: each contract equals its file in tests/contracts/data.

A contract that changes on purpose changes with its file, and with a line in the changelog.
"""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from handoff_bot.domain import events
from handoff_bot.domain.events import EventKind, of_connector
from handoff_bot.services import settings_catalog
from handoff_bot.services.outbox.ticket_sync import SYSTEMS
from handoff_bot.slack.manifest import manifest
from tests.contracts import occasions, running
from tests.snapshots import as_json, check_file
from tests.stored_kinds import kinds_of_events, kinds_of_jobs

RECORDINGS = Path(__file__).resolve().parents[1] / "desk" / "recordings"
ROOT = Path(__file__).resolve().parents[2]
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


def test_every_kind_of_event_in_the_contract_has_a_name_and_every_name_is_used():
    """`contact.exported` is left by the command line, which these occasions do not run."""
    kept = set(json.loads((DATA / "events.json").read_text(encoding="utf-8")))
    connectors = {of_connector(name, how) for name in SYSTEMS for how in ("failed", "late")}
    assert kept - connectors == set(EventKind) - {EventKind.CONTACT_EXPORTED}


def test_no_kind_of_event_is_written_out_outside_its_module():
    bad = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for part in ("app.py", "channels", "handoff_bot", "handoff_sandbox", "bench")
        for path in ([ROOT / part] if part.endswith(".py") else (ROOT / part).rglob("*.py"))
        if path != Path(events.__file__) and "migrations" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and _names_a_kind(node.value)
        if node.value != "ladder.rung"  # earlier versions also stored a kind of jobs by this name
    ]
    assert not bad, "use EventKind of handoff_bot/domain/events.py"


@pytest.mark.parametrize("text", ["csat.answered", "escalation.", "WHERE kind = 'sla.late'"])
def test_a_kind_is_found_alone_as_a_beginning_and_in_a_query(text):
    assert _names_a_kind(text)


def _names_a_kind(text: object) -> bool:
    return isinstance(text, str) and (
        text in set(EventKind)
        or text in (events.OF_ESCALATIONS, "consent.", "ticket.")
        or any(f"'{kind}'" in text for kind in EventKind)
    )


def test_every_kind_of_job_that_is_registered_has_its_fields_in_the_contract():
    kinds = json.loads((DATA / "queues.json").read_text(encoding="utf-8"))["kinds"]
    jobs = json.loads((DATA / "jobs.json").read_text(encoding="utf-8"))
    assert {kind: parts["queues"] for kind, parts in jobs.items()} == kinds


def test_keys_of_live_settings():
    """Those of the model, and what is stored beside it; a key that ends in a dot stands for all that
    begin so.
    """
    of_the_model = {
        settings_catalog.key_of(name) for name in settings_catalog.LiveSettings.model_fields
    }
    check(
        "settings_keys",
        sorted({key for keys in recorded("settings") for key in keys} | of_the_model),
    )
