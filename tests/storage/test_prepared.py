"""Prepared statements do what SQLAlchemy's own execution does, on both databases."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, bindparam, event, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, InternalError, SQLAlchemyError
from sqlmodel import select as select_entity

from handoff_bot.domain.errors import DatabaseAway
from handoff_bot.storage import canned, libpq
from handoff_bot.storage.models import (
    Canned,
    Contact,
    Conversation,
    Event,
    Lane,
    Message,
    Preference,
)
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import select_all, table_of

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
CONTACT, CONVERSATION, LANE = table_of(Contact), table_of(Conversation), table_of(Lane)
BY_NAME = Prepared(select_all(Contact).where(CONTACT.c.name == bindparam("called")))
RENAME = Prepared(
    update(CONTACT).where(CONTACT.c.id == bindparam("which")).values(name=bindparam("called"))
)
NAMES = Prepared(
    select(CONTACT.c.name)
    .where(CONTACT.c.name.in_(bindparam("names", expanding=True)), CONTACT.c.name != "nobody")
    .order_by(CONTACT.c.id)
)

END = Prepared(select(func.pg_terminate_backend(func.pg_backend_pid())))


@pytest.fixture
def tx(database):
    with database.write() as tx:
        yield tx


def contact(tx, name="Ada"):
    return tx.add(Contact(name=name, created_at=NOW))


def conversation(tx):
    groups, at = ["a", "b"], NOW - timedelta(days=1)
    return tx.add(
        Conversation(
            contact_id=contact(tx).id,
            channel="sms",
            address="+1",
            counted_with=groups,
            last_inbound_at=at,
            created_at=NOW,
        )
    )


def columns(entity):
    return {name: getattr(entity, name) for name in type(entity).model_fields}


def test_an_entity_is_the_one_that_a_session_would_load(tx):
    number = conversation(tx).id
    tx.forget()
    (ours,) = tx.entities(Conversation, Prepared(select_all(Conversation)), {})
    assert tx.session.get(Conversation, number) is ours
    found = columns(ours)
    tx.forget()
    theirs = tx.session.execute(select_entity(Conversation)).scalar_one()
    assert found == columns(theirs)
    assert theirs.counted_with == ["a", "b"]
    assert theirs.window_closes_at is None


def test_an_inserted_row_is_the_one_that_a_session_would_load(tx):
    its = {"conversation_id": conversation(tx).id, "direction": "inbound", "author": "contact"}
    ours = tx.insert(Message, **its, channel="sms", text="hello", created_at=NOW)
    assert tx.session.get(Message, ours.id) is ours
    found = columns(ours)
    ours.mark = "seen"
    tx.flush()
    tx.forget()
    theirs = tx.session.execute(select_entity(Message)).scalar_one()
    assert columns(theirs) == found | {"mark": "seen"}
    other = tx.insert(Message, **its, channel="sms", text="you", created_at=NOW)
    assert other.payload == {}
    assert other.payload is not ours.payload


def test_a_change_of_a_loaded_entity_is_written(tx):
    number = contact(tx).id
    tx.forget()
    (one,) = tx.entities(Contact, BY_NAME, {"called": "Ada"})
    one.name = "Bo"
    assert tx.entities(Contact, BY_NAME, {"called": "Bo"}) == [one]
    assert tx.core.execute(text("SELECT name FROM contact")).scalar() == "Bo"
    assert one.id == number


def test_what_a_statement_changed_is_seen_when_an_entity_is_read_again(tx):
    one = contact(tx)
    assert RENAME.run(tx.core, {"which": one.id, "called": "Bo"}) == 1
    assert RENAME.run(tx.core, {"which": one.id + 1, "called": "Bo"}) == 0
    assert tx.session.get(Contact, one.id).name == "Ada"  # as a session's identity map says
    assert tx.session.get(Contact, one.id, populate_existing=True).name == "Bo"
    assert tx.lock(Contact, one.id) is one


def test_an_expired_entity_is_read_again(tx):
    one = contact(tx)
    RENAME.run(tx.core, {"which": one.id, "called": "Bo"})
    tx.session.expire_all()
    assert tx.session.get(Contact, one.id).name == "Bo"


def test_a_missing_row_is_no_entity(tx):
    assert tx.session.get(Contact, 1) is None
    assert tx.session.get(Preference, "none") is None
    assert BY_NAME.first(tx.core, {"called": "Ada"}) is None


def test_an_ignored_failure_of_a_flush_is_not_committed_in_silence(database):
    def ignore_it():
        with database.write() as tx:
            number = contact(tx).id
            tx.session.expunge_all()
            tx.session.add(Contact(id=number, name="Bo", created_at=NOW))
            with suppress(IntegrityError):
                tx.session.flush()

    with pytest.raises((SQLAlchemyError, DatabaseAway)):
        ignore_it()
    with database.read() as tx:
        assert tx.core.execute(select(CONTACT.c.id)).all() == []


@pytest.mark.parametrize("backend", ["postgresql"])  # SQLite undoes only the statement that failed
def test_an_ignored_failure_of_a_statement_is_not_committed_in_silence(database):
    added = Prepared(insert(LANE))
    row = {"key": "a:1", "family": "a", "rank": 0}

    def ignore_it():
        with database.write() as tx:
            added.run(tx.core, row)
            with suppress(IntegrityError):
                added.run(tx.core, row)

    with pytest.raises(InternalError, match="rollback"):
        ignore_it()
    with database.write() as tx:  # the connection is as good as new
        added.run(tx.core, row)


def test_a_canned_reply_whose_name_is_taken_undoes_nothing_else(database):
    with database.write() as tx:
        contact(tx)
        for name in ("refund", "money"):
            assert canned.keep(tx, Canned(name=name), text="Soon.", updated_at=NOW)
        assert not canned.keep(tx, Canned(name="refund"), text="Later.", updated_at=NOW)
        money = canned.called(tx, "money")[0]
        assert not canned.keep(tx, money, name="refund", updated_at=NOW)
        assert canned.keep(tx, money, text="Never.", updated_at=NOW)
    with database.read() as tx:
        assert [(one.name, one.text) for one in canned.every(tx)] == [
            ("money", "Never."),
            ("refund", "Soon."),
        ]
        assert BY_NAME.first(tx.core, {"called": "Ada"})


@pytest.mark.parametrize("names", [[], ["Ada"], ["Bo", "Ada"], ["Ada", "Bo", "nobody"]])
def test_a_list_may_have_any_length(tx, names):
    for name in ("Ada", "Bo", "nobody"):
        contact(tx, name)
    found = [name for (name,) in NAMES.rows(tx.core, {"names": names})]
    assert found == sorted(set(names) - {"nobody"})


def test_several_inserts_return_their_ids_in_order(tx):
    added = Prepared(insert(CONTACT).returning(CONTACT.c.id))
    found = added.each(tx.core, [{"name": name, "created_at": NOW} for name in "abc"])
    kept = tx.core.execute(select(CONTACT.c.id, CONTACT.c.name).order_by(CONTACT.c.id)).all()
    assert [(number, name) for (number,), name in zip(found, "abc", strict=True)] == kept


def test_a_violated_key_is_an_integrity_error_without_the_customers_words(tx):
    added = Prepared(insert(LANE))
    row = {"key": "Ada's address", "family": "in", "rank": 0}
    added.run(tx.core, row)
    nested = tx.core.begin_nested()
    with pytest.raises(IntegrityError) as failed:
        added.run(tx.core, row)
    nested.rollback()
    assert failed.value.hide_parameters
    assert failed.value.params is None


def test_listeners_hear_of_every_statement(tx):
    heard = []

    def listen(_connection, _cursor, statement, *_):
        heard.append(statement)

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        contact(tx)
        BY_NAME.rows(tx.core, {"called": "Ada"})
    finally:
        event.remove(Engine, "before_cursor_execute", listen)
    assert [statement.split()[0] for statement in heard] == ["INSERT", "SELECT"]


@pytest.mark.parametrize("micros", [0, 1, 999_999])
def test_times_are_stored_as_sqlalchemy_does_and_compared_as_times(tx, micros):
    at = NOW.replace(microsecond=micros)
    table = table_of(Event)
    tx.add(Event(at=at, kind="one", data={}))
    before = Prepared(
        select(table.c.at).where(table.c.at <= bindparam("until", type_=table.c.at.type))
    )
    assert before.scalar(tx.core, {"until": at}) == at
    assert before.scalar(tx.core, {"until": at - timedelta(microseconds=1)}) is None
    with pytest.raises(ValueError, match="naive"):
        before.scalar(tx.core, {"until": at.replace(tzinfo=None)})


@pytest.mark.parametrize("backend", ["postgresql"])  # a file has no server that closes connections
def test_a_connection_that_was_closed_at_rest_is_replaced_silently(database):
    with database.read() as tx:
        tx.core.execute(select(CONTACT.c.id)).all()
        used = tx.core.connection.dbapi_connection
        record = tx.core.connection._connection_record
    used.close()  # as after a restart of the server
    record.info["used"] -= 60
    with database.read() as tx:
        assert tx.core.execute(select(CONTACT.c.id)).all() == []


@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_rolled_back_transaction_costs_a_connection_none_of_its_statements(database, monkeypatch):
    monkeypatch.setattr(libpq, "MOST_PREPARED", 1)  # of these two, one is kept and one is not
    prepared = "SELECT count(*) FROM pg_prepared_statements"
    for name in ("Ada", "Bo"):
        with database.write() as tx:
            contact(tx, name)
            assert BY_NAME.first(tx.core, {"called": name})
            assert tx.core.execute(text(prepared)).scalar() == 1
        with database.read() as tx:  # ends with a rollback
            assert BY_NAME.first(tx.core, {"called": name})
            assert RENAME.run(tx.core, {"which": 0, "called": "Bo"}) == 0


@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_connection_that_the_server_closes_in_a_statement_is_an_outage(database):
    with pytest.raises(DatabaseAway), database.write() as tx:
        END.run(tx.core, {})
    with database.write() as tx:
        assert BY_NAME.first(tx.core, {"called": "Ada"}) is None


@pytest.mark.parametrize("backend", ["postgresql"])
@pytest.mark.parametrize(
    "change", ["ALTER TABLE sample ALTER COLUMN n TYPE text", "DEALLOCATE ALL"]
)
def test_a_connection_whose_statements_became_stale_prepares_them_again(database, change):
    several = [Prepared(text(sql)) for sql in ("SELECT n FROM sample", "SELECT max(n) FROM sample")]
    with database.write() as tx:
        tx.core.execute(text("CREATE TEMP TABLE sample AS SELECT 1 AS n"))
        assert [one.scalar(tx.core, {}) for one in several] == [1, 1]
    with database.write() as tx:
        tx.core.execute(text(change))
    with pytest.raises(DatabaseAway, match="StaleStatement"), database.write() as tx:
        several[0].scalar(tx.core, {})
    with database.write() as tx:
        assert [str(one.scalar(tx.core, {})) for one in several] == ["1", "1"]
        kept = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%sample%'"
        assert tx.core.execute(text(kept)).scalar() == 2
