"""What agents say afterwards is kept once, and becomes lessons about the right turns."""

from __future__ import annotations

import pytest

from handoff_bot.domain.desk import Button
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.signals import Signal
from handoff_bot.storage import log

pytestmark = pytest.mark.on_sqlite


def lessons(house):
    return [
        (lesson.talk.turns[-1].text, lesson.signal, lesson.needed, lesson.said_so)
        for lesson in house.core.feedback.lessons()
    ]


@pytest.mark.on_both
def test_not_needed_is_a_lesson_about_the_turn_that_tipped_it(house, ana):
    house.says("where is the human resources office")
    house.take(Step.DISMISS, ana)

    assert lessons(house) == [("where is the human resources office", Signal.REQUEST, False, True)]


def test_came_late_is_a_lesson_about_the_turn_before(house, ana):
    house.says("nothing works here")
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.take(Step.RESOLVE, ana)
    number = int(house.desk.button(Button.SOONER))

    assert house.core.feedback.came_late(number, ana).done
    assert house.core.feedback.came_late(number, ana).done
    with house.database.read() as tx:
        assert len(log.events(tx, EventKind.ESCALATED_LATE)) == 1
    assert lessons(house) == [
        ("I want a human", Signal.REQUEST, True, False),
        ("nothing works here", Signal.REQUEST, True, True),
    ]


def test_what_was_answered_for_good_is_a_lesson_too(house):
    house.says("when do you open?")

    assert lessons(house) == [("when do you open?", None, False, False)]


def test_an_escalation_that_is_not_known_teaches_nothing(house, ana):
    assert not house.core.feedback.came_late(99, ana).done


@pytest.mark.parametrize("step", [Step.RELEASE, Step.RETURN])
def test_only_resolving_asks_whether_it_came_late(house, ana, step):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.take(step, ana)

    with pytest.raises(AssertionError):
        house.desk.button(Button.SOONER)


@pytest.mark.on_both
def test_what_was_learnt_counts_from_the_next_message_on(house):
    house.core.feedback.learn("shifts", {"request": 0.5}, house.clock.now())
    house.says("hello")

    assert house.detector.talks[-1].rules.tuning.shifts == {Signal.REQUEST: 0.5}
    assert house.core.feedback.rules().tuning.shifts == {Signal.REQUEST: 0.5}
