"""/metrics is exact in any number of processes, cheap, and identifies no person; who may see what."""

import json
import re
import sqlite3
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event as listening
from sqlalchemy import text

from handoff_bot.domain.language_models import Usage
from handoff_bot.jobs import leases
from handoff_bot.jobs.job import NewJob, enqueue_job
from handoff_bot.storage import log, tallies
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Contact, Conversation, Escalation, RateLimit
from handoff_bot.web.application import create_web
from handoff_bot.web.health import Operators, health
from handoff_bot.web.prometheus import prometheus

TOKEN = "t" * 40
USAGE = Usage("gpt", 100, 10)
BEARER = {"Authorization": f"Bearer {TOKEN}"}
MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"


def web(database, clock, token=TOKEN, **more):
    operators = Operators(token)
    routes = [
        health(database, clock, None, operators),
        prometheus(database, clock, operators, **more),
    ]
    return create_web(routes).test_client()


@pytest.fixture
def client(database, clock):
    client = web(database, clock, streams=lambda: 3)
    scraped(client)  # counting begins with the first scrape
    return client


def scraped(client) -> dict[str, dict[tuple[str, ...], float]]:
    """Metric -> values of its labels -> value, as Prometheus' own parser reads it."""
    answer = client.get("/metrics", headers=BEARER)
    assert answer.status_code == 200
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


@pytest.fixture
def conversation(database, clock):
    with database.write() as tx:
        contact = tx.add(Contact(name="Dana", created_at=clock.now()))
        return tx.add(
            Conversation(
                contact_id=contact.id, channel="sms", address="+15550100", created_at=clock.now()
            )
        )


def record(database, clock, conversation, kind, **data):
    with database.write() as tx:
        log.record(tx, kind, clock.now(), conversation=conversation, **data)


def test_messages_and_their_outcomes_are_counted(client, database, clock, conversation):
    for kind, data in [
        ("message.received", {"channel": "sms"}),
        ("message.received", {"channel": "sms"}),
        ("message.sent", {"status": "accepted", "author": "assistant"}),
        ("message.news", {"status": "sent", "author": "assistant"}),
        ("message.news", {"status": "delivered", "author": "assistant"}),
        ("message.failed", {"channel": "sms", "code": "30003", "author": "agent"}),
        ("message.dropped", {}),
        ("message.considered", {"model": "in_time", "channel": "sms"}),
        ("message.considered", {"model": "late", "channel": "sms"}),
        ("message.considered", {"channel": "sms"}),
        ("escalation.opened", {"reason": "request", "channel": "sms"}),
        ("escalation.resolve", {"owner": 1}),
    ]:
        record(database, clock, conversation, kind, **data)
    clock.advance(seconds=31)
    found = scraped(client)
    assert found["handoff_messages_total"] == {("sms", "inbound"): 2, ("sms", "outbound"): 1}
    assert found["handoff_deliveries_total"] == {
        ("sms", "sent"): 1,
        ("sms", "delivered"): 1,
        ("sms", "failed"): 1,
        ("sms", "dropped"): 1,
    }
    assert found["handoff_ai_turns_total"] == {("in_time",): 1, ("late",): 1, ("local",): 1}
    assert found["handoff_escalations_total"] == {("sms", "request"): 1}
    assert found["handoff_escalations_ended_total"] == {("sms", "resolved"): 1}
    assert scraped(client) == found


def test_every_process_shows_the_same_counters_whichever_is_asked(
    client, database, database_url, clock, conversation
):
    """Else a counter would seem to be reset with each scrape that another process answers."""
    other_database = Database(database_url)
    other = web(other_database, clock, streams=lambda: 3)
    for number in range(1, 5):
        record(database, clock, conversation, "message.received", channel="sms")
        clock.advance(seconds=31)
        seen = [scraped(each)["handoff_messages_total"] for each in (client, other, client)]
        assert seen == [{("sms", "inbound"): number}] * 3
    other_database.close()


