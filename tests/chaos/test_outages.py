"""The database goes away with replies in flight, or a Slack channel does: everything goes on by itself."""

import os
import shutil
import sqlite3
import threading
from functools import partial
from pathlib import Path

import psycopg
import pytest
import requests

from handoff_bot.storage.listening import Listener
from handoff_bot.storage.transaction import NOTIFY_CHANNEL
from handoff_sandbox.world import ROOT, World
from tests import postgres
from tests.chaos.talks import PATIENCE, Talks

CONVERSATIONS = 12
WITHIN = 15.0
"""Seconds after the database's return within which all must go on."""


@pytest.fixture
def server():
    """A PostgreSQL of this test's own, which may be stopped."""
    if postgres.binaries() is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have PostgreSQL installed")
        pytest.skip("PostgreSQL is not installed")
    cluster = postgres.Cluster(durable=True)
    cluster.start()
    yield cluster
    cluster.stop()
    shutil.rmtree(cluster.folder, ignore_errors=True)


def served(url: str, tmp_path: Path, **more: str):
    """Twelve conversations with a bot on this database."""
    with World(url, knowledge=ROOT / "knowledge", log=tmp_path / "bot.log") as world:
        world.start_bot(more=more)
        world.wait_until_ready(60)
        talks = Talks(world, CONVERSATIONS)
        talks.open()
        yield talks


@pytest.fixture
def talks(server, tmp_path: Path):
    yield from served(server.url, tmp_path)


@pytest.fixture
def on_sqlite(tmp_path: Path):
    yield from served(f"sqlite:///{tmp_path / 'handoff.db'}", tmp_path)


def health(talks: Talks):
    return requests.get(f"{talks.world.bot_url}/healthz", timeout=20).json()


def replies(talks: Talks, words: str) -> dict[int, int]:
    """How often each customer has read a reply."""
    return {n: talks.phone(n).count(words) for n in talks.numbers}


def all_read(talks: Talks, texts: set[str]) -> bool:
    return all(texts <= set(talks.phone(n)) for n in talks.numbers)


ONCE = dict.fromkeys(range(CONVERSATIONS), 1)


@pytest.mark.timeout(300)
def test_after_the_databases_return_all_conversations_go_on_by_themselves(talks: Talks, server):
    """Two outages with twelve replies in flight each: one of 8 seconds, and one right after it."""
    for number, seconds in enumerate((8.0, 0.5)):
        sent, meant = f"sent before outage {number}", f"written in outage {number}"
        talks.sends.close()
        for n in talks.numbers:
            talks.reply(n, sent)
        talks.sends.wait_for(len(ONCE) - 4)  # as many as the queue has threads
        server.stop()
        talks.sends.open()
        for n in talks.numbers:
            talks.reply(n, meant)
        assert talks.world.twilio.customer_writes("sms", "+15550309999", "Hello").status == 503
        threading.Event().wait(seconds)
        server.start()
        assert talks.until(partial(all_read, talks, {sent, meant})) < WITHIN
    talks.world.slack.drain(60)
    assert health(talks)["database"] == "ok"
    for number in range(2):
        assert replies(talks, f"sent before outage {number}") == ONCE
        assert replies(talks, f"written in outage {number}") == ONCE


def test_a_process_hears_of_new_work_again_after_the_databases_return(server):
    heard = threading.Event()
    listener = Listener(server.url, heard.set)
    listener.start()
    assert heard.wait(PATIENCE)
    server.stop()
    heard.clear()
    server.start()
    assert heard.wait(PATIENCE), "it looks for work itself when it listens again"
    heard.clear()
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"NOTIFY {NOTIFY_CHANNEL}")
    assert heard.wait(PATIENCE)
    listener.stop()


@pytest.mark.timeout(300)
def test_twelve_conversations_of_an_archived_slack_channel_all_go_on_when_it_is_opened(
    talks: Talks,
):
    slack, queue = talks.world.slack, talks.world.queue
    talks.posts.close()
    for n in talks.numbers:
        talks.insist(n, f"words {n} to a closed channel")
    talks.posts.wait_for(8)
    slack.archive(queue)
    talks.posts.open()

    def refused() -> int:
        posts = talks.world.journal.entries("slack", "/api/chat.postMessage")
        return sum((entry.response or {}).get("error") == "is_archived" for entry in posts)

    talks.until(lambda: refused() >= CONVERSATIONS)
    slack.archive(queue, is_archived=False)
    talks.until(
        lambda: all(talks.in_thread(n, f"words {n} to a closed channel") for n in talks.numbers)
    )
    shown = {n: talks.in_thread(n, f"words {n} to a closed channel") for n in talks.numbers}
    assert shown == ONCE


@pytest.mark.timeout(300)
def test_a_write_lock_held_from_outside_loses_and_doubles_nothing(on_sqlite: Talks, tmp_path: Path):
    """24 seconds, longer than anything waits for the lock."""
    talks = on_sqlite
    talks.sends.close()
    for n in talks.numbers:
        talks.reply(n, "sent before the lock")
    talks.sends.wait_for(8)
    outside = sqlite3.connect(tmp_path / "handoff.db", isolation_level=None)
    outside.execute("BEGIN IMMEDIATE")
    talks.sends.open()
    answers: list[tuple[int, float]] = []
    writers = [
        threading.Thread(
            target=lambda n=n: answers.extend(talks.insist(n, f"words {n} into the lock"))
        )
        for n in talks.numbers
    ]
    for writer in writers:
        writer.start()
    for n in talks.numbers:
        talks.reply(n, "written into the lock")
    threading.Event().wait(24)
    outside.rollback()
    outside.close()
    for writer in writers:
        writer.join()
    both = {"sent before the lock", "written into the lock"}
    talks.until(partial(all_read, talks, both))
    talks.until(lambda: all(talks.in_thread(n, f"words {n} into the lock") for n in talks.numbers))
    talks.world.slack.drain(60)
    assert {words: replies(talks, words) for words in both} == dict.fromkeys(both, ONCE)
    assert {n: talks.in_thread(n, f"words {n} into the lock") for n in talks.numbers} == ONCE
    assert {status for status, _ in answers} == {200, 503}
    assert max(seconds for _, seconds in answers) < 15.0  # after which Twilio hangs up
