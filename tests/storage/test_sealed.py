"""Encrypted databases: what is stored, what comes back, and what becomes of values that do not open."""

from datetime import timedelta

import pytest
from sqlalchemy import JSON, LargeBinary, Text, bindparam, select, text
from sqlmodel import SQLModel

from handoff_bot.domain.errors import EncryptionError
from handoff_bot.domain.files import File
from handoff_bot.domain.tickets import TicketQuery
from handoff_bot.jobs import store
from handoff_bot.jobs.job import LANE, WORK
from handoff_bot.storage import attachments, message_trace, resealing, tickets
from handoff_bot.storage.database import Database
from handoff_bot.storage.encryption import Keyring, key_id_of, new_key
from handoff_bot.storage.migrate import oldest_program
from handoff_bot.storage.models import (
    Contact,
    Conversation,
    EncryptionKey,
    Escalation,
    Message,
    Ticket,
    Work,
    Worker,
)
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.sealed import Unreadable, sealed_columns
from handoff_bot.storage.single_instance import SingleInstanceLock
from handoff_bot.storage.transaction import table_of

OLD, NEW = new_key(), new_key()
PLANTED = "planted-secret"
_MESSAGE = table_of(Message)
FREE_TEXT = {
    "agent.name": "agents' names are the team's own data",
    "canned.text": "the team's own templates",
    "reservation.name": "an agent's name, for a moment",
    "agent.hours": "numbers",
    "conversation.counted_with": "hashed groups of limits",
    "erasure.addresses": "addresses, which are not encrypted, until an erasure ends",
    "erasure.receipt": "numbers",
    "erasure_item.target": "ids and places, asked for by statements",
    "escalation.scores": "numbers",
    "event.data": "no free text, asked for by statements",
    "preference.value": "settings",
    "setting_change.before": "settings",
    "setting_change.after": "settings",
    "reservation.others": "Slack ids",
}
"""Columns of texts, JSON and bytes that are not sealed, and why."""


@pytest.fixture
def opened(database_url, database):
    """Opens the same database with these lines of a key file."""
    made: list[Database] = []

    def opened(*lines: str) -> Database:
        keyring = Keyring(lines) if lines else None
        made.append(Database(database_url, synchronous="off", keyring=keyring))
        return made[-1]

    yield opened
    for each in made:
        each.close()


def use(database: Database, clock) -> None:
    """As a start of the bot does."""
    assert database.keyring is not None
    with database.write() as tx:
        resealing.use_keys(tx, database.keyring, clock.now())


def fill(database: Database, clock, text: str = PLANTED) -> int:
    """Stores a conversation with all kinds of values; returns the message's id."""
    now = clock.now()
    with database.write() as tx:
        contact = tx.add(Contact(name=text, attributes={"plan": text}, created_at=now))
        talk = tx.add(
            Conversation(contact_id=contact.id, channel="sms", address="+1", created_at=now)
        )
        message = tx.insert(
            Message,
            conversation_id=talk.id,
            direction="inbound",
            author="contact",
            channel="sms",
            text=text,
            media=[{"url": text}],
            payload={"Body": text},
            context={"about": text},
            created_at=now,
        )
        escalation = tx.add(
            Escalation(
                conversation_id=talk.id,
                message_id=message.id,
                status="resolved",
                reason="request",
                priority="high",
                priority_rank=1,
                evidence=text,
                summary=text,
                opened_at=now,
            )
        )
        tx.add(
            Ticket(
                escalation_id=escalation.id,
                contact_id=contact.id,
                conversation_id=talk.id,
                subject=text,
                channel="sms",
                reason="request",
                priority="high",
                status="open",
                searched=tickets.searched("The parcel", "Dana"),
                created_at=now,
                updated_at=now,
            )
        )
        job = {"message_id": message.id, "trace": "abcabcabcabc", "text": text}
        tx.add(Work(lane="in:x", kind="x", payload=job, due_at=now, first_due_at=now))
        file = File(f"{text}.txt", "text/plain", text.encode() * 10)
        attachments.add(tx, "token", file, talk.id, message.id, now)
        return message.id