def test_an_event_that_commits_after_a_later_one_is_counted(client, database, clock, conversation):
    record(database, clock, conversation, "message.received", channel="sms")
    clock.advance(seconds=29)
    record(database, clock, conversation, "message.received", channel="sms")
    assert "handoff_messages_total" not in scraped(client)
    clock.advance(seconds=2)
    assert scraped(client)["handoff_messages_total"] == {("sms", "inbound"): 1}
    clock.advance(seconds=30)
    assert scraped(client)["handoff_messages_total"] == {("sms", "inbound"): 2}


def test_counters_go_on_over_a_gap_in_the_ids_and_in_pieces(
    client, database, clock, conversation, monkeypatch
):
    """A restored or failed-over PostgreSQL leaves gaps, and a long pause leaves many events."""
    monkeypatch.setattr("handoff_bot.storage.metering.MOST", 2)
    for _ in range(5):
        record(database, clock, conversation, "message.received", channel="sms")
    with database.engine.begin() as connection:
        row = "1000000, 'message.received', '{}', :at, :conversation"
        connection.execute(
            text(f"INSERT INTO event (id, kind, data, at, conversation_id) VALUES ({row})"),
            {"at": _stored(clock.now(), database), "conversation": conversation.id},
        )
    clock.advance(seconds=31)
    for _ in range(6):
        last = scraped(client)
    assert last["handoff_messages_total"] == {("sms", "inbound"): 6}


def _stored(at, database):
    return at.replace(tzinfo=None) if database.is_sqlite else at


def test_counters_begin_with_the_first_scrape(database, clock, conversation):
    """A burst of all that ever happened would be an alarm."""
    record(database, clock, conversation, "message.received", channel="sms")
    clock.advance(seconds=31)
    client = web(database, clock)
    assert "handoff_messages_total" not in scraped(client)
    record(database, clock, conversation, "message.received", channel="sms")
    clock.advance(seconds=31)
    assert scraped(client)["handoff_messages_total"] == {("sms", "inbound"): 1}


def test_the_present_state_is_shown(client, database, clock, conversation):
    with database.write() as tx:
        for priority, status in (("urgent", "queued"), ("normal", "claimed")):
            tx.add(
                Escalation(
                    conversation_id=conversation.id if status == "queued" else _another(tx, clock),
                    status=status,
                    reason="request",
                    priority=priority,
                    priority_rank=0,
                    opened_at=clock.now(),
                )
            )
        enqueue_job(tx, NewJob("send", "out:1", {}, clock.now()))
        tx.add(RateLimit(key="post:C1", free_at=clock.now(), limited=2, limited_at=clock.now()))
        tx.add(RateLimit(key="post:C2", free_at=clock.now(), limited=1, limited_at=clock.now()))
        tallies.add_usage(tx, "2026-11-22", tallies.ALL_CONTACTS, USAGE, 500_000)
        tallies.add_usage(tx, "2026-11-23", tallies.ALL_CONTACTS, USAGE, 250_000)
        tallies.add_usage(tx, "2026-11-23", 7, USAGE, 250_000)
    clock.advance(seconds=90)
    with database.write() as tx:
        leases.join(tx, "one", clock.at.replace(year=2027))
    found = scraped(client)
    assert found["handoff_queue_customers"] == {("urgent",): 1}
    assert found["handoff_queue_longest_wait_seconds"] == {("urgent",): 90}
    assert found["handoff_conversations_claimed"] == {(): 1}
    assert found["handoff_lanes_waiting"] == {("out",): 1}
    assert found["handoff_lanes_overdue_seconds"] == {("out",): 90}
    assert found["handoff_jobs_failed"] == {(): 0}
    assert found["handoff_slack_rate_limited_total"] == {("post",): 3}
    assert found["handoff_ai_requests_total"] == {(): 2}
    assert found["handoff_ai_tokens_total"] == {("input",): 200, ("output",): 20}
    assert found["handoff_ai_cost_total"] == {(): 0.75}
    assert found["handoff_workers"] == {(): 1}
    assert found["handoff_website_streams"] == {(): 3}
    if not database.is_sqlite:
        assert found["handoff_database_connections"][()] >= 1


