"""The bot between stand-ins on an encrypted database: no file holds a text that anybody wrote."""

import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from handoff_bot import app
from handoff_bot.services.operators import Backups
from handoff_bot.services.privacy.exporting import Exporting
from handoff_bot.services.timers import WATCH
from handoff_bot.storage import resealing
from handoff_bot.storage.database import Database
from handoff_bot.storage.encryption import Keyring, new_key
from handoff_bot.storage.migrate import migrate
from handoff_bot.storage.models import Message, Note, Work
from tests import postgres
from tests.journeys.world import World, running_world

OLD, NEW = new_key(), new_key()
PHONE = "+15550144"
SECRET = "xylophone"
"""In every text that a person writes."""
CUSTOMER = f"I want a person, my {SECRET} is broken"


@pytest.fixture(autouse=True)
def _word_of_the_test(monkeypatch):
    """The server's log also holds what other tests wrote."""
    word = f"xylophone{uuid.uuid4().hex[:8]}"
    monkeypatch.setitem(globals(), "SECRET", word)
    monkeypatch.setitem(globals(), "CUSTOMER", f"I want a person, my {word} is broken")


def talk(world: World, address: str = PHONE) -> str:
    """One customer's way to a resolved ticket; returns the card's ts."""
    slack, queue = world.slack, world.queue
    world.customer_writes(address, CUSTOMER)
    card = world.card()
    slack.click(world.ana, queue, card, "claim")
    world.settle()
    world.customer_writes(address, f"The {SECRET} has a number")
    slack.say(world.ana, queue, f"We send a new {SECRET}", card)
    slack.say(world.ana, queue, f"note: the {SECRET} was from Ben", card)
    world.settle()
    return card


def database_of(url: str, *lines: str) -> Database:
    return Database(url, synchronous="off", keyring=Keyring(lines) if lines else None)


@pytest.fixture
def encrypted(database_url, clock) -> Iterator[Database]:
    keyring = Keyring([OLD])
    opened = Database(database_url, synchronous="off", keyring=keyring)
    migrate(opened)
    with opened.write() as tx:
        resealing.use_keys(tx, keyring, clock.now())
    yield opened
    opened.close()


def files_of(url: str, copy: Path) -> Iterator[Path]:
    """Everything on disk that holds the database or its backup."""
    yield copy
    if url.startswith("sqlite"):
        yield from Path(make_url(url).database or "").parent.glob("handoff.db*")
        return
    dump = copy.with_suffix(".sql")
    with dump.open("wb") as out:
        subprocess.run(["pg_dump", "--format=plain", url], stdout=out, check=True)  # noqa: S607
    yield dump
    other = database_of(url)
    with other.read() as tx:
        folder = Path(str(tx.core.execute(text("SHOW data_directory")).scalar()))
        number = tx.core.execute(
            text("SELECT oid FROM pg_database WHERE datname = current_database()")
        ).scalar()
    with other.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))
    other.close()
    yield from (one for one in (folder / "base" / str(number)).iterdir() if one.is_file())
    yield from (one for one in (folder / "pg_wal").iterdir() if one.is_file())


def holders(url: str, copy: Path, word: str) -> list[str]:
    return [str(one) for one in files_of(url, copy) if word.encode() in one.read_bytes()]


@pytest.mark.skipif(postgres.binaries() is None, reason="PostgreSQL is not installed")
def test_no_file_of_the_database_holds_what_people_wrote(
    encrypted, database_url, clock, tmp_path, caplog
):
    with running_world(encrypted) as world:
        card = talk(world)
        assert world.twilio.phone(f"whatsapp:{PHONE}")[-1].body == f"We send a new {SECRET}"
        thread = "\n".join(one["text"] for one in world.slack.thread(world.queue, card))
        assert f"The {SECRET} has a number" in thread
        told = Backups(database_url, clock).back_up(tmp_path / "copy.backup")
        assert f"must hold the key {encrypted.keyring.first}" in told
        assert holders(database_url, tmp_path / "copy.backup", SECRET) == []
        with encrypted.read() as tx:
            kept = [one.text for one in tx.session.query(Message)]
            assert CUSTOMER in kept
            assert [one.text for one in tx.session.query(Note)] != []
            check = app.check_encryption(tx)
        assert check.ok, check.words
        assert encrypted.keyring.first in check.words
        exported = tmp_path / "export"
        exporting = Exporting(encrypted, clock, {})
        exporting.write(1, exported, "test")
        assert any(SECRET in one.read_text() for one in exported.glob("*.json"))
        assert world.core.forgetting.request(1, "test").done
        world.settle()
        with encrypted.read() as tx:
            assert not any(SECRET in one.text for one in tx.session.query(Message))
            assert not any(SECRET in str(one.payload) for one in tx.session.query(Work))
    assert encrypted.keyring.troubles == {}
    assert SECRET not in caplog.text
    assert OLD[:12] not in caplog.text