def stored(database: Database) -> list[str]:
    """Every value of the sealed columns as it is stored, without the keys."""
    found = []
    with database.read() as tx:
        for each in resealing.stored_tables():
            for row in tx.core.execute(select(each.table)).mappings():
                found += [repr(row[name]) for name in each.types if row[name]]
    return found


def test_what_is_written_comes_back_and_is_not_stored(opened, database, clock):
    number = fill(opened(OLD), clock)
    assert [one for one in stored(database) if PLANTED in one] == []
    with opened(OLD).read() as tx:
        message = tx.session.get_one(Message, number)
        assert (message.text, message.media) == (PLANTED, [{"url": PLANTED}])
        assert (message.payload, message.context) == ({"Body": PLANTED}, {"about": PLANTED})
        by_id = select(_MESSAGE.c.text, _MESSAGE.c.payload).where(_MESSAGE.c.id == bindparam("of"))
        assert Prepared(by_id).first(tx.core, {"of": number}) == (PLANTED, {"Body": PLANTED})
        assert tx.core.execute(by_id, {"of": number}).one() == (PLANTED, {"Body": PLANTED})
        (job,) = message_trace.jobs(tx, [number], [])
        assert job.payload == {"message_id": number, "trace": "abcabcabcabc", "text": PLANTED}
        assert message_trace.of_trace(tx, "abcabcabcabc") == [message]
        (ticket,) = tx.session.execute(select(Ticket)).scalars()
        assert ticket.subject == PLANTED


def test_without_keys_the_types_change_nothing(database):
    for column in sealed_columns(SQLModel.metadata):
        dialect = database.engine.dialect
        plain = {"SealedText": Text(), "SealedJson": JSON(), "SealedBytes": LargeBinary()}
        same = plain[type(column.type).__name__].dialect_impl(dialect)
        its = column.type.dialect_impl(dialect)
        assert its.compile(dialect) == same.compile(dialect)
        for mine, theirs in (
            (its.bind_processor(dialect), same.bind_processor(dialect)),
            (its.result_processor(dialect, None), same.result_processor(dialect, None)),
        ):
            assert getattr(mine, "__qualname__", "") == getattr(theirs, "__qualname__", "")


def test_every_column_of_free_text_is_sealed_or_named():
    free = {
        f"{column.table.name}.{column.name}"
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Text | JSON | LargeBinary)
        and not column.primary_key
        and type(column.type).__name__ in {"Text", "JSON", "LargeBinary"}
    }
    assert free == FREE_TEXT.keys()


def test_plain_values_stay_readable_and_are_encrypted_later(opened, database, clock):
    number = fill(opened(), clock)
    keyring = Keyring([OLD])
    sealing = opened(OLD)
    with sealing.write() as tx:
        assert tx.session.get_one(Message, number).text == PLANTED
        assert resealing.remaining(tx, keyring).rows == 6
        resealing.use_keys(tx, keyring, clock.now())
    told = []
    done = resealing.encrypt(
        sealing, keyring, clock.now(), lambda *one: told.append(one), offline=False
    )
    assert sum(done.changed.values()) == 6
    assert not done.skipped
    assert not done.unreadable
    assert told
    assert [one for one in stored(database) if PLANTED in one] == []
    with sealing.read() as tx:
        assert tx.session.get_one(Message, number).text == PLANTED
        assert attachments.file_at(tx, "attachment:token").data == PLANTED.encode() * 10
        assert resealing.remaining(tx, keyring).rows == 0
    again = resealing.encrypt(sealing, keyring, clock.now(), lambda *_: None, offline=False)
    assert not again.changed


