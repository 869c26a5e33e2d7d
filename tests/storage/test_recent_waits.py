"""The waits of which customers are told the estimate."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from handoff_bot.domain.events import CLAIMED, EventKind
from handoff_bot.services.delivery.customer_texts import wait_minutes
from handoff_bot.storage import escalations
from handoff_bot.storage.models import Escalation, Event
from handoff_bot.storage.transaction import table_of
from tests.services.conftest import build_house


@pytest.fixture
def claimed(database, clock):
    """Stores a resolved escalation, opened then, with these events: (kind, time)."""
    house = build_house(database, clock)
    house.says("a human please")
    made, events = table_of(Escalation), table_of(Event)
    with database.read() as tx:
        row = dict(tx.core.execute(select(made)).mappings().one())
    row |= {"status": "resolved", "closed_at": clock.now()}
    del row["id"]

    def make(tx, opened_at, happened):
        new = insert(made).values(**(row | {"opened_at": opened_at})).returning(made.c.id)
        number = tx.core.execute(new).scalar_one()
        for kind, at in happened:
            one = {"kind": kind, "at": at, "escalation_id": number, "data": {}}
            tx.core.execute(insert(events).values(**one))

    return make


def test_waits_end_with_the_first_claim_whatever_happened_later(database, clock, claimed):
    chance = random.Random(7)
    for limit in (1, 3, 20):
        now = clock.advance(days=30) or clock.now()
        moments = chance.sample(range(20_000), 400)
        expected = []
        with database.write() as tx:
            for _ in range(60):
                opened = now - timedelta(minutes=moments.pop())
                kinds = chance.choices(CLAIMED, weights=(1, 2), k=chance.randrange(5))
                happened = [
                    (kind, opened + timedelta(minutes=chance.randrange(5_000), seconds=number))
                    for number, kind in enumerate(kinds)
                ]
                claimed(tx, opened, happened)
                since = now - timedelta(days=7)
                seen = [at for _, at in happened if at >= since]
                if seen and opened >= since:
                    expected.append((opened, min(seen)))
        with database.read() as tx:
            found = escalations.recent_waits(tx, since, limit)
        expected.sort(key=lambda wait: wait[1], reverse=True)
        ends = [end for _, end in expected]
        assert [end for _, end in found] == ends[:limit]
        assert set(found) <= set(expected)


def test_a_handover_to_the_late_shift_does_not_lengthen_the_estimate(database, clock, claimed):
    now = clock.now()
    claim, reassign = EventKind.ESCALATION_CLAIM, EventKind.ESCALATION_REASSIGN
    with database.write() as tx:
        for number in range(25):
            opened = now - timedelta(minutes=480 - number)
            handed_over = (reassign, now - timedelta(seconds=number + 1))
            claimed(tx, opened, [(claim, opened + timedelta(minutes=2)), handed_over])
        for number in range(40):
            opened = now - timedelta(minutes=402 - 10 * number)
            claimed(tx, opened, [(claim, opened + timedelta(minutes=2))])
    with database.read() as tx:
        assert wait_minutes(tx, now, 0) <= 5
