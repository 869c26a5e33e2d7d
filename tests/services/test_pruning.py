"""What is only needed for a while is deleted in small batches, until nothing is left."""

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from handoff_bot.services import timers
from handoff_bot.storage.models import Preference, Spent, Tally, Work
from handoff_bot.storage.transaction import delete_some, table_of

WORK = table_of(Work)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(timers, "BATCH", 10)


def done_long_ago(house, count):
    at = house.clock.now() - timers.KEEP_DONE - timedelta(days=1)
    row = {"lane": "in:x", "kind": "inbound", "payload": {}, "status": "done", "error": ""}
    times = {"due_at": at, "first_due_at": at, "finished_at": at, "attempts": 0}
    with house.database.write() as tx:
        tx.core.execute(insert(WORK), [row | times | {"key": f"old:{n}"} for n in range(count)])


def left(house, *where):
    with house.database.read() as tx:
        return tx.core.execute(select(func.count()).where(*where)).scalar_one()


def old(house):
    return left(house, WORK.c.key.like("old:%"))


@pytest.mark.on_both
def test_old_jobs_are_deleted_batch_by_batch(house, small):
    done_long_ago(house, 25)
    house.core.scheduler.tick(timers.PRUNE)
    house.settle()
    found = [old(house)]
    for _ in range(4):
        house.clock.advance(seconds=2)
        house.settle()
        found.append(old(house))
    assert found == [15, 5, 0, 0, 0]


def test_it_goes_on_in_the_next_process(house, small):
    done_long_ago(house, 25)
    house.core.scheduler.tick(timers.PRUNE)
    house.settle()
    waiting = left(house, WORK.c.kind == timers.PRUNE, WORK.c.status == "ready")
    assert waiting == 1


def test_jobs_that_providers_may_repeat_are_kept(house, small):
    house.says("hello")
    house.clock.advance(days=29)
    house.core.scheduler.tick(timers.PRUNE)
    house.settle()
    assert left(house, WORK.c.key == "sms:SMIN1") == 1


@pytest.mark.on_both
def test_usage_limits_and_marks_of_the_past_are_deleted_and_totals_stay(house):
    now = house.clock.now()
    long_ago = now - timedelta(days=60)
    with house.database.write() as tx:
        for day in (f"{long_ago:%Y-%m-%d}", f"{now:%Y-%m-%d}"):
            for contact in (0, 7):
                tx.add(Spent(day=day, contact_id=contact, calls=1))
        for key, at in (("watch.told:out:1", long_ago), ("watch.told:out:2", now)):
            tx.add(Preference(key=key, value={"value": 1}, updated_at=at))
        tx.add(Preference(key="watch.toldest", value={"value": 1}, updated_at=long_ago))
        tx.add(Tally(key="x/1", used=1, ends_at=long_ago))
    house.core.scheduler.tick(timers.PRUNE)
    house.settle()
    with house.database.read() as tx:
        spent = tx.core.execute(select(table_of(Spent).c.day, table_of(Spent).c.contact_id)).all()
        keys = tx.core.execute(select(table_of(Preference).c.key)).scalars().all()
        tallies = tx.core.execute(select(table_of(Tally).c.key)).scalars().all()
    assert sorted(spent) == [("2026-09-24", 0), ("2026-11-23", 0), ("2026-11-23", 7)]
    assert {"watch.told:out:2", "watch.toldest"} <= set(keys)
    assert "watch.told:out:1" not in keys
    assert "x/1" not in tallies


@pytest.mark.on_both
def test_rows_that_another_transaction_holds_are_left_for_the_next_time(house):
    if house.database.is_sqlite:
        pytest.skip("SQLite has one writer")
    done_long_ago(house, 3)
    theirs = WORK.c.key.like("old:%")
    with house.database.write() as holding:
        holding.core.execute(select(WORK.c.id).where(WORK.c.key == "old:1").with_for_update())
        with house.database.write() as tx:
            assert delete_some(tx, WORK, 10, theirs) == 2
    with house.database.write() as tx:
        assert delete_some(tx, WORK, 10, theirs) == 1
