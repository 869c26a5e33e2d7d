"""Budgets of calls: what is kept of them is one moment."""

from datetime import UTC, datetime, timedelta

import pytest

from handoff_bot.jobs.rate_limits import Rate, kind_of, per_minute

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
POSTS = Rate(timedelta(seconds=1), burst=2)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("owed", "room"),
    [(-60, 2), (0, 2), (0.1, 1), (1, 1), (1.1, 0), (2, 0), (60, 0)],
    ids=["long idle", "idle", "just taken", "one taken", "nearly", "both taken", "held"],
)
def test_there_is_room_for_the_burst_less_what_was_taken(owed, room):
    assert POSTS.room(later(owed), NOON) == room


def test_what_is_taken_is_paid_for_at_the_rate():
    kept = POSTS.taken(NOON - timedelta(hours=1), NOON, 2)
    assert kept == later(2)
    assert POSTS.room(kept, NOON) == 0
    assert POSTS.next_at(kept) == later(1)
    assert POSTS.room(kept, POSTS.next_at(kept)) == 1


def test_while_it_is_held_there_is_no_room():
    kept = POSTS.held(NOON, later(30))
    assert POSTS.room(kept, later(29.9)) == 0
    assert POSTS.next_at(kept) == later(30)
    assert POSTS.room(kept, later(30)) == 1


def test_holding_never_makes_room():
    assert POSTS.held(later(90), later(1)) == later(90)


@pytest.mark.parametrize("burst", [1, 4, 10])
def test_no_minute_holds_more_than_was_allowed(burst):
    rate, kept, calls = per_minute(50, burst), NOON, []
    for tick in range(1800):
        now = later(tick / 10)
        while rate.room(kept, now):
            kept = rate.taken(kept, now)
            calls.append(now)
    most = max(sum(start <= at < start + timedelta(minutes=1) for at in calls) for start in calls)
    assert 46 <= most <= 50


def test_a_budgets_kind_stands_before_the_colon():
    assert (kind_of("post:C1"), kind_of("redraw")) == ("post", "redraw")
