"""The card's summary without a key: what the customer wants now, and what it is about."""

from __future__ import annotations

import pytest

from tests.ai.talk import as_talk, judge, talk

OFFER = "I'm not sure. Would you like to talk to a member of our team?"
ANSWER = "It takes two days."
REQUESTS = {
    "en": ("where is my parcel?", "human please"),
    "de": ("Wie kann ich meinen Vertrag kündigen?", "Ich möchte mit einem Menschen sprechen"),
    "pt": ("Onde está a minha encomenda?", "quero falar com uma pessoa, por favor"),
    "ar": ("أين طلبي", "أريد التحدث مع موظف حقيقي"),
    "ja": ("荷物はいつ届きますか", "人間のオペレーターと話したいです"),
    "zh": ("我的包裹什么时候到", "我想和真人客服说话"),
}
DAY = (
    *("hi", "Hello!"),
    *("Do you ship to Spain? I ask for my sister, who lives in Valencia since May", ANSWER),
    *("What does express cost?", ANSWER),
    *("thanks!", "You're welcome!"),
    *("My grinder came without its lid", ANSWER),
)


@pytest.mark.parametrize(("question", "request_"), REQUESTS.values(), ids=REQUESTS)
def test_a_bare_request_is_summed_up_with_the_question_before_it(detector, question, request_):
    judgement = judge(detector, talk(question, ANSWER, request_))

    assert judgement.escalate
    assert judgement.summary == f"Wants to talk to an agent. About: {question}"


def test_of_a_long_day_the_last_subject_counts_and_never_the_first(detector):
    judgement = judge(detector, talk(*DAY, "a human please"))

    assert judgement.summary == "Wants to talk to an agent. About: My grinder came without its lid"


def test_a_follow_up_is_shown_with_the_question_that_it_follows(detector):
    judgement = judge(
        detector,
        talk("What does express cost?", ANSWER, "and to Austria?", ANSWER, "human please"),
    )

    assert judgement.summary.endswith("About: What does express cost? and to Austria?")


def test_a_request_with_its_subject_is_the_summary_itself(detector):
    asked = "I want to speak to an agent, my router has been offline for three days"
    judgement = judge(detector, talk("Do you ship to Spain?", ANSWER, asked))

    assert judgement.summary == asked


def test_a_request_that_names_its_subject_in_one_sentence_keeps_its_words(detector):
    asked = "I would like to speak with someone from the billing department about a wrong charge"
    judgement = judge(detector, talk(asked))

    assert judgement.summary == f"Wants to talk to an agent: {asked}"


def test_a_greeting_is_no_subject(detector):
    judgement = judge(detector, talk("hello", "Hello!", "human please"))
    assert judgement.summary == "Wants to talk to an agent: human please"

    greeted = judge(detector, talk("Good morning! My grinder leaks, can I speak to someone?"))
    assert greeted.summary == "My grinder leaks, can I speak to someone?"


def test_a_yes_to_the_offer_is_summed_up_by_the_question(detector):
    judgement = judge(detector, talk(*DAY, "can I pay in bitcoin", OFFER, "yes please"))

    assert judgement.summary == "can I pay in bitcoin"


@pytest.mark.parametrize(
    "complaint", ["still not working", "I did that, same problem!!!", "you are useless, ridiculous"]
)
def test_a_complaint_is_shown_with_what_it_is_about(detector, complaint):
    judgement = judge(detector, talk(*DAY, complaint))

    assert judgement.summary == f"{complaint} · About: My grinder came without its lid"


def test_hostile_text_stays_one_line_and_cannot_grow(detector):
    hostile = "<!channel> my *grinder*\n\n<https://evil.example|click> " + "leaks a lot " * 500
    judgement = judge(detector, talk(hostile, ANSWER, "human please"))

    assert "\n" not in judgement.summary
    assert len(judgement.summary) <= 140
    assert judgement.summary.startswith("Wants to talk to an agent. About: <!channel> my *grinder*")


def test_what_it_is_about_can_be_added_to_a_rules_own_sentence(detector):
    pressed = as_talk(*DAY, "Talk to a person")

    assert detector.about(pressed) == "About: My grinder came without its lid"
    assert detector.about(as_talk("hi")) == ""
