"""A process that is killed while it forgets a customer goes on after its start."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from handoff_bot.clock import SystemClock
from handoff_bot.services.privacy.forgetting import Forgetting
from handoff_bot.storage import erasures
from handoff_bot.storage.database import Database
from handoff_sandbox.world import ROOT, World
from tests.privacy.conftest import files_with, rows_with

DANA, WORD = "+15557654321", "marzipanfox"
HURRIED = ("-m", "tests.chaos.hurried")
"""Asks Twilio again after a second, not a minute, whether it still stores messages."""


@pytest.fixture
def world(database_url: str, database: Database, tmp_path: Path):
    with World(database_url, knowledge=ROOT / "knowledge", log=tmp_path / "bot.log") as made:
        made.start_bot(HURRIED)
        made.wait_until_ready(60)
        yield made


def until(fits: Callable[[], bool], patience: float = 90.0) -> None:
    """Looks again until it is so; another process does it."""
    deadline = time.monotonic() + patience
    while not fits():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


@pytest.mark.timeout(480)
def test_killed_in_the_middle_it_forgets_the_rest_after_its_start(world, database, tmp_path):
    world.twilio.customer_writes("sms", DANA, "I want to talk to a human")
    until(lambda: bool(world.cards()) and bool(world.twilio.phone(DANA)))
    world.twilio.customer_writes("sms", DANA, f"It is about my {WORD}")
    card = world.cards()[0]["ts"]
    until(lambda: WORD in repr(world.slack.thread(world.queue, card)))
    until(lambda: all(one.status == "delivered" for one in world.twilio.phone(DANA)))
    world.slack.faults.add("/api/chat.delete", status=503)
    forgetting = Forgetting(database, SystemClock())
    (known,) = forgetting.preview(DANA)
    assert forgetting.request(known.contact_id, "cli").done

    def is_halfway() -> bool:
        with database.read() as tx:
            found = erasures.outcomes(tx, 1).get("Slack messages by the bot", {})
            return found.get("", 0) > 0 and not world.twilio.messages()

    until(is_halfway)
    world.kill_bot()
    world.slack.faults.clear()
    assert world.cards()
    world.start_bot(HURRIED)
    until(lambda: forgetting.receipt(known.contact_id)[0].find(" was forgotten on ") > 0, 120)
    assert not world.cards()
    assert not rows_with(database, WORD, DANA)
    world.stop_bot()
    if database.is_sqlite:
        assert files_with(tmp_path, WORD, DANA) == []
    assert WORD not in world.log()
    assert DANA not in world.log()
