"""A backup is made while the bot works; later the bot goes on from it. Nothing is lost up to the backup, and
no customer gets a message twice.
"""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from handoff_bot.clock import SystemClock
from handoff_bot.services.operators import Backups
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Work
from handoff_sandbox.world import ROOT, World
from tests.chaos.talks import Talks

CUSTOMERS = 4
WAITING = ("first of two", "second of two")
"""Replies that wait at the backup: of each customer's lane, the first is in flight."""


@pytest.fixture
def talks(backend: str, tmp_path: Path, request: pytest.FixtureRequest):
    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    if backend == "postgresql":
        url = request.getfixturevalue("database_url")
    with World(url, knowledge=ROOT / "knowledge", log=tmp_path / "bot.log") as world:
        world.start_bot()
        world.wait_until_ready(60)
        talks = Talks(world, CUSTOMERS)
        talks.open()
        yield talks


def handoff(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, as an operator runs it."""
    return subprocess.run(
        [sys.executable, "-m", "handoff_bot", *arguments],
        cwd=ROOT,
        env=world.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def back_up_under_load(talks: Talks, file: Path) -> None:
    """Customers write while the backup is made."""
    writers = [
        threading.Thread(target=lambda n=n: [talks.insist(n, f"word {i} of {n}") for i in range(5)])
        for n in talks.numbers
    ]
    for writer in writers:
        writer.start()
    # In this process: replies are in flight, and a new one might take longer than the bot waits for them.
    Backups(talks.world.environment()["DATABASE_URL"], SystemClock()).back_up(file)
    for writer in writers:
        writer.join()


def let_replies_wait(talks: Talks) -> None:
    """Two replies to each customer, of which Twilio answers none."""
    talks.sends.close()
    for text in WAITING:
        for n in talks.numbers:
            talks.reply(n, text)
    talks.sends.wait_for(CUSTOMERS)
    talks.until(lambda: waiting_sends(talks) == CUSTOMERS * len(WAITING))


def waiting_sends(talks: Talks) -> int:
    opened = Database(talks.world.environment()["DATABASE_URL"])
    with opened.read() as tx:
        found = tx.session.query(Work).filter_by(kind="send", status="ready").count()
    opened.close()
    return found


def restore(talks: Talks, file: Path) -> None:
    """A killed bot counts as running until its last heartbeat has expired."""

    def is_done() -> bool:
        done = handoff(talks.world, "db", "restore", str(file), "--replace")
        assert done.returncode == 0 or "1 worker)" in done.stderr, done.stderr
        return done.returncode == 0

    talks.until(is_done)
    checked = handoff(talks.world, "db", "check")
    assert checked.returncode == 0, checked.stdout


def go_on(talks: Talks) -> None:
    """The bot starts again, and the same agent talks to the same customers."""
    talks.world.start_bot()
    talks.world.wait_until_ready(60)
    for n in talks.numbers:
        talks.reply(n, f"after the restore, {n}")
    talks.until(lambda: all(f"after the restore, {n}" in talks.phone(n) for n in talks.numbers))
    talks.world.slack.drain(60)


def cards(talks: Talks) -> list[str]:
    """What is in the queue channel, outside of threads."""
    shown = talks.world.slack.messages(talks.world.queue)
    return [str(m["ts"]) for m in shown if m.get("thread_ts", m["ts"]) == m["ts"]]


def received(talks: Talks, text: str) -> dict[int, int]:
    return {n: talks.phone(n).count(text) for n in talks.numbers}


ONCE = dict.fromkeys(range(CUSTOMERS), 1)


@pytest.mark.timeout(300)
def test_what_waited_at_the_backup_and_was_sent_since_is_not_sent_again(talks, tmp_path):
    let_replies_wait(talks)
    back_up_under_load(talks, tmp_path / "copy")
    talks.sends.open()
    talks.until(lambda: all(set(WAITING) <= set(talks.phone(n)) for n in talks.numbers))
    for n in talks.numbers:
        talks.insist(n, "a question after the backup")
        talks.reply(n, f"an answer after the backup, {n}")
    talks.until(
        lambda: all(f"an answer after the backup, {n}" in talks.phone(n) for n in talks.numbers)
    )
    talks.world.stop_bot()
    before = cards(talks)
    restore(talks, tmp_path / "copy")
    go_on(talks)
    assert {text: received(talks, text) for text in WAITING} == dict.fromkeys(WAITING, ONCE)
    assert talks.doubled() == []
    assert cards(talks) == before


@pytest.mark.timeout(300)
def test_what_waited_at_the_backup_and_was_not_sent_is_sent_once(talks, tmp_path):
    """The machine was lost right after the backup."""
    let_replies_wait(talks)
    talks.world.slack.drain(60)
    back_up_under_load(talks, tmp_path / "copy")
    talks.world.kill_bot()
    talks.sends.open()
    restore(talks, tmp_path / "copy")
    go_on(talks)
    assert {text: received(talks, text) for text in WAITING} == dict.fromkeys(WAITING, ONCE)
    assert talks.doubled() == []


@pytest.mark.timeout(300)
def test_a_bot_that_holds_shows_everything_and_sends_nothing_to_customers(talks):
    talks.world.stop_bot()
    talks.world.start_bot(more={"HOLD_OUTGOING": "true"})
    talks.world.wait_until_ready(60)
    for n in talks.numbers:
        talks.reply(n, f"held for {n}")
        talks.insist(n, f"still here, {n}")
    talks.until(lambda: all(talks.in_thread(n, f"still here, {n}") for n in talks.numbers))
    assert not any(f"held for {n}" in talks.phone(n) for n in talks.numbers)
    talks.world.stop_bot()
    go_on(talks)
    assert {n: talks.phone(n).count(f"held for {n}") for n in talks.numbers} == ONCE
    assert talks.doubled() == []
