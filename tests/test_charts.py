"""The picture: drawn for any figures, in several threads, and told in words."""

import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from handoff_bot import charts
from handoff_bot.domain import report
from handoff_bot.domain.metrics import Choice, Lengths, Numbers, Period, Slice, Unit

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
PERIODS = {
    "a day": Period.chosen(Choice.TODAY, NOW),
    "a week": Period.chosen(Choice.WEEK, NOW),
    "a month": Period.chosen(Choice.DAYS_30, NOW),
    "ten years": Period.last_days(3650, NOW),
}


def figures(period: Period, counts, waits, reasons=None) -> Numbers:
    slices = [
        Slice(one.since, counts[number % len(counts)], waits[number % len(waits)])
        for number, one in enumerate(period.slices())
    ]
    whole = sum(one.escalations for one in slices)
    return Numbers(
        conversations=4 * whole,
        escalated=whole,
        escalations=whole,
        reasons=reasons or ({"request": whole} if whole else {}),
        waited=Lengths(whole, timedelta(minutes=4), timedelta(minutes=9)) if whole else Lengths(),
        slices=tuple(slices),
    )


FIGURES = {
    "nothing": ([0], [None]),
    "one": ([1, 0, 0, 0, 0, 0, 0], [timedelta(seconds=1), None]),
    "nobody waited": ([3, 4], [timedelta()]),
    "nobody was taken": ([3, 4], [None]),
    "very many, very long": ([9_999_999, 1], [timedelta(days=400), timedelta(seconds=3)]),
}


@pytest.mark.parametrize("period", PERIODS.values(), ids=PERIODS)
@pytest.mark.parametrize(("counts", "waits"), FIGURES.values(), ids=FIGURES)
def test_any_figures_can_be_drawn(period, counts, waits):
    drawn = charts.draw(figures(period, counts, waits), "Title", period.unit)
    width, height = struct.unpack(">II", drawn[16:24])
    assert drawn.startswith(b"\x89PNG")
    assert (width, height) == (1200, 1360)


def test_an_unknown_reason_is_drawn():
    period = PERIODS["a week"]
    reasons = {"": 3, "of another version": 2, **{f"{n}": 1 for n in range(9)}}
    assert charts.draw(figures(period, [5], [None], reasons), "Title", period.unit)


def test_several_threads_draw_the_same_picture():
    period = PERIODS["a week"]
    found = figures(period, [3, 1, 4], [timedelta(minutes=2)])
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(lambda _: charts.draw(found, "Title", Unit.DAY), range(8)))
    assert set(drawn) == {drawn[0]}


@pytest.mark.thorough
def test_who_never_draws_does_not_load_the_library():
    code = "import sys, app; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_charts_are_told_in_sentences():
    period = PERIODS["a week"]
    waits = [timedelta(minutes=2), timedelta(minutes=7), None, None, None, None, None]
    found = figures(period, [2, 5, 0, 1, 0, 0, 0], waits, {"request": 6, "sentiment": 2})
    told = report.summary(found, "17 to 23 Nov 2026", period)
    assert told == (
        "17 to 23 Nov 2026. 8 escalations in 32 conversations (25 % of them), median wait "
        "4 min. Busiest day: 5, on 18 Nov. Longest median wait: 7 min, on 18 Nov. Reasons: "
        "Asked for an agent 6, Upset or confused 2."
    )