def _another(tx, clock):
    contact = tx.add(Contact(name="Eve", created_at=clock.now()))
    row = Conversation(
        contact_id=contact.id, channel="sms", address="+15550101", created_at=clock.now()
    )
    return tx.add(row).id


def test_no_label_tells_of_a_person(client, database, clock, conversation):
    record(database, clock, conversation, "message.received", channel="sms")
    with database.write() as tx:
        enqueue_job(tx, NewJob("mail", "mail:dana@example.com", {}, clock.now()))
        enqueue_job(tx, NewJob("inbound", "in:sms:+15550100", {}, clock.now()))
        tx.add(RateLimit(key="post:UDANA", free_at=clock.now(), limited=1, limited_at=clock.now()))
    clock.advance(seconds=31)
    shown = client.get("/metrics", headers=BEARER).text
    assert not re.search(r"Dana|dana|DANA|5550100", shown)


@pytest.mark.on_sqlite
def test_names_and_units_follow_the_convention(client):
    answer = client.get("/metrics", headers=BEARER).text
    for family in text_string_to_metric_families(answer):
        assert family.name.startswith("handoff_")
        assert family.documentation.endswith(".")
        assert family.type in ("counter", "gauge")
        assert not re.search(r"_(ms|minutes|hours|kb|percent)$", family.name)
    assert answer.endswith("\n")


# -- what it costs


def steps_of(client, database) -> int:
    """The work of SQLite for a scrape, in thousands of its instructions; no clock is asked."""
    steps = 0

    def count():
        nonlocal steps
        steps += 1

    def watch(connection, _record, _proxy):
        connection.set_progress_handler(count, 1000)

    engines = (database._writer, database._reader)
    for engine in engines:
        listening.listen(engine, "checkout", watch)
    scraped(client)
    for engine in engines:
        listening.remove(engine, "checkout", watch)
    return steps


# ruff: noqa: S608 - the statements are ours
def test_a_scrape_costs_as_little_with_many_messages_as_with_ten(
    backend, client, database, database_url, clock, conversation
):
    if backend != "sqlite":
        pytest.skip("SQLite counts its instructions")
    outside = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
    at = "2026-11-23 08:00:00.000000"

    def fill(count):
        outside.execute("BEGIN")
        outside.execute(
            f"{many} INSERT INTO message (conversation_id, direction, author, channel, text, media, "
            f"payload, context, created_at) SELECT {conversation.id}, 'inbound', 'contact', 'sms', "
            f"'', '[]', '{{}}', '{{}}', '{at}' FROM n",
            {"count": count},
        )
        outside.execute(
            f"{many} INSERT INTO event (kind, at, data, conversation_id) SELECT 'message.received', "
            f"'{at}', '{{\"channel\": \"sms\"}}', {conversation.id} FROM n",
            {"count": count},
        )
        outside.execute(
            f"{many} INSERT INTO spent (day, contact_id, calls, input_tokens, output_tokens, micros) "
            "SELECT '2026-11-23', i + (SELECT max(id) FROM message), 1, 1, 1, 1 FROM n",
            {"count": count // 10},
        )
        outside.execute("COMMIT")

    fill(10)
    scraped(client)
    few = steps_of(client, database)
    fill(100_000)
    scraped(client)  # what came meanwhile is counted in pieces
    assert scraped(client)["handoff_messages_total"] == {("sms", "inbound"): 100_010}
    assert steps_of(client, database) <= few + 1
    outside.close()


def test_a_scrape_is_eleven_statements(client, database, clock, conversation):
    record(database, clock, conversation, "message.received", channel="sms")
    clock.advance(seconds=31)
    found = []

    def statement(connection, cursor, text, values, context, many):
        if not text.upper().startswith(("PRAGMA", "BEGIN")):
            found.append(text)

    for engine in {database._writer, database._reader}:  # one on PostgreSQL
        listening.listen(engine, "before_cursor_execute", statement)
    scraped(client)
    for engine in {database._writer, database._reader}:  # one on PostgreSQL
        listening.remove(engine, "before_cursor_execute", statement)
    assert len(found) <= (11 if database.is_sqlite else 13), found


# -- who may see it


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer \u00fc".encode().decode("latin-1")},
    ],
)
@pytest.mark.on_sqlite
def test_metrics_need_the_token(client, headers):
    answer = client.get("/metrics", headers=headers)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "handoff_" not in answer.text


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer "}, BEARER])
@pytest.mark.on_sqlite
def test_without_a_token_there_are_no_metrics(database, clock, headers):
    assert web(database, clock, token="").get("/metrics", headers=headers).status_code == 404


