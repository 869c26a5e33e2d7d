"""Opening times as people write them, and the lines that are stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_bot.domain.hours import DAYS, Hours, day_times, hours_lines, lines_of, times_by_day

UNDERSTOOD = {
    "9-17": "9:00-17:00",
    "9\u201317": "9:00-17:00",
    "9 \u2014 17": "9:00-17:00",
    "9:00 - 17:30": "9:00-17:30",
    "9.30-17.00": "9:30-17:00",
    "0900-1730": "9:00-17:30",
    "9h30-17h": "9:30-17:00",
    "9am-5pm": "9:00-17:00",
    "9 a.m. to 5 p.m.": "9:00-17:00",
    "9-5pm": "9:00-17:00",
    "1-5pm": "13:00-17:00",
    "9am-5": "9:00-17:00",
    "7:30AM\u20134": "7:30-16:00",
    "10pm-6": "22:00-6:00",
    "22-6": "22:00-6:00",
    "12pm-2am": "12:00-2:00",
    "noon-midnight": "12:00-24:00",
    "9-24": "9:00-24:00",
    "9-12, 13-17": "9:00-12:00, 13:00-17:00",
    "9-12 and 13-17": "9:00-12:00, 13:00-17:00",
    "9-12/1pm-5pm": "9:00-12:00, 13:00-17:00",
    "\uff19\uff1a\uff10\uff10\uff0d\uff11\uff17\uff1a\uff10\uff10": "9:00-17:00",
    "closed": "closed",
    "Closed.": "closed",
    "\u2013": "closed",
    "24 h": "0:00-24:00",
    "24h": "0:00-24:00",
    "24/7": "0:00-24:00",
    "All day": "0:00-24:00",
    "0-24": "0:00-24:00",
    " ": "",
}


@pytest.mark.parametrize(("said", "meant"), UNDERSTOOD.items(), ids=ascii)
def test_times_are_understood_as_people_write_them(said, meant):
    assert day_times(said) == meant


NOT_UNDERSTOOD = ["9", "whenever", "25-26", "9:75-10", "13pm-15pm", "9-17-20", "9-12, x", "9" * 500]


@pytest.mark.parametrize("said", NOT_UNDERSTOOD)
def test_what_is_not_understood_is_refused_with_an_example(said):
    with pytest.raises(ValueError, match=r"“9-17”, “9am-5pm”|At most 100"):
        day_times(said)


@pytest.mark.parametrize("said", ["9-5", "9:00-5:30", "12-2"])
def test_an_afternoon_on_a_clock_of_12_hours_is_not_taken_for_a_night(said):
    with pytest.raises(ValueError, match="ends before it starts"):
        day_times(said)


def test_a_span_of_no_length_is_refused():
    with pytest.raises(ValueError, match="same time"):
        day_times("9-9")


LINES = {
    "mon-fri 9:00-17:00": ["mon-fri 9:00-17:00"],
    "Mon\u2013Fri: 9am-5pm\nSat closed": ["mon-fri 9:00-17:00"],
    "monday 9-17": ["mon 9:00-17:00"],
    "weekdays 9-12, 13-17\nweekends 10-14": [
        "mon-fri 9:00-12:00",
        "mon-fri 13:00-17:00",
        "sat-sun 10:00-14:00",
    ],
    "mon, wed & fri 9-17": ["mon 9:00-17:00", "wed 9:00-17:00", "fri 9:00-17:00"],
    "Tues to Thurs 9-17": ["tue-thu 9:00-17:00"],
    "daily 24 h": ["mon-sun 0:00-24:00"],
    "": [],
}


@pytest.mark.parametrize(("said", "stored"), LINES.items(), ids=ascii)
def test_lines_with_days_are_understood_as_people_write_them(said, stored):
    assert hours_lines(said) == stored
    Hours.parse(stored, "UTC")


@pytest.mark.parametrize(
    "said", ["9-12, 1-5", "9-12 and 1-5", "9:00-12:00, 1:00-5:00", "8-12, 2-6"]
)
def test_an_afternoon_written_without_pm_is_refused_and_not_taken_for_the_night(said):
    with pytest.raises(ValueError, match="would be at night"):
        day_times(said)
    assert day_times("9am-12pm, 1pm-5pm") == "9:00-12:00, 13:00-17:00"
    assert day_times("1am-5am, 9-12") == "1:00-5:00, 9:00-12:00"


@pytest.mark.parametrize(
    "said", ["9-17", "someday 9-17", "mon", "monk 9-17", "sat closed", "mon-fri"]
)
def test_lines_without_days_or_times_are_refused(said):
    with pytest.raises(ValueError, match=r"Mon-Fri 9-17|All days are closed"):
        hours_lines(said)


def test_lines_stored_by_earlier_versions_are_shown_by_day():
    shown = times_by_day(["Mon - Fri 9:00 - 12:00", "mon-fri 13:00-17:00", "sat-sun 12:00-2:00"])
    assert shown["wed"] == "9:00-12:00, 13:00-17:00"
    assert shown["sun"] == "12:00pm-2:00am"
    assert times_by_day(["sat 9:00-12:00"])["mon"] == "closed"
    assert set(times_by_day([]).values()) == {""}


CLOCK = st.builds("{}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 5, 30, 59]))
DAY = st.sampled_from([*DAYS, "mon-fri", "sat-sun", "fri-mon"])
STORED = st.lists(
    st.tuples(DAY, CLOCK, st.one_of(CLOCK, st.just("24:00"))).filter(
        lambda line: line[1] != line[2]
    )
)


@given(STORED)
def test_what_is_shown_and_saved_again_means_the_same(lines):
    stored = [f"{day} {start}-{end}" for day, start, end in lines]
    again = lines_of({day: day_times(shown) for day, shown in times_by_day(stored[:4]).items()})
    assert Hours.parse(again, "UTC") == Hours.parse(stored[:4], "UTC")
