"""What the AI does with a customer's turns: bursts, rules, moods, promises, a longer look meanwhile."""

from __future__ import annotations

import threading

import pytest

from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.signals import Evidence, Judgement, Mood, Priority, Signal
from handoff_bot.services.ai_turns import answering
from handoff_bot.storage import conversations, log
from handoff_bot.storage.models import Message

pytestmark = pytest.mark.on_sqlite


def prefer(house, name, value):
    with house.database.write() as tx:
        log.prefer(tx, f"rules.{name}", value, "UADMIN", house.clock.now())


def events(house, kind):
    with house.database.read() as tx:
        return [event.data for event in log.events(tx, kind)]


@pytest.fixture
def pausing(house):
    prefer(house, "pause_seconds", 2)
    return house


# -- what is written in one go


@pytest.mark.on_both
def test_what_is_written_in_one_go_is_answered_once(pausing):
    for text in ("hi", "I have a question", "when do you open?"):
        pausing.says(text)
        pausing.clock.advance(seconds=1)
        pausing.settle()
    assert pausing.channel.phone == []

    pausing.clock.advance(seconds=2)
    pausing.settle()

    assert [text.split("\n")[-1] for text in pausing.channel.phone] == [
        "Answer to: when do you open?"
    ]
    (talk,) = pausing.assistant.asked
    assert [turn.text for turn in talk.turns] == ["hi", "I have a question", "when do you open?"]


def test_who_never_pauses_is_answered_all_the_same(pausing):
    for number in range(14):
        pausing.says(f"line {number}")
        pausing.clock.advance(seconds=1)
        pausing.settle()
    answered = len(pausing.channel.phone)
    pausing.clock.advance(seconds=5)
    pausing.settle()

    assert answered == 1
    assert len(pausing.channel.phone) == 2
    assert pausing.channel.phone[-1] == "Answer to: line 13"


def test_a_cry_for_a_person_waits_for_no_pause(pausing):
    pausing.says("where is my parcel")
    pausing.says("a human please")

    assert len(pausing.desk.cards) == 1
    pausing.clock.advance(seconds=5)
    pausing.settle()
    assert pausing.assistant.asked == []


@pytest.mark.on_both
def test_a_message_that_comes_while_the_answer_is_composed_is_answered_with_it(pausing):
    answer = pausing.assistant.answer

    def slow(talk, language):
        if len(talk.turns) == 1:
            pausing.says("and on Sundays?", settle=False)
            pausing.core.worker.run_until_idle()
        return answer(talk, language)

    pausing.assistant.answer = slow
    pausing.says("when do you open?")
    for _ in range(3):
        pausing.clock.advance(seconds=3)
        pausing.settle()

    assert [text.split("\n")[-1] for text in pausing.channel.phone] == [
        "Answer to: and on Sundays?"
    ]


@pytest.mark.on_both
def test_after_a_crash_nothing_is_answered_twice(pausing):
    pausing.says("when do you open?")
    pausing.clock.advance(seconds=3)
    pausing.settle()
    with pausing.database.write() as tx:
        work = tx.session.get_one(Message, 1)
        conversation = conversations.get(tx, work.conversation_id)
    with pausing.database.write() as tx:
        answering.ask(tx, conversation, work, 0, pausing.clock.now())
    pausing.settle()

    assert len(pausing.channel.phone) == 1


# -- the admins' rules


def test_a_phrase_that_always_escalates(house):
    prefer(house, "always", ["chargeback"])
    house.says("I will do a  Chargeback!")
    house.says("the chargebackery is closed", address="+15550002")

    assert [card.reason for card in house.desk.cards.values()] == [Signal.REQUEST]
    assert "chargeback" in house.desk.card.summary


def test_a_phrase_that_never_escalates_is_not_looked_at(house):
    prefer(house, "never", ["human resources"])
    house.says("where do I find human  Resources?")
    house.says("human resources, no: a human!", address="+15550002")

    assert [card.evidence for card in house.desk.cards.values()] == [" , no: a human!"]
    assert "Answer to: where do I find human  Resources?" in house.channel.phone[0]


@pytest.mark.on_both
def test_after_so_many_answers_a_person_takes_over(house):
    prefer(house, "most_answers", 2)
    for text in ("one", "two", "three"):
        house.says(text)

    assert house.desk.card.reason is Signal.COMPLEXITY
    assert "2 AI replies" in house.desk.card.summary
    assert len(house.assistant.asked) == 2


def test_while_the_ai_is_paused_agents_get_every_conversation_and_it_answers_nothing(house):
    prefer(house, "paused", True)
    house.says("When do you open?")
    house.says("Are you there?")

    assert house.desk.card.summary == "The AI is paused, so agents answer every customer."
    assert house.assistant.asked == []
    prefer(house, "paused", False)
    house.says("When do you open?", address="+15550002")
    assert house.channel.phone[-1].endswith("Answer to: When do you open?")


def test_answers_before_a_person_came_do_not_count(house, ana):
    prefer(house, "most_answers", 2)
    for text in ("one", "two", "a human"):
        house.says(text)
    house.take(Step.CLAIM, ana)
    house.take(Step.RETURN, ana)
    house.says("three")

    assert house.channel.phone[-1] == "Answer to: three"


def test_a_language_the_assistant_may_not_answer_in(house):
    prefer(house, "languages", ["de", "fr"])
    house.says("hello there")

    assert house.desk.card.reason is Signal.CONFIDENCE
    assert house.assistant.asked == []


def test_a_vip_gets_a_person_soon_and_easily(house):
    prefer(house, "vips", ["+15550001"])
    house.says("a human please")

    assert house.desk.card.priority is Priority.HIGH
    assert {wish.value for wish in house.detector.talks[-1].rules.triggers.values()} == {"high"}


