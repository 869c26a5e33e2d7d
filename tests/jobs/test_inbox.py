"""Group commit: many arrivals, few commits, nobody answered before theirs."""

import contextlib
import sqlite3
import threading
import time

import pytest
from sqlalchemy import make_url

from handoff_bot.domain.errors import DatabaseAway
from handoff_bot.jobs.inbox import Inbox
from handoff_bot.jobs.job import of_arrival
from handoff_bot.storage.models import Work
from tests.fakes import idle_worker


def test_arrivals_at_once_are_all_stored_and_know_whether_they_were_new(database, clock):
    inbox = Inbox(idle_worker(database, clock))
    barrier = threading.Barrier(24)
    fresh = []

    def arrive(number):
        barrier.wait()
        fresh.append((number % 12, inbox.store("k", f"in:{number}", f"key{number % 12}", {})))

    threads = [threading.Thread(target=arrive, args=(n,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as tx:
        keys = sorted(row.key for row in tx.session.query(Work))
    assert keys == sorted(f"key{n}" for n in range(12))
    assert sorted(number for number, new in fresh if new) == list(range(12))


def test_one_bad_arrival_fails_alone(database, clock):
    inbox = Inbox(idle_worker(database, clock))
    good, bad = threading.Event(), threading.Event()
    with inbox._writing:  # both wait for the writer, so they share a batch

        def arrive(key, payload, done):
            try:
                inbox.store("k", "in:1", key, payload)
            except Exception:
                bad.set()
            else:
                done.set()

        threads = [
            threading.Thread(target=arrive, args=("good", {}, good)),
            threading.Thread(target=arrive, args=("bad", {"x": object()}, good)),
        ]
        for thread in threads:
            thread.start()
        while len(inbox._waiting) < 2:
            threading.Event().wait(0.001)
    for thread in threads:
        thread.join()
    assert good.is_set()
    assert bad.is_set()
    with database.read() as tx:
        assert [row.key for row in tx.session.query(Work)] == ["good"]


def test_an_arrival_is_in_the_database_when_store_returns(database, clock):
    Inbox(idle_worker(database, clock)).store("k", "in:1", "key", {"a": 1})
    with database.read() as tx:
        assert tx.session.query(Work).one().payload == {"a": 1, "trace": of_arrival("key")}


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level("CRITICAL", "handoff_bot.jobs.inbox")


def test_arrivals_are_refused_in_time_while_a_writer_from_outside_holds_the_file(
    database, database_url, clock, monkeypatch
):
    """All together after their patience, not one after the other; then the next ones sooner."""
    if not database.is_sqlite:
        pytest.skip("one writer at a time is SQLite's")
    monkeypatch.setattr("handoff_bot.jobs.inbox.PATIENCE", 0.5)
    inbox, refused = Inbox(idle_worker(database, clock)), []
    outside = sqlite3.connect(str(make_url(database_url).database), isolation_level=None)
    outside.execute("BEGIN IMMEDIATE")

    def arrive(number):
        began = time.monotonic()
        with contextlib.suppress(DatabaseAway):
            inbox.store("k", f"in:{number}", f"key{number}", {})
            return
        refused.append(time.monotonic() - began)

    threads = [threading.Thread(target=arrive, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 12
    # SQLite counts in whole seconds here; one after the other they would take twelve.
    assert max(refused) < 6
    outside.rollback()
    outside.close()
    assert inbox.store("k", "in:0", "key0", {})
