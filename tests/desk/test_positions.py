"""Customers are told when they have moved up in the queue: rarely, truly, and only while they wait."""

import pytest
from sqlalchemy import select

from handoff_bot.jobs.worker import Worker
from handoff_bot.services.container import QUEUES
from handoff_bot.storage.models import Work
from tests.desk.conftest import DANA, words

pytestmark = pytest.mark.on_sqlite

SECOND, THIRD = "+15550002", "+15550003"


def places(bureau, address=THIRD):
    """The places that a customer was told."""
    said = [one for one in bureau.heard(address) if one.startswith("You are number")]
    return [int(one.split()[3]) for one in said]


def climb(bureau, minutes):
    """Let so many minutes pass, one by one, as they do."""
    for _ in range(minutes):
        bureau.later(minutes=1)


@pytest.fixture
def three(bureau):
    """Three customers wait, and are told of better places every five minutes at most."""
    bureau.core.preferences.change("position_minutes", 5, bureau.mia)
    bureau.core.preferences.change("ladder.rungs", [], bureau.mia)
    for address in (DANA, SECOND, THIRD):
        bureau.says("I want a person", address)
    return bureau


def test_who_does_not_move_hears_nothing(three):
    climb(three, 30)
    assert [places(three, address) for address in (DANA, SECOND, THIRD)] == [[], [], []]


@pytest.mark.on_both
def test_who_moves_up_hears_it_once_and_not_at_once(three):
    three.later(minutes=1)
    three.command(three.ana, "next")
    climb(three, 3)
    assert places(three) == []
    climb(three, 20)
    assert places(three) == [2]
    three.command(three.ana, "next")
    climb(three, 10)
    assert places(three) == [2, 1]
    assert places(three, SECOND) == [1]


@pytest.mark.on_both
def test_two_steps_within_the_pause_are_one_word(three):
    three.later(minutes=1)
    three.command(three.ana, "next")
    three.command(three.ana, "next")
    climb(three, 10)
    assert places(three) == [1]


def test_a_place_that_was_lost_and_won_back_is_no_news(three):
    three.later(minutes=1)
    three.says("Fraud! I want a person now", "+15550009")
    with three.database.write() as tx:
        tx.session.connection().exec_driver_sql(
            "UPDATE escalation SET priority_rank = 0, priority = 'urgent' WHERE id = 4"
        )
    climb(three, 10)
    three.command(three.ana, "next")
    climb(three, 10)
    assert places(three) == []


def test_never_after_a_claim(three):
    three.later(minutes=1)
    three.command(three.ana, "next")
    three.click(three.ana, "claim")  # the third customer's card
    climb(three, 20)
    assert places(three) == []
    assert places(three, SECOND) == [1]


def test_a_release_begins_it_anew(three):
    three.click(three.ana, "claim")
    three.later(minutes=1)
    three.writes(three.ana, "!release")
    three.command(three.ben, "next")
    climb(three, 10)
    assert places(three) == [2]


def test_what_is_snoozed_hears_it_afterwards(three):
    three.writes(three.ana, "!snooze 30m")
    three.command(three.ana, "next")
    climb(three, 29)
    assert places(three) == []
    climb(three, 8)
    assert places(three) == [2]


def test_out_of_hours_nothing_is_said(three):
    three.core.preferences.change("hours.timezone", "UTC", three.mia)
    three.command(three.ana, "next")
    three.core.preferences.change("hours.lines", ["mon-fri 13:00-17:00"], three.mia)
    climb(three, 60)  # it is about 10:00
    assert places(three) == []
    three.later(hours=3)
    climb(three, 10)
    assert places(three) == [2]


def test_it_ends_when_it_is_switched_off_and_is_off_by_default(bureau, three):
    three.command(three.ana, "next")
    three.core.preferences.change("position_minutes", 0, three.mia)
    climb(three, 20)
    assert places(three) == []
    with bureau.database.read() as tx:
        waiting = select(Work.id).where(Work.kind == "position", Work.status == "ready")
        assert tx.session.execute(waiting).all() == []
    three.says("I want a person", "+15550004")
    three.command(three.ana, "next")
    climb(three, 20)
    assert places(three, "+15550004") == []


def test_what_the_team_does_not_say_is_not_said(three):
    three.core.preferences.change("texts.silent", ["position"], three.mia)
    three.command(three.ana, "next")
    climb(three, 20)
    assert places(three) == []


def test_who_said_stop_hears_nothing(three):
    three.says("STOP", THIRD, consent="stop", consent_answered=True)
    three.command(three.ana, "next")
    climb(three, 20)
    assert places(three) == []


@pytest.mark.on_both
def test_processes_together_say_it_once(three):
    """Two workers on one database, and a restart every minute."""
    three.command(three.ana, "next")
    for _ in range(12):
        three.clock.advance(minutes=1)
        two = [
            Worker(three.database, three.core.handlers, three.clock, threads=QUEUES)
            for _ in range(2)
        ]
        while sum(each.run_once() for each in two):
            pass
    assert places(three) == [2]
    assert places(three, SECOND) == [1]


def test_admins_set_the_minutes(bureau):
    bureau.command(bureau.mia, "settings waiting")
    shown = words(bureau.modal(bureau.mia))
    assert "Minutes between queue position updates" in shown
    assert "position_minutes" in bureau.sends(bureau.mia, {"position_minutes": "soon"}).errors
    assert bureau.sends(bureau.mia, {"position_minutes": "5"}).errors == {}
    assert bureau.core.preferences.get("position_minutes", 0) == 5
