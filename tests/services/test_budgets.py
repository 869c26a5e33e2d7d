"""What one step of a conversation costs the database: these numbers may only go down.

Counted as in operation, where a transaction that fills an idle lane starts it; opening and ending a
transaction is counted as its commit.
"""

from collections import Counter
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from handoff_bot.domain.escalations import Step
from handoff_bot.domain.messages import DeliveryStatus
from handoff_bot.storage import log

UNCOUNTED = ("PRAGMA", "BEGIN", "SAVEPOINT", "RELEASE")


@pytest.fixture
def count(house):
    """Counts the statements and commits of what is done in its block, and of all that follows."""
    counted = Counter()

    def statement(connection, cursor, text, values, context, many):
        if text.upper().startswith("SELECT PG_NOTIFY"):
            counted["notices"] += 1
        elif not text.upper().startswith(UNCOUNTED):
            counted["statements"] += 1

    def commit(connection):
        counted["commits"] += 1

    @contextmanager
    def counting():
        house.settle()
        event.listen(Engine, "before_cursor_execute", statement)
        event.listen(Engine, "commit", commit)
        try:
            with house.core.worker.stepping():
                yield counted
        finally:
            event.remove(Engine, "before_cursor_execute", statement)
            event.remove(Engine, "commit", commit)
        house.settle()

    return counting


@pytest.fixture
def claimed(house, ana):
    """A conversation that Ana has; what is read once in a while has been read."""
    house.says("a human please")
    house.take(Step.CLAIM, ana)
    house.says("are you there?")
    house.replies(ana, "yes")
    house.detector.may_matter = lambda words: False  # all is calm
    house.says("hello?")
    house.clock.advance(seconds=1)
    return house


def within(counted, budget, is_sqlite):
    """On PostgreSQL rows are held before they are looked at, which SQLite's one writer need not."""
    statements, more_on_postgresql, commits = budget
    most = {
        "statements": statements + (0 if is_sqlite else more_on_postgresql),
        "commits": commits,
    }
    return {name: (counted[name], most[name]) for name in most if counted[name] > most[name]}


def test_a_message_in_a_claimed_conversation(claimed, count):
    with count() as counted:
        claimed.says("my order has not come", settle=False)
    (thread,) = claimed.desk.threads.values()
    assert thread[-1].text == "my order has not come"
    assert within(counted, (11, 4, 2), claimed.database.is_sqlite) == {}


def test_a_message_that_this_process_relays_wakes_no_other_process(claimed, count):
    with count() as counted:
        claimed.says("my order has not come", settle=False)
    assert counted["notices"] == 0


def test_an_agents_reply(claimed, count, ana):
    with count() as counted:
        claimed.core.relay.reply(claimed.reply_of(ana, "it comes tomorrow"))
    assert claimed.last_sent().text == "it comes tomorrow"
    assert within(counted, (45, 3, 5), claimed.database.is_sqlite) == {}


def test_a_report_of_a_delivery(claimed, count, ana):
    claimed.replies(ana, "it comes tomorrow")
    with count() as counted:
        claimed.reports(DeliveryStatus.DELIVERED, claimed.last_sent(), settle=False)
    assert within(counted, (21, 1, 3), claimed.database.is_sqlite) == {}


def test_a_question_that_the_assistant_answers(house, count):
    house.says("hello")
    with count() as counted:
        house.says("when do you open?", settle=False)
    assert within(counted, (54, 6, 6), house.database.is_sqlite) == {}


def test_a_customers_first_question(house, count):
    with count() as counted:
        house.says("when do you open?", settle=False)
    assert within(counted, (66, 9, 6), house.database.is_sqlite) == {}


def test_a_message_that_opens_an_escalation(house, count):
    house.says("hello")
    with count() as counted:
        house.says("a human please", settle=False)
    assert house.desk.cards
    assert within(counted, (173, 0, 17), house.database.is_sqlite) == {}


def test_settings_are_read_once_a_transaction_and_again_after_a_change(house, count):
    with count() as counted, house.database.write() as tx:
        assert log.preference(tx, "rules.pause_seconds", 1) == 0
        assert log.preference(tx, "rules.always", []) == []
        assert log.preferences(tx, "rules.") == {"pause_seconds": 0}
        assert counted["statements"] == 1
        log.prefer(tx, "rules.always", ["fire"], "Mia", house.clock.now())
        assert log.preference(tx, "rules.always", []) == ["fire"]
        log.forget(tx, "rules.always")
        assert log.preferences(tx, "rules.") == {"pause_seconds": 0}
