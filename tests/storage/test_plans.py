"""No statement reads a table from end to end that grows with each message.

The occasions of tests/contracts run nearly every kind of job.
"""

import pytest

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.escalations import Step
from handoff_bot.services.operators import MessageTraces
from handoff_bot.services.privacy.retention import RETAIN
from handoff_bot.storage import (
    contacts,
    conversations,
    erasures,
    escalations,
    log,
    message_trace,
    metrics,
    sources,
)
from tests.contracts import occasions
from tests.plans import Statements
from tests.services.conftest import build_house

ALLOWED = {
    "FROM spent WHERE spent.contact_id = ": "contacts' usage is kept for 30 days",
    "ORDER BY escalation.id DESC": "the newest, without a condition",
    "EXISTS (SELECT * FROM delivery WHERE": "PostgreSQL hashes a test's few rows; with 3 million it does not",
}
"""Part of a statement -> why it may."""


def not_allowed(found: dict[str, list[str]]) -> dict[str, list[str]]:
    return {
        sql: tables
        for sql, tables in found.items()
        if not any(part in " ".join(sql.split()) for part in ALLOWED)
    }


@pytest.fixture
def seen():
    return Statements()


def test_jobs_of_all_kinds_find_their_rows_by_indexes(database, clock, seen):
    with seen.watched():
        occasions.run(database, clock)
    assert len(seen.seen) > 100
    assert not_allowed(seen.that_read_everything(database)) == {}


def test_what_operators_ask_is_found_by_indexes(database, clock, seen):
    house = build_house(database, clock)
    house.says("hello")
    with seen.watched(), database.read() as tx:
        assert erasures.contacts_at(tx, "+15550001") == [1]
        assert erasures.contacts_at(tx, "sms:+15550001") == [1]
        assert erasures.contacts_at(tx, "+15550002") == []
        assert conversations.latest(tx, 10)[0].address == "+15550001"
        assert metrics.channels(tx) == ("sms",)
        assert sources.recipients(tx, "sms", 10) == ["+15559999"]
        assert sources.addresses(tx, "sms", clock.now(), 10) == ["+15550001"]
        assert not escalations.some_card_is_unplaced(tx)
        assert len(message_trace.by_provider_id(tx, "SMIN1")) == 1
        message_trace.by_desk_ts(tx, "1800000000.000001")
        message_trace.of_ticket(tx, 1)
        message_trace.events(tx, [1])
        log.changes_by_people(tx, 10, None, "UANA")
        log.changes_by_people(tx, 10, 5)
        escalations.recent_waits(tx, clock.now(), 5)
        contacts.exported(tx, 1)
    assert not_allowed(seen.that_read_everything(database)) == {}


def test_retention_that_finds_nothing_reads_nothing(database, clock, seen):
    house = build_house(database, clock)
    house.says("hello")
    house.core.retention.save(["all messages 30", "sms messages 60", "all notes 30"], "test")
    with seen.watched():
        house.core.scheduler.tick(RETAIN)
        house.settle()
    assert any("message.created_at <" in sql for sql in seen.seen)
    assert not_allowed(seen.that_read_everything(database)) == {}


def test_a_statement_without_an_index_is_noticed(database, seen):
    with seen.watched(), database.read() as tx:
        tx.core.exec_driver_sql("SELECT id FROM message WHERE mark = 'x'")
    assert list(seen.that_read_everything(database).values()) == [["message"]]


def test_an_audit_page_holds_actions_and_settings_in_order(database, clock):
    house = build_house(database, clock)
    house.says("a human please")
    house.take(Step.CLAIM, AgentRef("UANA", "Ana"))
    house.core.preferences.change("rules.always", ["fire"], "UMIA")
    with database.read() as tx:
        found = [row[0].id for row in log.changes_by_people(tx, 50)]
        mias = [row[0].kind for row in log.changes_by_people(tx, 50, None, "UMIA")]
    assert found == sorted(found, reverse=True)
    assert mias == ["setting.changed"]


def test_the_trace_of_an_unknown_id_is_empty(database):
    assert MessageTraces(database).lines("SMnone") == []