def test_a_rotation_needs_only_the_new_key_afterwards(opened, database, clock):
    first = opened(OLD)
    with first.write() as tx:
        resealing.use_keys(tx, first.keyring, clock.now())
    number = fill(first, clock)
    both = opened(NEW, OLD)
    with both.write() as tx:
        resealing.use_keys(tx, both.keyring, clock.now())
        assert len(resealing.keys(tx)) == 2
    second = fill(both, clock, "written-meanwhile")
    resealing.encrypt(both, both.keyring, clock.now(), lambda *_: None, offline=False)
    only = opened(NEW)
    with only.read() as tx:
        resealing.check_keys(tx, only.keyring)
        assert tx.session.get_one(Message, number).text == PLANTED
        assert tx.session.get_one(Message, second).text == "written-meanwhile"
    assert only.keyring.troubles == {}


def test_decrypting_makes_everything_plain(opened, database, clock):
    sealing = opened(OLD)
    with sealing.write() as tx:
        resealing.use_keys(tx, sealing.keyring, clock.now())
    number = fill(sealing, clock)
    with sealing.write() as tx:
        tx.add(Worker(id="w", alive_until=clock.now() + timedelta(seconds=5)))
    with pytest.raises(EncryptionError, match="is running"):
        resealing.decrypt(sealing, sealing.keyring, clock.now(), lambda *_: None)
    later = clock.now() + timedelta(seconds=6)
    database.close()
    resealing.decrypt(sealing, sealing.keyring, later, lambda *_: None)
    with opened().read() as tx:
        resealing.check_keys(tx, None)
        assert tx.session.get_one(Message, number).text == PLANTED
        assert attachments.file_at(tx, "attachment:token").data == PLANTED.encode() * 10


def test_a_start_without_the_keys_is_refused(opened, clock):
    sealing = opened(OLD)
    key = sealing.keyring.first
    with sealing.write() as tx:
        resealing.use_keys(tx, sealing.keyring, clock.now())
    with opened().read() as tx, pytest.raises(EncryptionError, match=key):
        resealing.check_keys(tx, None)
    with opened(NEW).write() as tx, pytest.raises(EncryptionError, match=f"lacks the key {key}"):
        resealing.use_keys(tx, Keyring([NEW]), clock.now())
    with sealing.write() as tx:
        tx.session.get_one(EncryptionKey, key).proof = Keyring([NEW]).seal("handoff", "x.y")
    with sealing.read() as tx, pytest.raises(EncryptionError, match="another key"):
        resealing.check_keys(tx, sealing.keyring)


def test_nothing_is_encrypted_before_a_bot_knows_the_key(opened, clock):
    sealing = opened(OLD)
    fill(opened(), clock)
    with pytest.raises(EncryptionError, match="--offline"):
        resealing.encrypt(sealing, sealing.keyring, clock.now(), lambda *_: None, offline=False)
    assert resealing.encrypt(
        sealing, sealing.keyring, clock.now(), lambda *_: None, offline=True
    ).changed


def test_encrypting_offline_records_the_key_first(opened, database, clock):
    fill(opened(), clock)
    sealing = opened(OLD)

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resealing.encrypt(sealing, sealing.keyring, clock.now(), stopped, offline=True)
    with database.read() as tx:
        assert resealing.keys(tx).keys() == {sealing.keyring.first}
        with pytest.raises(EncryptionError, match=sealing.keyring.first):
            resealing.check_keys(tx, None)
    other = opened(NEW)
    with pytest.raises(EncryptionError, match="lacks the key"):
        resealing.encrypt(other, other.keyring, clock.now(), lambda *_: None, offline=True)
    both = opened(NEW, OLD)
    done = resealing.encrypt(both, both.keyring, clock.now(), lambda *_: None, offline=True)
    assert not done.unreadable
    with opened(NEW).read() as tx:
        assert tx.session.execute(select(_MESSAGE.c.text)).scalar_one() == PLANTED
        assert resealing.keys(tx).keys() == {both.keyring.first}


