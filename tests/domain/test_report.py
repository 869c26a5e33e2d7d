"""The figures in words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from handoff_bot.domain import report
from handoff_bot.domain.metrics import AgentNumbers, Lengths, Numbers, Period, Slice
from handoff_bot.domain.text import length, many, percent

LENGTHS = {
    "none": (None, "-"),
    "seconds": (timedelta(seconds=45.2), "45 s"),
    "nearly a minute": (timedelta(seconds=59.6), "1 min"),
    "minutes": (timedelta(minutes=4, seconds=20), "4 min"),
    "nearly an hour": (timedelta(minutes=59, seconds=40), "1 h"),
    "hours": (timedelta(hours=2, minutes=5), "2 h 5 min"),
    "days": (timedelta(days=3, hours=4, minutes=59), "3 d 4 h"),
    "a day": (timedelta(days=1), "1 d"),
}
SHARES = {
    "none": (None, "-"),
    "nothing": (0.0, "0 %"),
    "hardly anything": (0.001, "< 1 %"),
    "some": (0.126, "13 %"),
    "hardly not all": (0.999, "> 99 %"),
    "all": (1.0, "100 %"),
}
DATES = {
    "a day": ("2026-11-23", 1, "23 Nov 2026"),
    "a week": ("2026-11-17", 7, "17 to 23 Nov 2026"),
    "over a month's end": ("2026-10-25", 30, "25 Oct to 23 Nov 2026"),
    "over a year's end": ("2026-12-30", 4, "30 Dec 2026 to 2 Jan 2027"),
}


@pytest.mark.parametrize(("given", "told"), LENGTHS.values(), ids=LENGTHS)
def test_lengths_are_told_as_people_say_them(given, told):
    assert length(given) == told


@pytest.mark.parametrize(("given", "told"), SHARES.values(), ids=SHARES)
def test_little_is_not_told_as_nothing_and_much_not_as_all(given, told):
    assert percent(given) == told


@pytest.mark.parametrize(("since", "days", "told"), DATES.values(), ids=DATES)
def test_periods_are_told_by_their_dates(since, days, told):
    start = datetime.fromisoformat(f"{since}T00:00+00:00")
    assert report.dates(Period(start, start + timedelta(days=days))) == told


def test_one_is_told_as_one():
    assert (many(1, "agent"), many(2, "agent")) == ("1 agent", "2 agents")


def test_a_report_has_every_figure():
    found = Numbers(
        conversations=40,
        escalated=8,
        escalations=10,
        reasons={"request": 10},
        channels={"sms": 7, "": 3},
        escalated_again=1,
        waited=Lengths(9, timedelta(minutes=4), timedelta(minutes=12)),
        waited_briefly=6,
        ended=9,
        resolved=6,
        not_needed=3,
        ratings={5: 1, 4: 1},
        agents=(AgentNumbers(1, "Ana", 6, 5, Lengths(5, timedelta(seconds=30))),),
    )
    told = [" ".join(line.split()) for line in report.lines(found, "Today")]
    for line in (
        "Today. 10 escalations in 40 conversations (20 % of them), median wait 4 min.",
        "Escalation rate 20 % 8 of 40 conversations",
        "Escalated again within 24 hours 10 % 1 of 10",
        "Time in queue median 4 min 9 in 10 within 12 min",
        "Claimed within 5 minutes 67 % 6 of 9",
        "First human reply -",
        "Dismissed 3 33 % of closed",
        "CSAT rating 4.5 of 5 2 answers",
        "Asked for an agent 10 100 %",
        "Unknown 3 30 %",
        "Ana 6 taken · 5 resolved · first reply after 30 s (median)",
    ):
        assert line in told


def test_a_program_gets_seconds_and_shares():
    found = Numbers(conversations=2, escalated=1, waited=Lengths(1, timedelta(minutes=1)))
    data = report.data(found, "Today")
    assert (data["escalation_rate"], data["waited"]["median"]) == (0.5, 60.0)
    assert data["rating"] is None


def test_months_and_hours_are_called_by_name():
    at = datetime(2026, 11, 3, 14, tzinfo=UTC)
    hours = Period(at, at + timedelta(hours=3))
    months = Period(at, at + timedelta(days=100))
    told = {}
    for period in (hours, Period(at, at + timedelta(days=3)), months):
        busy = Numbers(slices=(Slice(at, 2, None),))
        told[period.unit] = report.summary(busy, "Title", period).rpartition("Busiest ")[2]
    assert told == {
        "hour": "hour: 2, at 14:00.",
        "day": "day: 2, on 3 Nov.",
        "month": "month: 2, in Nov 2026.",
    }


def test_a_chart_has_at_most_twenty_bars_with_a_label_each():
    for days in (1, 7, 30, 92, 3650):
        period = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
        period = replace(period, until=period.since + timedelta(days=days))
        starts = [one.since for one in period.slices()][:: period.slice_width(report.MOST_POINTS)]
        slices = tuple(Slice(one, 1, timedelta(minutes=2)) for one in starts)
        for chart in report.charts(Numbers(slices=slices), period):
            labels = [point.label for point in chart.points]
            assert len(labels) == len(set(labels)) <= report.MOST_POINTS
