"""A database that an earlier version filled starts under this one, with jobs in it, and loses nothing."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import DateTime, MetaData, select, text

from handoff_bot.jobs.job import WORK
from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import configuration, migrate
from handoff_sandbox.slack.state.messages import Message
from tests.desk.conftest import Bureau

KEPT = Path(__file__).parents[1] / "storage" / "data" / "schema_0005.json"
"""What version 0.1.0 (schema 0005) had stored when it ended in the middle of its work.

Six customers: +15550001 was resolved, 2 is with Ana (her reply is not handled yet), 3 waits and has
written again, 4 is with Ben and snoozed, 5 waits for the AI's second answer (the provider was busy),
7 asked for an agent while Slack was down. The first message of 6 is stored and not handled.
"""
Json = dict[str, Any]


@pytest.fixture(scope="module")
def kept() -> Json:
    return dict(json.loads(KEPT.read_text(encoding="utf-8")))


@pytest.fixture
def database(backend: str, tmp_path: Path, kept: Json, request: pytest.FixtureRequest):
    """The database of the earlier version, migrated as a start migrates it."""
    address = (
        f"sqlite:///{tmp_path / 'earlier.db'}"
        if backend == "sqlite"
        else request.getfixturevalue("database_url")
    )
    opened = Database(address, synchronous="off")
    with opened.engine.begin() as connection:
        if backend == "postgresql":  # `database_url` is migrated for tests that ask for `database`
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        command.upgrade(configuration(connection), "0005")
        _fill(connection, kept["tables"], is_sqlite=backend == "sqlite")
    migrate(opened)
    yield opened
    opened.close()


def _fill(connection: Any, tables: Mapping[str, list[Json]], *, is_sqlite: bool) -> None:
    schema = MetaData()
    schema.reflect(connection)
    for table in schema.sorted_tables:
        rows = tables.get(table.name, [])
        times = {column.name for column in table.columns if isinstance(column.type, DateTime)}
        for row in rows:
            stored = {
                name: _time(value, is_sqlite) if name in times and value else value
                for name, value in row.items()
            }
            connection.execute(table.insert().values(stored))
        if rows and not is_sqlite and "id" in table.columns and isinstance(rows[0]["id"], int):
            newest = max(row["id"] for row in rows)
            sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
            connection.execute(text(f"SELECT setval({sequence}, {newest})"))


def _time(value: Json, is_sqlite: bool) -> datetime:
    at = datetime.fromisoformat(value["$time"])
    return at if is_sqlite else at.replace(tzinfo=UTC)


@pytest.fixture
def upgraded(bureau: Bureau, kept: Json) -> Bureau:
    """The new version, a minute later, in the same workspace."""
    where = bureau.slack._workspace.channels[bureau.queue]
    assert bureau.queue == kept["queue"], "the posts are of this channel"
    for _ in range(1000):  # the ids of the events that the earlier version has stored are taken
        bureau.slack._workspace.new_id("E")
    for post in kept["slack"]:
        message = Message(channel=bureau.queue, **{"user": bureau.slack.bot_user, **post})
        where.messages[message.ts] = message
        root = where.messages.get(message.thread_ts)
        if root is not None and root is not message:
            root.replies.append(message.ts)
    bureau.clock.at += timedelta(minutes=1)
    return bureau


def test_what_an_earlier_version_left_behind_is_done_and_nothing_twice(upgraded: Bureau):
    upgraded.settle()
    for _ in range(6):  # retries wait for some seconds
        upgraded.later(seconds=10)

    assert upgraded.heard("+15550002") == ["Yes, I am here"], (
        "the reply, once, and nothing before it"
    )
    answers = upgraded.heard("+15550005")
    assert len(answers) == 1, "the answer that the provider had not taken"
    assert len(upgraded.heard("+15550006")) == 1, "the AI answers a first message"
    assert len(upgraded.heard("+15550007")) == 1, "an agent comes"
    cards = "\n".join(card["text"] for card in upgraded.cards())
    assert cards.count("+15550007") == 1
    (card_3,) = (card for card in upgraded.cards() if "+15550003" in card["text"])
    thread = upgraded.slack.thread(upgraded.queue, card_3["ts"])
    assert sum("on SMS: hello? anyone?" in str(post) for post in thread[1:]) == 1
    assert due_and_open(upgraded) == []


def test_what_an_earlier_version_had_planned_comes_when_it_is_due(upgraded: Bureau):
    """The waiting policy, the SLA's warnings, and the end of a snooze."""
    upgraded.settle()
    waits = upgraded.heard("+15550003")
    upgraded.later(minutes=12)
    assert upgraded.heard("+15550003")[len(waits) :], "a customer who waits is told"
    upgraded.later(hours=2)
    (card_4,) = (card for card in upgraded.cards() if "+15550004" in card["text"])
    thread = upgraded.slack.thread(upgraded.queue, card_4["ts"])
    assert any("snooze" in str(post.get("text", "")).casefold() for post in thread[-3:])
    assert due_and_open(upgraded) == []


def test_buttons_and_threads_of_before_the_upgrade_work(upgraded: Bureau):
    upgraded.settle()
    (card_3,) = (card["ts"] for card in upgraded.cards() if "+15550003" in card["text"])
    before = len(upgraded.heard("+15550003"))
    upgraded.click(upgraded.ben, "claim", ts=card_3)
    upgraded.writes(upgraded.ben, "Sorry for the wait", ts=card_3)
    *introduced, reply = upgraded.heard("+15550003")[before:]
    assert all("Ben" in text for text in introduced)
    assert reply == "Sorry for the wait"


def due_and_open(bureau: Bureau) -> list[tuple[str, str]]:
    """Kind and error of the jobs that are due and not done."""
    with bureau.database.read() as tx:
        open_jobs = tx.session.execute(select(*WORK.c["kind", "error", "due_at", "status"]))
        now = bureau.clock.now()
        return [
            (kind, error)
            for kind, error, due_at, status in open_jobs
            if status == "failed" or (status == "ready" and due_at <= now)
        ]