def test_plain_files_hold_it_so_the_search_finds_something(database_url, clock, tmp_path):
    plain = database_of(database_url)
    migrate(plain)
    with running_world(plain) as world:
        talk(world)
        Backups(database_url, clock).back_up(tmp_path / "copy.backup")
        assert holders(database_url, tmp_path / "copy.backup", SECRET)
        with plain.read() as tx:
            check = app.check_encryption(tx)
            assert check.words == "off; texts and files are stored plain"
    plain.close()


def test_keys_are_rotated_while_messages_run(encrypted, database_url, clock):
    both = database_of(database_url, NEW, OLD)
    with both.write() as tx:
        resealing.use_keys(tx, both.keyring, clock.now())
    running = database_of(database_url, OLD, NEW)
    done = threading.Event()

    def rotate() -> None:
        while not done.is_set():
            resealing.encrypt(both, both.keyring, clock.now(), lambda *_: None, offline=False)

    with running_world(running) as world:
        rotating = threading.Thread(target=rotate)
        rotating.start()
        try:
            talk(world)
        finally:
            done.set()
            rotating.join()
        texts = [one.body for one in world.twilio.phone(f"whatsapp:{PHONE}")]
        assert f"We send a new {SECRET}" in texts
    assert running.keyring.troubles == {}
    left = resealing.encrypt(both, both.keyring, clock.now(), lambda *_: None, offline=False)
    assert (left.skipped, left.unreadable) == (0, {})
    only = database_of(database_url, NEW)
    with only.read() as tx:
        resealing.check_keys(tx, only.keyring)
        assert CUSTOMER in [one.text for one in tx.session.query(Message)]
        assert app.check_encryption(tx).ok
    assert only.keyring.troubles == {}
    for each in (both, running, only):
        each.close()


def test_a_process_without_keys_sends_no_sealed_text(database_url, clock):
    """It started before another one did with the first key."""
    stale = database_of(database_url)
    migrate(stale)
    keyed = database_of(database_url, OLD)
    with running_world(stale) as world:
        card = talk(world)
        world.core.preferences.change("hold_seconds", 5, "test")
        world.slack.say(world.ana, world.queue, "hf1:deadbeef:x is plain", card)
        world.slack.say(world.ana, world.queue, "This one is sealed", card)
        world.settle()
        with keyed.write() as tx:
            resealing.use_keys(tx, keyed.keyring, clock.now())
        sealed = keyed.keyring.seal("This one is sealed", "delivery.text")
        with stale.write() as tx:
            change = text("UPDATE delivery SET text = :sealed WHERE text = 'This one is sealed'")
            assert tx.core.execute(change, {"sealed": sealed}).rowcount == 1
        world.core.worker.clock.advance(seconds=10)
        world.settle()
        bodies = [one.body for one in world.twilio.phone(f"whatsapp:{PHONE}")]
        assert bodies[-1] == "hf1:deadbeef:x is plain"
        assert not any(sealed in one for one in bodies)
        thread = "\n".join(one["text"] for one in world.slack.thread(world.queue, card))
        assert "this process has no key for it" in thread
    keyed.close()
    stale.close()


def test_a_reply_that_does_not_open_is_not_sent_and_the_agent_is_told(encrypted, database_url):
    with running_world(encrypted) as world:
        card = talk(world)
        world.core.preferences.change("hold_seconds", 5, "test")
        world.slack.say(world.ana, world.queue, "This one is damaged on disk", card)
        world.settle()
        sent = len(world.twilio.phone(f"whatsapp:{PHONE}"))
        with encrypted.write() as tx:
            damaged = text("UPDATE delivery SET text = substr(text, 1, 30) WHERE status = 'queued'")
            assert tx.core.execute(damaged).rowcount == 1
        world.core.worker.clock.advance(seconds=10)
        world.settle()
        world.customer_writes(PHONE, "Are you there?")
        assert len(world.twilio.phone(f"whatsapp:{PHONE}")) == sent
        thread = "\n".join(one["text"] for one in world.slack.thread(world.queue, card))
        assert "This text cannot be decrypted: it is damaged" in thread
        assert "Are you there?" in thread
        world.core.worker.clock.advance(minutes=2)
        world.core.scheduler.tick(WATCH)
        world.settle()
        assert "Stored data cannot be decrypted (delivery.text)" in str(
            world.slack.messages(world.queue)
        )
