"""Working hours: as admins write them, over midnight, holidays and the change to summer time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_bot.domain.hours import ALWAYS, Hours
from handoff_bot.domain.thread_syntax import parse_time

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours.parse(["mon-fri 9:00-12:00", "Mon-Fri 13:00 - 17:00"], "Europe/Berlin")


def at(text: str) -> datetime:
    """A moment on Berlin's clocks."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


MOMENTS = {
    "2026-11-23T08:59": False,
    "2026-11-23T09:00": True,
    "2026-11-23T12:30": False,
    "2026-11-23T16:59": True,
    "2026-11-23T17:00": False,
    "2026-11-22T10:00": False,
}


@pytest.mark.parametrize(("moment", "is_open"), MOMENTS.items(), ids=MOMENTS)
def test_open_or_closed(moment, is_open):
    assert OFFICE.is_open(at(moment)) is is_open


def test_the_next_opening_skips_nights_weekends_and_holidays():
    hours = Hours.parse(["mon-fri 9:00-17:00"], "Europe/Berlin", ["2026-11-23"])
    assert hours.opens(at("2026-11-20T18:00")) == at("2026-11-24T09:00")


def test_a_span_may_end_at_midnight_and_a_week_may_wrap():
    hours = Hours.parse(["sat-mon 20:00-24:00"], "Europe/Berlin")
    assert hours.is_open(at("2026-11-22T23:59"))
    assert not hours.is_open(at("2026-11-23T00:00"))
    assert hours.is_open(at("2026-11-23T21:00"))


def test_working_time_passes_only_while_somebody_works():
    start = at("2026-11-20T16:30")  # a Friday
    assert OFFICE.after(start, timedelta(hours=1)) == at("2026-11-23T09:30")
    assert OFFICE.after(at("2026-11-23T11:30"), timedelta(hours=1)) == at("2026-11-23T13:30")


def test_nine_is_nine_before_and_after_the_clocks_change():
    sundays = Hours.parse(["sun 9:00-17:00"], "Europe/Berlin")
    for day in ("2026-03-22", "2026-03-29", "2026-10-25", "2026-11-01"):
        assert not sundays.is_open(at(f"{day}T08:59"))
        assert sundays.is_open(at(f"{day}T09:00"))


def test_no_lines_are_always():
    assert ALWAYS.is_open(at("2026-11-22T03:00"))
    assert ALWAYS.after(at("2026-11-22T03:00"), timedelta(hours=1)) == at("2026-11-22T04:00")


def test_nobody_works_on_holidays_even_without_lines():
    hours = Hours.parse([], "Europe/Berlin", ["2026-12-25"])
    assert not hours.is_open(at("2026-12-25T12:00"))
    assert hours.opens(at("2026-12-25T12:00")) == at("2026-12-26T00:00")


WRONG = ["monday 9-17", "mon 9:00", "mon 9:00-9:00", "mon 9:61-10:00", "9:00"]


@pytest.mark.parametrize("line", WRONG)
def test_a_line_that_is_not_understood_is_named(line):
    with pytest.raises(ValueError, match=r"not valid|same time|not a valid time"):
        Hours.parse([line], "Europe/Berlin")


def test_a_date_that_is_none_is_named():
    with pytest.raises(ValueError, match="is not a valid date"):
        Hours.parse([], "", ["Christmas"])


