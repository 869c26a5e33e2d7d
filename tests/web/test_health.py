"""The health page names lanes that are late, and requests are refused while the database is away."""

import sqlite3
from datetime import timedelta

import pytest
from sqlalchemy import make_url, text

from handoff_bot.jobs import leases
from handoff_bot.jobs.inbox import Inbox
from handoff_bot.jobs.job import NewJob, enqueue_job
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Lane
from handoff_bot.storage.schema import HEAD
from handoff_bot.web.application import create_web, webhooks
from handoff_bot.web.health import health
from tests.fakes import idle_worker
from tests.web.test_webhooks import FORM, StubChannel

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def client(database, clock):
    channels = {"sms": StubChannel()}
    return create_web(
        [webhooks(channels, Inbox(idle_worker(database, clock))), health(database, clock)]
    ).test_client()


def due(database, clock, lane):
    with database.write() as tx:
        enqueue_job(tx, NewJob("job", lane, {}, clock.now()))


@pytest.mark.parametrize(
    ("family", "bound"),
    [
        *((family, 60) for family in ("in", "answer", "out", "desk", "slack", "from-elsewhere")),
        *((family, 300) for family in ("draw", "mood", "tell", "mail", "sink-zendesk")),
    ],
)
def test_health_is_not_ok_while_a_lane_is_late(client, database, clock, family, bound):
    due(database, clock, f"{family}:1")
    clock.advance(seconds=bound)
    assert client.get("/healthz").json["status"] == ("behind" if bound == 60 else "ok")
    clock.advance(seconds=1)
    answer = client.get("/healthz")
    told = (answer.status_code, answer.json["status"], answer.json["late"])
    assert told == (200, "late", {family: bound + 1.0})


@pytest.mark.on_both
@pytest.mark.parametrize("family", ["in", "answer", "out", "desk", "slack"])
def test_health_says_behind_while_a_customer_waits_for_more_than_five_seconds(
    client, database, clock, family
):
    due(database, clock, f"{family}:1")
    clock.advance(seconds=5)
    assert client.get("/healthz").json["status"] == "ok"
    clock.advance(seconds=1)
    answer = client.get("/healthz")
    told = (answer.status_code, answer.json["status"], answer.json["behind"])
    assert told == (200, "behind", {family: 6.0})


@pytest.mark.parametrize("family", ["draw", "mood", "tell", "mail"])
def test_health_is_ok_while_only_what_no_customer_waits_for_is_behind(
    client, database, clock, family
):
    due(database, clock, f"{family}:1")
    clock.advance(seconds=200)
    body = client.get("/healthz").json
    assert (body["status"], body["behind"]) == ("ok", {})


@pytest.mark.on_both
def test_a_lane_that_a_thread_holds_for_too_long_is_late_too(client, database, clock):
    due(database, clock, "out:1")
    with database.write() as tx:
        leases.join(tx, "me", clock.now())
        leases.lease(tx, "me", "out", clock.now(), 1)
    clock.advance(seconds=61)
    assert client.get("/healthz").json["late"] == {"out": 61.0}


def test_a_lane_that_waits_for_its_turn_at_slack_is_not_late(client, database, clock):
    due(database, clock, "desk:1")
    with database.write() as tx:
        tx.change(Lane, Lane.key == "desk:1", waits_for="post:C1")
    clock.advance(seconds=120)
    body = client.get("/healthz").json
    assert (body["status"], body["late"], body["behind"]) == ("ok", {}, {})
    assert body["lanes"]["desk"]["lag_seconds"] == 120.0


@pytest.mark.on_both
def test_health_is_ok_again_when_the_lane_was_run(client, database, clock):
    due(database, clock, "out:1")
    clock.advance(seconds=61)
    with database.write() as tx:
        taken = leases.lease(tx, "me", "out", clock.now(), 1)
        leases.release(tx, "out:1", taken["out:1"], None)
    assert client.get("/healthz").json["status"] == "ok"


@pytest.fixture
def away(database_url, backend, database, clock, monkeypatch):
    """A client whose database is locked from outside, or is not there."""
    monkeypatch.setattr("handoff_bot.jobs.inbox.PATIENCE", 0.2)
    if backend == "sqlite":
        outside = sqlite3.connect(str(make_url(database_url).database), isolation_level=None)
        outside.execute("BEGIN IMMEDIATE")
        used = database
    else:
        used = Database("postgresql://handoff@127.0.0.1:1/nothing")  # nobody listens there
    inbox = Inbox(idle_worker(used, clock))
    yield create_web([webhooks({"sms": StubChannel()}, inbox), health(used, clock)]).test_client()
    if backend == "sqlite":
        outside.rollback()
        outside.close()
    else:
        used.close()


@pytest.mark.on_both
def test_a_webhook_is_refused_so_that_it_comes_again_while_the_database_is_away(away):
    for _ in range(2):
        answer = away.post("/webhooks/sms", data="", content_type=FORM)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.text == "The database does not respond.\n"


def test_a_process_lives_while_it_answers_whatever_the_database_does(away, client):
    for each in (away, client):
        assert (each.get("/livez").status_code, each.get("/livez").json) == (200, {"status": "ok"})


def readiness(database, clock, worker=None):
    answer = create_web([health(database, clock, worker=worker)]).test_client().get("/readyz")
    return answer.status_code, answer.json


READY = (200, {"status": "ready"})


def lacks(what):
    return 503, {"status": "not ready", "lacking": what}


def test_a_process_is_ready_while_its_own_worker_has_a_fresh_heartbeat(database, clock):
    """Another process's worker is no help: this one would not run what its requests start."""
    with database.write() as tx:
        leases.join(tx, "mine", clock.now() + timedelta(seconds=5))
        leases.join(tx, "another", clock.now() + timedelta(hours=1))
    assert readiness(database, clock, lambda: "mine") == READY
    clock.advance(seconds=5)
    assert readiness(database, clock, lambda: "mine") == lacks("worker")
    assert readiness(database, clock, lambda: "") == lacks("worker")


def test_a_process_that_only_stores_requests_is_ready_without_a_worker(database, clock):
    assert readiness(database, clock) == READY


def test_a_process_is_not_ready_on_an_older_schema_and_is_on_a_newer_one(database, clock):
    """After an upgrade the older processes go on until they are replaced."""
    for found, expected in (("0005", lacks("schema")), ("9999", READY), (HEAD, READY)):
        with database.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": found})
        assert readiness(database, clock) == expected


def test_a_process_is_not_ready_without_its_database(clock):
    gone = Database("postgresql://handoff@127.0.0.1:1/nothing")  # nobody listens there
    assert readiness(gone, clock) == lacks("database")
    gone.close()
