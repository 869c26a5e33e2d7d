"""The question at the end, and the number that answers it."""

import pytest

from handoff_bot.domain.escalations import Resolution, Step
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.messages import Consent
from handoff_bot.storage import log

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def resolved(house, ana):
    """Somebody whose conversation Ana has just resolved."""
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.take(Step.RESOLVE, ana)
    return house


def answers(house) -> list[int]:
    with house.database.read() as tx:
        return [event.data["score"] for event in log.events(tx, EventKind.CSAT_ANSWERED)]


def test_the_question_comes_with_the_end(resolved):
    assert (
        "now closed" in resolved.last_sent().text or "How did we do?" in resolved.last_sent().text
    )
    assert any("How did we do?" in text for text in resolved.channel.phone)


@pytest.mark.on_both
def test_a_number_is_kept_shown_and_thanked_for(resolved):
    resolved.says("5")
    assert answers(resolved) == [5]
    assert "rated this conversation: 5 of 5." in resolved.desk.said("notice")[-1]
    assert resolved.last_sent().text == "Thank you for your answer."
    assert resolved.assistant.asked == []


@pytest.mark.on_both
def test_only_the_first_number_counts(resolved):
    resolved.says("2")
    resolved.says("5")
    assert answers(resolved) == [2]
    assert [talk.turns[-1].text for talk in resolved.assistant.asked] == ["5"]


@pytest.mark.parametrize(
    "text",
    ["6", "0", "55", "order 4711", "I have 5 questions", "8/10", "3 parcels are missing", "", "½"],
)
def test_anything_else_goes_its_usual_way(resolved, text):
    resolved.says(text)
    assert answers(resolved) == []
    assert [talk.turns[-1].text for talk in resolved.assistant.asked] == [text]


def test_a_number_after_the_assistant_has_spoken_answers_the_assistant(resolved):
    resolved.clock.advance(seconds=5)
    resolved.says("How many shirts fit into a box?")
    resolved.says("4")
    assert answers(resolved) == []


def test_a_number_a_day_later_is_no_answer(resolved):
    resolved.clock.advance(hours=25)
    resolved.says("5")
    assert answers(resolved) == []


def test_it_is_not_asked_when_an_admin_turned_it_off(house, ana):
    with house.database.write() as tx:
        log.prefer(tx, "csat", False, "UMIA", house.clock.now())
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.take(Step.RESOLVE, ana)
    assert not any("How did we do?" in text for text in house.channel.phone)
    house.says("5")
    assert answers(house) == []


def test_a_return_to_the_assistant_asks_nothing(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.take(Step.RETURN, ana)
    assert not any("How did we do?" in text for text in house.channel.phone)
    house.says("5")
    assert answers(house) == []


def test_who_was_not_asked_has_not_answered(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.core.escalations.take(
        Step.RESOLVE, house.desk.card.escalation_id, ana, Resolution(ask=False)
    )
    house.settle()
    house.says("2")
    assert answers(house) == []
    assert [talk.turns[-1].text for talk in house.assistant.asked] == ["2"]


def test_who_has_sent_stop_was_not_asked(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.says("STOP", consent=Consent.STOP)
    house.take(Step.RESOLVE, ana)
    house.says("START", consent=Consent.START)
    house.says("2")
    assert answers(house) == []