def test_values_that_do_not_open_say_so_and_are_kept(opened, database, clock):
    sealing = opened(OLD)
    number = fill(sealing, clock)
    wrong = opened(NEW)
    with wrong.write() as tx:
        message = tx.session.get_one(Message, number)
        assert isinstance(message.text, Unreadable)
        assert message.text.startswith("[This text cannot be decrypted: its key")
        assert (message.media, message.payload, message.context) == ([], {}, {})
        assert attachments.file_at(tx, "attachment:token") is None
        assert attachments.piece(tx, 1, 0, 10) == b""
        tx.core.execute(
            _MESSAGE.update().where(_MESSAGE.c.id == number).values(text=message.text, mark="x")
        )
        (job,) = message_trace.jobs(tx, [number], [])
        row = tx.core.execute(select(WORK)).mappings().one()
        copied = {**dict(job.payload), "number": 1}
        tx.core.execute(WORK.update().where(WORK.c.id == row["id"]).values(payload=copied))
    assert {place for place, _ in wrong.keyring.troubles} >= {"message.text", "work.payload"}
    with sealing.read() as tx:
        assert tx.session.get_one(Message, number).text == PLANTED
        (job,) = message_trace.jobs(tx, [number], [])
        assert job.payload["text"] == PLANTED
        assert job.payload["number"] == 1


@pytest.mark.parametrize("how", ["truncated", "swapped"])
def test_truncated_and_swapped_values_are_seen(opened, database, clock, how):
    sealing = opened(OLD)
    use(sealing, clock)
    number = fill(sealing, clock)
    with database.write() as tx:
        raw = tx.core.execute(select(_MESSAGE.c.text)).scalar_one()
        ticket = table_of(Ticket)
        other = tx.core.execute(select(ticket.c.subject)).scalar_one()
        value = raw[:-6] if how == "truncated" else other
        tx.core.execute(_MESSAGE.update().values(text=value))
    with sealing.read() as tx:
        assert "damaged or belongs elsewhere" in tx.session.get_one(Message, number).text
    done = resealing.encrypt(
        opened(NEW, OLD), Keyring([NEW, OLD]), clock.now(), lambda *_: None, offline=True
    )
    assert done.unreadable == {"message": 1}
    with opened(NEW).read() as tx:  # no key opens it, so none is needed for it
        resealing.check_keys(tx, Keyring([NEW]))


def test_a_plain_text_that_looks_sealed_is_encrypted_like_any(opened, clock):
    text = f"hf1:00000000:{'A' * 80}"
    assert key_id_of(text)
    number = fill(opened(), clock, text)
    sealing = opened(OLD)
    done = resealing.encrypt(sealing, sealing.keyring, clock.now(), lambda *_: None, offline=True)
    assert not done.unreadable
    with sealing.read() as tx:
        assert tx.session.get_one(Message, number).text == text


@pytest.mark.parametrize("text", ["hf1:deadbeef:x", f"hf1:00000000:{'A' * 80}"])
def test_a_plain_text_that_looks_sealed_survives_decrypting(opened, database, clock, text):
    """Anybody can write one."""
    plain = opened()
    number = fill(plain, clock, text)
    sealing = opened(OLD)
    use(sealing, clock)
    with sealing.read() as tx:
        read = tx.session.get_one(Message, number).text
    assert (read == text) == (text == "hf1:deadbeef:x"), "an unknown key may be another process's"
    resealing.encrypt(sealing, sealing.keyring, clock.now(), lambda *_: None, offline=False)
    plain.close()
    database.close()
    for _ in range(2):
        done = resealing.decrypt(sealing, sealing.keyring, clock.now(), lambda *_: None)
        assert not done.unreadable
    with opened().read() as tx:
        resealing.check_keys(tx, None)
        assert tx.session.get_one(Message, number).text == text


def test_a_value_written_with_a_retired_key_is_not_sealed_again(opened, database, clock):
    """By a process that was forgotten during the rotation."""
    stale = opened(OLD)
    use(stale, clock)
    new = opened(NEW, OLD)
    use(new, clock)
    resealing.encrypt(new, new.keyring, clock.now(), lambda *_: None, offline=False)
    number = fill(stale, clock)
    only = opened(NEW)
    use(only, clock)
    before = stored(database)
    done = resealing.encrypt(only, only.keyring, clock.now(), lambda *_: None, offline=False)
    assert done.unreadable
    assert stored(database) == before
    again = resealing.encrypt(new, new.keyring, clock.now(), lambda *_: None, offline=False)
    assert not again.unreadable
    with only.read() as tx:
        assert tx.session.get_one(Message, number).text == PLANTED