BRIEF = {"status", "process", "database"}


@pytest.mark.parametrize(
    ("token", "headers", "address", "sees_details"),
    [
        ("", {}, "127.0.0.1", True),
        ("", {}, "::1", True),
        ("", {}, "203.0.113.9", False),
        ("", {"X-Forwarded-For": "203.0.113.9"}, "127.0.0.1", False),
        ("", {"Forwarded": "for=127.0.0.1"}, "127.0.0.1", False),
        (TOKEN, {}, "127.0.0.1", False),
        (TOKEN, BEARER, "203.0.113.9", True),
    ],
)
@pytest.mark.on_sqlite
def test_details_of_the_health_page_are_for_operators(
    database, clock, token, headers, address, sees_details
):
    page = web(database, clock, token).get(
        "/healthz", headers=headers, environ_overrides={"REMOTE_ADDR": address}
    )
    assert (set(page.json) > BRIEF) is sees_details
    assert set(page.json) >= BRIEF


# -- the dashboard and the alerts


def names_in(expression: str) -> set[str]:
    return set(re.findall(r"\bhandoff_\w+", expression))


def expressions() -> dict[str, list[str]]:
    board = json.loads((MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8"))
    rules = yaml.safe_load((MONITORING / "prometheus-alerts.yml").read_text(encoding="utf-8"))
    return {
        "dashboard": [t["expr"] for panel in board["panels"] for t in panel.get("targets", [])],
        "alerts": [rule["expr"] for group in rules["groups"] for rule in group["rules"]],
    }


@pytest.fixture
def every_name(database, clock, conversation):
    """The names of all samples, with everything switched on that can be shown."""

    class Model:
        def status(self, tx):
            return "ok"

    client = web(database, clock, model=Model(), streams=lambda: 0)
    scraped(client)
    record(database, clock, conversation, "message.received", channel="sms")
    record(database, clock, conversation, "message.sent", status="accepted")
    record(database, clock, conversation, "message.considered", channel="sms")
    record(database, clock, conversation, "escalation.opened", reason="request")
    record(database, clock, conversation, "escalation.resolve")
    with database.write() as tx:
        enqueue_job(tx, NewJob("send", "out:1", {}, clock.now()))
        tx.add(RateLimit(key="post:C1", free_at=clock.now(), limited=1, limited_at=clock.now()))
        tx.add(
            Escalation(
                conversation_id=conversation.id,
                status="queued",
                reason="request",
                priority="urgent",
                priority_rank=0,
                opened_at=clock.now(),
            )
        )
    clock.advance(seconds=31)
    return set(scraped(client))


ON_POSTGRES = {"handoff_database_connections"}


@pytest.mark.parametrize("where", ["dashboard", "alerts"])
@pytest.mark.on_sqlite
def test_every_metric_of_the_dashboard_and_the_alerts_exists(every_name, where):
    used = set().union(*map(names_in, expressions()[where]))
    assert used
    assert used - every_name - ON_POSTGRES == set()


@pytest.mark.on_sqlite
def test_every_metric_is_on_the_dashboard_and_on_the_page(every_name):
    page = (MONITORING.parents[1] / "docs" / "monitoring.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(handoff_\w+)`", page, re.MULTILINE))
    shown = set().union(*map(names_in, expressions()["dashboard"]))
    assert listed == every_name | ON_POSTGRES
    assert shown == listed


def test_every_alert_says_what_to_do():
    rules = yaml.safe_load((MONITORING / "prometheus-alerts.yml").read_text(encoding="utf-8"))
    for rule in rules["groups"][0]["rules"]:
        assert rule["annotations"].keys() == {"summary", "action"}
        assert rule["labels"]["severity"] in ("warning", "critical")
