"""Quiet hours, and whom the rules of notifications name."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_bot.domain.rules import (
    Audience,
    Case,
    NotificationRule,
    Quiet,
    RuleConditions,
    audiences_of,
)
from handoff_bot.domain.signals import Priority, Signal

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Quiet.parse("22:00-7:00")
CASE = Case("sms", Signal.REQUEST, Priority.HIGH, "de")


def berlin(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-11-23T21:59", None),
        ("2026-11-23T22:00", "2026-11-24T07:00"),
        ("2026-11-23T23:30", "2026-11-24T07:00"),
        ("2026-11-24T06:59", "2026-11-24T07:00"),
        ("2026-11-24T07:00", None),
        ("2026-10-24T23:00", "2026-10-25T07:00"),  # the night in which clocks are put back
    ],
)
def test_quiet_over_midnight_ends_in_the_morning(at, ends):
    assert NIGHT.ends(berlin(at), BERLIN) == (berlin(ends) if ends else None)


def test_quiet_within_a_day():
    noon = Quiet.parse("12:00 - 13:30")
    assert noon == Quiet(time(12), time(13, 30))
    assert noon.ends(berlin("2026-11-23T12:30"), BERLIN) == berlin("2026-11-23T13:30")
    assert noon.ends(berlin("2026-11-23T11:59"), BERLIN) is None


@pytest.mark.parametrize("words", ["", "late", "22-7", "25:00-7:00", "7:60-8:00", "7:00-7:00"])
def test_what_is_no_quiet_is_refused(words):
    with pytest.raises(ValueError, match=r"Enter|Quiet"):
        Quiet.parse(words)


MINUTES = st.integers(0, 500_000).map(lambda n: berlin("2026-01-01T00:00") + timedelta(minutes=n))
CLOCKS = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@given(CLOCKS, CLOCKS, MINUTES)
def test_quiet_ends_later_and_within_a_day_and_is_over_then(since, until, at):
    if since == until:
        return
    quiet = Quiet(since, until)
    ends = quiet.ends(at, ZoneInfo("UTC"))
    if ends is not None:
        assert at < ends <= at + timedelta(days=1)
        assert quiet.ends(ends, ZoneInfo("UTC")) is None


def test_urgent_ones_wake_only_where_the_rule_says_so():
    at = berlin("2026-11-23T23:00")
    morning = berlin("2026-11-24T07:00")
    quiet, waking = Audience(quiet="22:00-7:00"), Audience(quiet="22:00-7:00", wakes=True)
    assert quiet.due_at(at, Priority.URGENT, BERLIN) == morning
    assert waking.due_at(at, Priority.URGENT, BERLIN) == at
    assert waking.due_at(at, Priority.HIGH, BERLIN) == morning
    assert Audience().due_at(at, Priority.LOW, BERLIN) == at


def test_every_rule_that_fits_counts():
    ana, ben = Audience(people=("UANA",)), Audience(people=("UBEN",))
    rules = [
        NotificationRule(RuleConditions(priorities=(Priority.HIGH,)), ana),
        NotificationRule(RuleConditions(channels=("whatsapp",)), ben),
        NotificationRule(RuleConditions(languages=("de", "fr")), ben),
    ]
    assert audiences_of(rules, CASE) == [ana, ben]


@pytest.mark.parametrize(
    ("to", "nobody"),
    [(Audience(quiet="22:00-7:00"), True), (Audience(emails=("a@b.example",)), False)],
    ids=["nobody", "one"],
)
def test_a_rule_must_name_somebody(to, nobody):
    assert to.is_nobody() is nobody
