"""Nobody talks the AI out of asking for a person, into its instructions, or into links and promises."""

from __future__ import annotations

import json
import re

import pytest

from handoff_bot.ai import prompts
from handoff_bot.ai.assistant import phrases
from handoff_bot.ai.assistant.articles import read_folder
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.assistant.openai import OpenAIAssistant
from handoff_bot.ai.detector.openai import OpenAIDetector
from handoff_bot.domain.signals import Signal
from tests.ai.attacks import EVERYTHING, FAKE, REVEAL, STOP
from tests.ai.conftest import SAMPLES
from tests.ai.talk import as_talk, ask, judge, talk

FIXED = {
    text for texts in (phrases.UNSURE, phrases.GREETING, phrases.WELCOME) for text in texts.values()
}
PASSAGES = [passage.text for passage in read_folder(SAMPLES)]
CALM = {
    "evidence": "",
    "signals": {"request": 0.0, "sentiment": 0.0, "complexity": 0.0, "confidence": 0.0},
    "reason": "none",
    "escalate": False,
    "priority": "low",
    "confidence": 1.0,
    "summary": "Nothing.",
}


def test_there_are_enough_of_them():
    assert len(EVERYTHING) >= 60


# -- the local path


@pytest.mark.parametrize("words", STOP.values(), ids=STOP)
def test_a_request_is_heard_whatever_stands_around_it(detector, words):
    assert judge(detector, talk(words)).reason is Signal.REQUEST


@pytest.mark.parametrize("words", [*REVEAL.values(), *FAKE.values()], ids=[*REVEAL, *FAKE])
def test_the_local_assistant_says_nothing_but_passages_and_fixed_phrases(knowledge, words):
    for language in ("en", "es", "xx"):
        answer = ask(LocalAssistant(knowledge), talk(words), language)
        known = [one for one in PASSAGES if one.startswith(answer.text.rstrip("…").strip())]

        assert answer.text in FIXED or known


# -- the language model's path


@pytest.mark.parametrize("words", EVERYTHING.values(), ids=EVERYTHING)
def test_no_words_leave_their_delimiters(words):
    turns = talk(words, "I see.", words)
    text = prompts.transcript(turns)
    first, *lines, last = text.split("\n")

    assert (first, last) == ("<transcript>", "</transcript>")
    assert text.count("<") == 2
    said = [json.loads(line)["text"] for line in lines]
    assert said == [turn.text[: prompts.LONGEST_TURN] for turn in turns]


@pytest.mark.parametrize("words", EVERYTHING.values(), ids=EVERYTHING)
def test_the_instructions_are_the_same_whatever_the_customer_writes(
    language_model, service, detector, knowledge, words
):
    service.answers({"answer": "Yes.", "confidence": 0.9, "used_sources": []})
    OpenAIAssistant(language_model, knowledge, LocalAssistant(knowledge)).answer(
        as_talk(words), "en"
    )

    for asked in service.asked:
        assert asked["instructions"] == prompts.ANSWER.format(language="en")


@pytest.mark.parametrize("words", STOP.values(), ids=STOP)
def test_a_model_that_was_talked_over_cannot_lose_a_request(
    language_model, service, detector, words
):
    service.answers(CALM)
    judged = OpenAIDetector(language_model, detector, timeout=2.0).judge(as_talk(words))

    assert judged.reason is Signal.REQUEST


@pytest.mark.parametrize("words", FAKE.values(), ids=FAKE)
def test_a_model_that_obeys_an_attack_is_cleaned_up_after(
    language_model, service, knowledge, words
):
    service.answers({"answer": words, "confidence": 0.99, "used_sources": ["Shipping"]})
    assistant = OpenAIAssistant(language_model, knowledge, LocalAssistant(knowledge))
    answer = assistant.answer(as_talk(words), "en")

    assert not re.search(r"(?i)evil\.example|://|\b900\b", answer.text)


PROMISES = {
    "en": "Sure! An agent has been notified and will call you today.",
    "es": "Claro, le paso con un agente ahora mismo.",
    "de": "Gern, ich verbinde Sie jetzt mit einem Mitarbeiter.",
    "fr": "D'accord, je vous transfère à un conseiller.",
    "it": "Certo, la metto in contatto con un collega.",
    "pt": "Claro, vou transferir você para um atendente.",
}


@pytest.mark.parametrize("words", PROMISES.values(), ids=PROMISES)
def test_an_announced_person_is_noticed(detector, words):
    assert detector.announces(words)


@pytest.mark.parametrize("words", [*PASSAGES, *sorted(FIXED)])
def test_what_the_knowledge_base_says_is_no_announcement(detector, words):
    assert not detector.announces(words)
