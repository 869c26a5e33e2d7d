"""Behind the scenes: the look-ups of the bot's database."""

from datetime import UTC, datetime

import pytest

from handoff_bot.domain.events import EventKind
from handoff_bot.storage import log
from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import migrate
from handoff_sandbox.page.look_ups import MOST, newest

pytestmark = pytest.mark.on_sqlite


def test_the_newest_look_ups_come_first_and_a_key_in_the_address_is_left_out(tmp_path):
    path = tmp_path / "handoff.db"
    assert newest(path) == []
    database, now = Database(f"sqlite:///{path}"), datetime.now(UTC)
    migrate(database)
    with database.write() as tx:
        url = "https://shop.example.com/orders/{number}?key=secret"
        log.prefer(tx, "rules.look_ups", [{"name": "order_status", "url": url}], "", now)
        for n in range(MOST + 1):
            made = {"name": "order_status", "outcome": "not found", "milliseconds": n}
            log.record(tx, EventKind.LOOK_UP, now, **made)
        deleted = {"name": "deleted", "outcome": "ok", "milliseconds": 1}
        log.record(tx, EventKind.LOOK_UP, now, **deleted)
    database.close()
    last, *found = newest(path)
    assert (last["name"], last["address"], last["shown"]) == ("deleted", "", "")
    assert len(found) == MOST - 1
    assert (found[0]["outcome"], found[0]["milliseconds"]) == ("not found", MOST)
    assert found[0]["address"] == "https://shop.example.com/orders/{number}?…"
