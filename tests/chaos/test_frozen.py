"""A process that is frozen for longer than its lease, with calls in flight, makes none of them twice."""

import os
import signal
import threading
from functools import partial
from pathlib import Path

import pytest

from handoff_sandbox.world import ROOT, World
from tests.chaos.talks import Talks

LEASE, SETTLE, FROZEN = 0.5, 20.0, 1.4
"""A lease of half a second ends by itself on a busy machine; a call must have settled by then."""
EACH = 4
ROUNDS = 5
"""Times EACH sends and as many cards are in flight while the process stands still: 20 of both."""


@pytest.fixture
def talks(database_url: str, backend: str, tmp_path: Path):
    world = World(database_url, knowledge=ROOT / "knowledge", log=tmp_path / "bot.log")
    with world:
        more = {"WEB_CONCURRENCY": "2"} if backend == "postgresql" else {}
        world.start_bot(("-m", "tests.chaos.frail", str(LEASE), str(SETTLE)), more)
        world.wait_until_ready(60)
        talks = Talks(world, EACH)
        talks.open()
        yield talks


def children(pid: int) -> list[int]:
    """The processes that gunicorn's master runs."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def freeze(pid: int, seconds: float, meanwhile) -> None:
    """Stop a process, let the world go on, and continue it."""
    os.kill(pid, signal.SIGSTOP)
    try:
        meanwhile()
        threading.Event().wait(seconds)
    finally:
        os.kill(pid, signal.SIGCONT)


def arrived(talks: Talks, reply: str, newcomers: list[int]) -> bool:
    """Have all replies, and all cards and first words of those who came new?"""
    replied = all(f"{reply} to {n}" in talks.phone(n) for n in talks.numbers)
    return replied and all(talks.cards_of(n) and talks.phone(n) for n in newcomers)


@pytest.mark.timeout(300)
def test_a_frozen_process_makes_no_call_a_second_time(talks: Talks):
    """On PostgreSQL a second process leases what the frozen one holds, and asks the provider first."""
    workers = children(talks.world.pid)
    for number in range(ROUNDS):
        newcomers = [100 + number * EACH + n for n in range(EACH)]
        talks.sends.close()
        talks.posts.close()
        for n in talks.numbers:
            talks.reply(n, f"reply {number} to {n}")
        for newcomer in newcomers:
            talks.ask(newcomer)
        talks.sends.wait_for(EACH)
        talks.posts.wait_for(EACH)

        def taken():
            talks.sends.open()
            talks.posts.open()

        freeze(workers[number % len(workers)], FROZEN, taken)
        talks.until(partial(arrived, talks, f"reply {number}", newcomers))
    talks.world.slack.drain(60)
    assert talks.doubled() == []
    expected = [f"reply {number} to {{}}" for number in range(ROUNDS)]
    for n in talks.numbers:
        assert [body for body in talks.phone(n) if body.startswith("reply")] == [
            words.format(n) for words in expected
        ]
    newcomers = [100 + n for n in range(ROUNDS * EACH)]
    assert {n: talks.cards_of(n) for n in newcomers} == dict.fromkeys(newcomers, 1)
    assert {n: talks.phone(n) for n in newcomers if len(talks.phone(n)) != 1} == {}