def test_triggers_reach_the_detector(house):
    prefer(house, "triggers", {"sentiment": "off", "request": "low"})
    house.says("hello")

    wishes = house.detector.talks[-1].rules.triggers
    assert [wishes[signal].value for signal in Signal] == ["low", "off", "medium", "medium"]


@pytest.mark.on_both
def test_rules_that_are_stored_wrongly_count_as_not_set(house, caplog):
    prefer(house, "most_answers", -3)
    prefer(house, "triggers", {"request": "sometimes"})
    prefer(house, "always", ["chargeback"])
    house.says("chargeback")

    assert house.desk.card.reason is Signal.REQUEST
    named = {getattr(one, "key", "") for one in caplog.records}
    assert {"rules.most_answers", "rules.triggers"} <= named


# -- promises


def test_a_person_whom_the_assistant_announces_is_really_asked_for(house):
    house.says("what about an agent on its way to you?")

    assert house.desk.card.reason is Signal.CONFIDENCE
    assert not any("Answer to" in text for text in house.channel.phone)


# -- moods


def feeling(house, words, sentiment, reason=None, priority=Priority.NORMAL):
    whole = house.detector._judgement

    def judged(talk):
        if talk.turns[-1].text == words:
            return Judgement({Signal.SENTIMENT: sentiment}, reason, priority, language="en", by="t")
        return whole(talk)

    house.detector._judgement = judged
    house.says(words)


def test_the_cards_mood_and_priority_follow_the_customer(house, ana):
    house.says("a human please")
    house.says("I wait")
    assert house.desk.card.mood is Mood.CALM

    feeling(house, "this is fraud, you thieves", 0.96, Signal.SENTIMENT, Priority.URGENT)
    assert (house.desk.card.mood, house.desk.card.priority) == (Mood.UPSET, Priority.URGENT)

    house.take(Step.CLAIM, ana)
    feeling(house, "well", 0.5)
    assert (house.desk.card.mood, house.desk.card.priority) == (Mood.TENSE, Priority.URGENT)

    assert events(house, "escalation.priority") == [{"before": "normal", "priority": "urgent"}]
    with house.database.read() as tx:
        assert len(log.events(tx, "message.judged")) == 4


def test_a_detector_that_fails_while_a_person_talks_changes_nothing(house, ana):
    house.says("a human please")
    house.take(Step.CLAIM, ana)

    def broken(talk):
        raise ModelError("gone")

    house.detector.quick_check = broken
    house.says("still there?")

    assert house.desk.said("contact") == ["still there?"]
    assert house.desk.card.priority is Priority.NORMAL


# -- a longer look


def test_the_answer_is_composed_while_the_turn_is_still_judged(house):
    house.detector.quick = False
    both = threading.Barrier(2, timeout=10)
    judge, answer = house.detector.judge, house.assistant.answer
    house.detector.judge = lambda talk: (both.wait(), judge(talk))[1]
    house.assistant.answer = lambda talk, language: (both.wait(), answer(talk, language))[1]
    house.says("when do you open?")

    assert house.channel.phone[-1].endswith("Answer to: when do you open?")


def test_an_answer_composed_for_nothing_is_thrown_away(house):
    house.detector.quick = False
    house.says("I want a human")

    assert house.desk.card.reason is Signal.REQUEST
    assert not any("Answer to" in text for text in house.channel.phone)


def test_what_was_said_at_a_glance_stands_when_the_longer_look_fails(house):
    house.detector.quick = False

    def broken(talk):
        raise ModelError("timeout")

    house.detector.judge = broken
    house.says("I want a human")

    assert house.desk.card.reason is Signal.REQUEST


# -- after a person


def test_the_old_reason_is_settled_and_the_persons_words_stay_known(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.replies(ana, "Your replacement leaves on Friday.")
    house.take(Step.RETURN, ana)
    house.says("thanks")

    talk = house.assistant.asked[-1]
    assert [turn.text for turn in talk.open_turns][-1] == "thanks"
    assert not any("human" in turn.text for turn in talk.open_turns)
    assert "Your replacement leaves on Friday." in [turn.text for turn in talk.turns]
    assert len(house.desk.cards) == 1


# -- clarifying questions


def test_a_clarifying_question_is_an_outcome_of_its_own_and_no_answer(house):
    prefer(house, "most_answers", 1)
    house.assistant.asks = True
    house.says("how much is it?")
    house.assistant.asks = False
    house.says("the red one")
    house.says("and the blue one?")

    outcomes = [one.get("outcome") for one in events(house, "message.considered")]
    assert outcomes == ["clarified", None, None]
    assert [text.split("\n")[-1] for text in house.channel.phone[:2]] == [
        "Answer to: how much is it?",
        "Answer to: the red one",
    ]
    assert len(house.desk.cards) == 1  # the second answer would have been one too many


def test_after_two_clarifying_questions_in_a_row_an_agent_is_needed(house):
    house.assistant.asks = True
    for text in ("how much is it?", "the thing", "that one"):
        house.says(text)

    assert house.desk.card.reason is Signal.CONFIDENCE
    assert "Still unclear after 2 questions back." in house.desk.card.summary


def test_an_unsure_clarifying_question_is_no_unknown_answer(house):
    house.assistant.asks, house.assistant.confidence = True, 0.1
    house.says("how much is it?")
    house.says("the thing")

    assert house.desk.cards == {}


# -- what an answer was based on


def test_the_card_shows_what_the_last_answer_was_based_on(house):
    found = Evidence("order_status", "Status: shipped", "4711", is_look_up=True)
    house.assistant.evidence = (found, Evidence("Delivery", "x" * 600))
    house.says("where is my order 4711?")
    house.says("a human please")
    first, second = house.desk.card.grounds

    assert first == found
    assert len(second.text) == 500
