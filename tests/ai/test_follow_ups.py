"""A question that goes on from an earlier one is searched with it; a new question is not polluted by it."""

from __future__ import annotations

import pytest

from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.assistant.openai import OpenAIAssistant
from handoff_bot.ai.assistant.questions import leans_on_earlier, topic
from handoff_bot.domain.signals import Turn
from tests.ai.talk import ask, talk
from tests.catalogues import UNSURE

ARTICLES = {
    "prices.md": (
        "---\ntitle: Prices\nlocale: en\n---\n## What a room costs\n"
        "A double room costs 80 euros in June and July, 120 euros in August and 60 euros in winter.\n"
    ),
    "pool.md": (
        "---\ntitle: Pool\nlocale: en\n---\n## When the pool is open\n"
        "The swimming pool is open from 9 to 20 o'clock. In August there are swimming lessons.\n"
    ),
    "parking.md": (
        "---\ntitle: Parking\nlocale: en\n---\n## Where to park\n"
        "There is a car park behind the hotel. Parking is free for guests.\n"
    ),
    "pets.md": (
        "---\ntitle: Pets\nlocale: en\n---\n## Can I bring a dog\n"
        "Dogs are welcome. Cats must stay at home.\n"
    ),
    "breakfast.md": (
        "---\ntitle: Breakfast\nlocale: en\n---\n## When is breakfast\n"
        "Breakfast is served from 7 to 10. It costs 12 euros.\n"
    ),
}
ROOM = "What does a double room cost in July?"


@pytest.fixture(scope="module")
def hotel(detector, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hotel")
    for name, text in ARTICLES.items():
        (folder / name).write_text(text, "utf-8")
    with Knowledge(folder, meaning=detector.encoder.vectors) as knowledge:
        yield knowledge


@pytest.fixture
def local(hotel):
    return LocalAssistant(hotel)


FOLLOW_UPS = {
    "and": (ROOM, "80 euros.", "and in august?"),
    "what about": (ROOM, "80 euros.", "what about August?"),
    "a preposition": (ROOM, "80 euros.", "in August?"),
    "after thanks": (ROOM, "80 euros.", "ok thanks", "You're welcome!", "and in august?"),
    "thanks before it": (ROOM, "80 euros.", "Thanks, and in August?"),
    "a second one": (ROOM, "80 euros.", "and in June?", "80 euros.", "and in august?"),
    "a word": (ROOM, "80 euros.", "and the winter?"),
}


@pytest.mark.parametrize("words", FOLLOW_UPS.values(), ids=FOLLOW_UPS)
def test_a_follow_up_finds_what_the_earlier_question_was_about(local, words):
    answer = ask(local, talk(*words), "en")

    assert answer.sources == ("Prices",)


NEW = {
    "a complete one": ("Where can I park?", "Parking"),
    "with and": ("and can I bring a dog?", "Pets"),
    "short": ("breakfast?", "Breakfast"),
    "short with and": ("and breakfast?", "Breakfast"),
    "long": ("and when is breakfast served and what does it cost?", "Breakfast"),
}


@pytest.mark.parametrize(("question", "title"), NEW.values(), ids=NEW)
def test_a_new_question_gets_its_own_answer(local, question, title):
    assert ask(local, talk(question), "en").sources == (title,)
    assert ask(local, talk(ROOM, "80 euros.", question), "en").sources == (title,)


@pytest.mark.parametrize(
    "question",
    ["do you repair bicycles?", "bicycles?", "and bicycles?", "and helicopters to Rome?"],
)
def test_what_the_knowledge_base_does_not_hold_is_not_answered_with_the_earlier_subject(
    local, question
):
    assert ask(local, talk(ROOM, "80 euros.", question), "en").text == UNSURE["en"]


def reply():
    return {"answer": "120 euros.", "confidence": 0.9, "used_sources": ["Prices"]}


CONVERSATIONS = {
    "the question before": FOLLOW_UPS["and"],
    "two subjects ago": (ROOM, "80.", "Where can I park?", "Behind it.", "and in august?"),
    "named by the assistant": ("hi", "Do you want to know what a room costs?", "yes, in august"),
    "far back": (ROOM, "80.", *["ok", "Fine."] * 3, "so how much is that then?"),
}


@pytest.mark.parametrize("words", CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_the_model_is_given_passages_for_the_whole_conversation(
    language_model, service, hotel, local, words
):
    service.answers(reply())
    answer = ask(OpenAIAssistant(language_model, hotel, local, timeout=60), talk(*words), "en")

    assert "120 euros in August" in service.asked[0]["input"]
    assert answer.sources == ("Prices",)


def test_passages_for_the_last_message_come_first(language_model, service, hotel, local):
    service.answers(reply())
    turns = talk(ROOM, "80 euros.", "Where can I park?")
    ask(OpenAIAssistant(language_model, hotel, local, timeout=60), turns, "en")
    given = service.asked[0]["input"]

    assert given.index("There is a car park") < given.index("A double room costs")


@pytest.mark.parametrize(
    ("text", "leans"),
    [
        ("and in august?", True),
        ("und im August?", True),
        ("¿y en agosto?", True),
        ("et en août ?", True),
        ("to Spain?", True),
        ("how about cats", True),
        ("in which countries do you deliver parcels?", False),
        ("what about the refund for my broken blue garden chair?", False),
        ("how do I return something?", False),
        ("", False),
        ("and " * 2_000, True),
    ],
)
def test_what_goes_on_from_an_earlier_question_is_told_by_how_it_begins(text, leans):
    assert leans_on_earlier(text) is leans


def test_a_topic_is_the_customers_and_reaches_back_to_a_question_that_stands_by_itself():
    turns = talk("Where can I park?", "There.", ROOM, "80.", "and in June?", "80.", "and August?")

    assert topic(turns) == f"{ROOM} and in June?"
    assert topic([Turn("assistant", "Hello"), Turn("customer", "hm?")]) == ""
