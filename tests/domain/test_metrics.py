"""Periods as they lie on somebody's clock, and what is made of lengths of time."""

from datetime import UTC, datetime, timedelta

import pytest

from handoff_bot.domain.metrics import Choice, Lengths, Numbers, Period, Unit, share

NOW = datetime(2026, 3, 30, 22, 30, tzinfo=UTC)
"""In Berlin half past midnight on the 31st, two days after the clocks went forward."""

PERIODS = {
    "today": (Choice.TODAY, "UTC", "2026-03-30T00:00+00:00", "2026-03-31T00:00+00:00"),
    "today elsewhere": (
        Choice.TODAY,
        "Europe/Berlin",
        "2026-03-31T00:00+02:00",
        "2026-04-01T00:00+02:00",
    ),
    "a week": (Choice.WEEK, "Europe/Berlin", "2026-03-25T00:00+01:00", "2026-04-01T00:00+02:00"),
    "30 days": (Choice.DAYS_30, "UTC", "2026-03-01T00:00+00:00", "2026-03-31T00:00+00:00"),
    "this month": (Choice.THIS_MONTH, "UTC", "2026-03-01T00:00+00:00", "2026-03-31T00:00+00:00"),
    "last month": (Choice.LAST_MONTH, "UTC", "2026-02-01T00:00+00:00", "2026-03-01T00:00+00:00"),
    "nowhere": (Choice.TODAY, "Mars/Base", "2026-03-30T00:00+00:00", "2026-03-31T00:00+00:00"),
}


@pytest.mark.parametrize(("choice", "zone", "since", "until"), PERIODS.values(), ids=PERIODS)
def test_a_period_begins_and_ends_at_midnight_where_somebody_is(choice, zone, since, until):
    period = Period.chosen(choice, NOW, zone)
    assert (period.since, period.until) == (
        datetime.fromisoformat(since),
        datetime.fromisoformat(until),
    )


def test_days_are_days_also_where_one_has_23_hours():
    slices = list(Period.chosen(Choice.WEEK, NOW, "Europe/Berlin").slices())
    lengths = [one.until.astimezone(UTC) - one.since.astimezone(UTC) for one in slices]
    assert [length // timedelta(hours=1) for length in lengths] == [24, 24, 24, 24, 23, 24, 24]


HOURS = {"spring": ("2026-03-29", 23), "winter": ("2026-01-10", 24), "autumn": ("2026-10-25", 25)}


@pytest.mark.parametrize(("day", "hours"), HOURS.values(), ids=HOURS)
def test_one_day_is_shown_by_the_hour(day, hours):
    noon = datetime.fromisoformat(f"{day}T11:00+00:00")
    period = Period.chosen(Choice.TODAY, noon, "Europe/Berlin")
    assert period.unit is Unit.HOUR
    assert len(list(period.slices())) == hours


def test_a_year_is_shown_by_the_month():
    period = Period.last_days(365, NOW, "Europe/Berlin")
    starts = [one.since for one in period.slices()]
    assert period.unit is Unit.MONTH
    assert [f"{start:%m-%d}" for start in starts[:3]] == ["04-01", "05-01", "06-01"]
    assert len(starts) == 12


LENGTHS = {
    "none": ([], None, None),
    "one": ([4], 4, 4),
    "two": ([4, 8], 6, 8),
    "three, in any order": ([9, 1, 2], 2, 9),
    "ten": ([1, 2, 3, 4, 5, 6, 7, 8, 9, 99], 5.5, 9),
}


@pytest.mark.parametrize(("given", "median", "p90"), LENGTHS.values(), ids=LENGTHS)
def test_the_middle_and_what_nine_in_ten_do_not_exceed(given, median, p90):
    found = Lengths.of([timedelta(minutes=one) for one in given])
    expected = [None if one is None else timedelta(minutes=one) for one in (median, p90)]
    assert [found.median, found.p90] == expected
    assert found.count == len(given)


def test_a_share_of_nothing_is_not_known():
    assert share(0, 0) is None
    assert Numbers().escalation_rate is None
    assert Numbers(ratings={5: 3, 1: 1}).rating == 4.0