def test_a_retired_key_can_be_used_again(opened, database, clock):
    sealing = opened(OLD)
    use(sealing, clock)
    database.close()
    resealing.decrypt(sealing, sealing.keyring, clock.now(), lambda *_: None)
    with sealing.read() as tx:
        assert resealing.keys(tx) == {}
        assert resealing.recorded(tx) == {sealing.keyring.first}
        assert oldest_program(tx.core) != resealing.OLDEST
    use(sealing, clock)
    with sealing.read() as tx:
        assert resealing.keys(tx).keys() == {sealing.keyring.first}
        resealing.check_keys(tx, sealing.keyring)


def test_nothing_is_decrypted_beside_another_program(opened, database_url, clock, monkeypatch):
    monkeypatch.setattr(resealing, "ENDING_SECONDS", 0.0)
    sealing = opened(OLD)
    use(sealing, clock)
    fill(sealing, clock)
    other = opened(OLD)
    lock = SingleInstanceLock(database_url) if other.is_sqlite else None
    assert lock is None or lock.acquire()
    with other.read(), pytest.raises(EncryptionError, match="is running"):
        resealing.decrypt(sealing, sealing.keyring, clock.now(), lambda *_: None)
    if lock:
        lock.release()
    with opened().read() as tx, pytest.raises(EncryptionError):
        resealing.check_keys(tx, None)


def test_programs_that_would_send_sealed_texts_are_refused(opened, database, clock):
    sealing = opened(OLD)
    use(sealing, clock)
    with sealing.read() as tx:
        assert oldest_program(tx.core) == "0026"
    if not sealing.is_sqlite:
        with database.engine.connect() as older:
            older.execute(text("SET application_name = 'handoff 0025'"))
            with pytest.raises(EncryptionError, match="Stop all programs"):
                use(sealing, clock)


def test_words_are_found_in_encrypted_texts(opened, clock):
    sealing = opened(OLD)
    fill(sealing, clock, "Wo ist mein PAKET?")
    with sealing.read() as tx:
        for words, count in (("parcel", 1), ("paket", 1), ("paket dana", 1), ("invoice", 0)):
            query = TicketQuery(words=words, messages_from=0)
            assert len(tickets.found(tx, query, 10)) == count
        assert tickets.found(tx, TicketQuery(words="paket"), 10) == []
        assert not tickets.is_search_bounded(tx)


def test_a_bounded_search_says_so(opened, clock, monkeypatch):
    monkeypatch.setattr(tickets, "MOST_OPENED", 1)
    sealing = opened(OLD)
    fill(sealing, clock, "first")
    fill(sealing, clock, "second")
    with sealing.read() as tx:
        assert tickets.is_search_bounded(tx)
        assert tickets.found(tx, TicketQuery(words="first", messages_from=0), 10) == []
        assert len(tickets.found(tx, TicketQuery(words="second", messages_from=0), 10)) == 1
    with opened().read() as tx:
        assert not tickets.is_search_bounded(tx)


def test_a_job_that_does_not_open_is_not_run_with_others(opened, clock):
    sealing, wrong = opened(OLD), opened(NEW)
    with wrong.write() as tx:
        tx.add(
            Work(lane="x", kind="x", payload={"a": 1}, due_at=clock.now(), first_due_at=clock.now())
        )
        tx.add(
            Work(
                lane="x", kind="x", payload={"a": "b"}, due_at=clock.now(), first_due_at=clock.now()
            )
        )
    with sealing.write() as tx:
        tx.core.execute(LANE.insert().values(key="x", family="x", rank=0))
        head = store.head(tx, "x")
        assert head.payload == {"a": 1}
        assert store.waiting_behind(tx, head, 10) == []