MINUTE = st.integers(min_value=0, max_value=365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(MINUTE, st.integers(min_value=1, max_value=5000))
def test_after_agrees_with_counting_minutes(start, minutes):
    found = OFFICE.after(start, timedelta(minutes=minutes))
    assert found > start
    # The last minute before it is worked, and half the way there is no later.
    assert OFFICE.is_open(found - timedelta(minutes=1))
    assert OFFICE.after(start, timedelta(minutes=max(1, minutes // 2))) <= found


@given(MINUTE)
def test_at_the_next_opening_it_is_open(moment):
    opening = OFFICE.opens(moment)
    assert opening is not None
    assert OFFICE.is_open(opening)


NOW = at("2026-11-23T10:00")
TIMES = {
    "30m": "2026-11-23T10:30",
    "2h": "2026-11-23T12:00",
    "1h 30m": "2026-11-23T11:30",
    "1d": "2026-11-24T10:00",
    "14:30": "2026-11-23T14:30",
    "until 9:15": "2026-11-24T09:15",
    "tomorrow": "2026-11-24T09:00",
}


@pytest.mark.parametrize(("words", "moment"), TIMES.items(), ids=TIMES)
def test_times_as_people_type_them(words, moment):
    assert parse_time(words, NOW, "Europe/Berlin") == at(moment)


@pytest.mark.parametrize("words", ["", "soon", "0m", "25:00", "9:75", "2", "h", "-2h"])
def test_what_is_no_time_is_none(words):
    assert parse_time(words, NOW, "Europe/Berlin") is None


# -- as people write them


def test_lines_that_overlap_count_once():
    hours = Hours.parse(["mon-fri 9:00-13:00", "mon 12:00-17:00"], "UTC")
    monday = datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert hours.after(monday, timedelta(hours=8)) == datetime(2026, 11, 23, 17, tzinfo=UTC)


def test_a_line_may_go_over_midnight():
    hours = Hours.parse(["fri 22:00-6:00"], "UTC")
    friday, saturday = datetime(2026, 11, 27, tzinfo=UTC), datetime(2026, 11, 28, tzinfo=UTC)
    assert hours.is_open(friday.replace(hour=23))
    assert hours.is_open(saturday.replace(hour=5))
    assert not hours.is_open(saturday.replace(hour=6))
    assert not hours.is_open(saturday.replace(hour=22))
    with pytest.raises(ValueError, match="at the same time"):
        Hours.parse(["mon 9:00-9:00"], "UTC")


def test_without_lines_holidays_count_all_the_same():
    hours = Hours.parse([], "UTC", ["2026-12-25"])
    eve = datetime(2026, 12, 24, 23, tzinfo=UTC)
    assert hours.after(eve, timedelta(hours=2)) == datetime(2026, 12, 26, 1, tzinfo=UTC)
    assert hours.opens(eve + timedelta(hours=5)) == datetime(2026, 12, 26, tzinfo=UTC)
    assert hours.between(eve, eve + timedelta(days=2)) == timedelta(hours=24)


def test_only_working_time_lies_between():
    friday, monday = at("2026-11-20T16:00"), at("2026-11-23T10:00")
    assert OFFICE.between(friday, monday) == timedelta(hours=2)
    assert OFFICE.between(monday, monday) == timedelta()
    assert ALWAYS.between(friday, friday + timedelta(hours=3)) == timedelta(hours=3)


spans = st.lists(
    st.tuples(st.sampled_from(["mon", "tue-thu", "fri"]), st.integers(0, 23), st.integers(0, 23))
)


@given(lines=spans, minutes=st.integers(1, 3000))  # an hour a week: just under a year
def test_what_passes_between_is_what_after_counts(lines, minutes):
    written = [f"{day} {a}:00-{b}:00" for day, a, b in lines if a != b]
    hours = Hours.parse(written, "Europe/Berlin")
    start, length = at("2026-10-20T11:30"), timedelta(minutes=minutes)
    assert hours.between(start, hours.after(start, length)) == length


@pytest.mark.parametrize(
    ("words", "minutes"),
    [
        ("2 hours", 120),
        ("30 minutes", 30),
        ("3 days", 4320),
        ("30min", 30),
        ("1h 30m", 90),
        ("2hrs", 120),
    ],
)
def test_lengths_may_be_spelled_out(words, minutes):
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert parse_time(words, now, "UTC") == now + timedelta(minutes=minutes)


def test_where_clocks_go_back_the_second_time_is_meant_after_the_first():
    now = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time in Berlin
    assert parse_time("2:30", now, "Europe/Berlin") == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    first = datetime(2026, 10, 25, 0, 40, tzinfo=UTC)  # 02:40 for the first time
    assert parse_time("2:30", first, "Europe/Berlin") == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
