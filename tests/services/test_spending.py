"""The ledger: what is counted, and when nothing is left."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from handoff_bot.domain.language_models import Caps, Usage
from handoff_bot.services.ai_turns.language_model import Ledger
from handoff_bot.storage import tallies

USAGE = Usage("m", 1_000, 200)
CAPS = Caps(input_price=1.0, output_price=5.0, daily=0.01, daily_each=0.004)
"""Prices by which one call costs 2,000 millionths."""


def test_a_contacts_share_is_spent_before_everybodys(database, clock):
    ledger = Ledger(database, CAPS, clock)
    for _ in range(2):
        assert ledger.allows(1)
        ledger.record(1, USAGE)

    assert not ledger.allows(1)
    assert ledger.allows(2)
    assert ledger.allows(None)


def test_when_all_is_spent_nobody_gets_anything_until_tomorrow(database, clock):
    ledger = Ledger(database, CAPS, clock)
    for contact in range(5):
        ledger.record(contact + 1, USAGE)

    assert not any(ledger.allows(contact) for contact in (None, 7))
    clock.advance(days=1)
    assert ledger.allows(7)


def test_tokens_from_the_cache_cost_their_own_price(database, clock):
    caps = Caps(input_price=0.10, output_price=0.50, cached_price=0.01, daily=1.0)
    ledger = Ledger(database, caps, clock)
    ledger.record(1, Usage("gpt-6-luna", 1_000_000, 100_000, cached_tokens=800_000))

    with database.read() as tx:  # 0.2 x 0.10 + 0.8 x 0.01 + 0.1 x 0.50
        assert tallies.spent_micros(tx, "2026-11-23", 1) == 78_000


def test_where_no_price_for_the_cache_is_known_it_costs_as_much_as_other_input():
    usage = Usage("m", 1_000, 0, cached_tokens=900)
    assert Caps(input_price=1.0).micros(usage) == 1_000
    assert Caps(input_price=1.0, cached_price=0.0).micros(usage) == 100


@pytest.mark.parametrize("cached", [2_000, 1_000])
def test_more_cached_than_sent_is_not_believed(cached):
    assert Caps(input_price=1.0, cached_price=0.5).micros(Usage("m", 1_000, 0, cached)) == 500


def test_without_caps_everything_is_counted_and_allowed(database, clock):
    ledger = Ledger(database, Caps(), clock)
    ledger.record(None, USAGE)

    assert ledger.allows(1)
    with database.read() as tx:
        (day,) = tallies.spent_by_day(tx, 5)
    assert (day.day, day.calls, day.input_tokens, day.output_tokens, day.micros) == (
        "2026-11-23",
        1,
        1_000,
        200,
        0,
    )


def test_nothing_is_lost_when_many_count_at_once(database, clock):
    ledger = Ledger(database, CAPS, clock)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ledger.record(1, USAGE), range(40)))

    with database.read() as tx:
        assert tallies.spent_micros(tx, "2026-11-23", tallies.ALL_CONTACTS) == 80_000
        assert tallies.spent_micros(tx, "2026-11-23", 1) == 80_000


def test_a_transcribed_minute_costs_its_price():
    caps = Caps(input_price=1.0, minute_price=0.0045)
    assert caps.micros(Usage("gpt-transcribe", 0, 0, seconds=90)) == 6_750
    assert Caps(input_price=1.0).micros(Usage("own", 0, 0, seconds=90)) == 0
