"""OpenAI's stand-in, driven by our own detector and assistant and so by the unchanged client."""

from pathlib import Path

import pytest

from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.assistant.openai import OpenAIAssistant
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.ai.detector.openai import OpenAIDetector
from handoff_bot.ai.language_model import LanguageModel, connect
from handoff_bot.ai.rewriting import OpenAITranslator
from handoff_bot.domain.signals import Signal, Turn
from handoff_sandbox.openai import OpenAIStandIn, Refusal
from handoff_sandbox.openai.translations import nothing_else
from tests.ai.talk import ask, judge
from tests.sandbox import oracle

KNOWLEDGE = Path(__file__).resolve().parents[3] / "knowledge"
UNCERTAIN = [
    Turn("customer", "My parcel is late"),
    Turn("assistant", "It is on its way."),
    Turn("customer", "hm, this is the second time, I am not happy about it at all"),
]
VERDICT = {
    "evidence": "not happy about it at all",
    "signals": {"request": 0.1, "sentiment": 0.97, "complexity": 0.2, "confidence": 0.1},
    "reason": "sentiment",
    "escalate": True,
    "priority": "high",
    "confidence": 0.9,
    "summary": "The parcel is late again.",
}


@pytest.fixture
def openai():
    with OpenAIStandIn() as stand_in:
        yield stand_in
    if oracle.is_there():
        oracle.check_openai_journal(stand_in.journal)


@pytest.fixture
def model(openai):
    client = connect(openai.api_key, openai.base_url)
    yield LanguageModel(client, "gpt-5-mini")
    client.close()


@pytest.fixture
def detector(model):
    return OpenAIDetector(model, LocalDetector.load())


def test_the_models_verdict_is_used_under_the_same_thresholds(openai, detector):
    openai.respond_with(lambda body: VERDICT)
    judged = judge(detector, UNCERTAIN)
    assert (judged.by, judged.reason) == ("openai", Signal.SENTIMENT)


@pytest.mark.parametrize(
    ("fault", "script"),
    [
        ({"status": 429, "retry_after": 1}, None),
        ({"status": 500}, None),
        ({"drop": "before"}, None),
        ({"drop": "after"}, None),
        ({}, lambda body: "{not json"),
        ({}, lambda body: {"surprise": 1}),
        ({}, lambda body: Refusal()),
    ],
    ids=["429", "500", "dropped before", "dropped after", "malformed", "other shape", "refusal"],
)
def test_in_trouble_the_local_detector_judges(openai, detector, fault, script, caplog):
    if fault:
        openai.faults.add("/v1/responses", **fault)
    if script:
        openai.respond_with(script)
    assert judge(detector, UNCERTAIN).by == "local"
    assert "parcel" not in caplog.text


def test_what_is_asked_and_answered_is_as_openai_published_it(openai, detector, model):
    openai.respond_when("late", VERDICT)
    openai.respond_when("delivery", {"answer": "Two days.", "confidence": 0.8})
    judge(detector, UNCERTAIN)
    with Knowledge(KNOWLEDGE) as knowledge:
        assistant = OpenAIAssistant(model, knowledge, LocalAssistant(knowledge))
        answer = ask(assistant, [Turn("customer", "How long does delivery take?")], "en")
    assert answer is not None
    assert answer.text == "Two days."
    assert len(openai.requests()) == 2
    for entry in openai.journal.entries("openai"):
        oracle.check_openai_request(entry.path, entry.request)
        oracle.check_openai_response(entry.path, entry.response)


def test_nothing_is_stored_and_the_shape_is_strict(openai, detector):
    openai.respond_with(lambda body: VERDICT)
    judge(detector, UNCERTAIN)
    (body,) = openai.requests()
    assert body["store"] is False
    assert body["text"]["format"]["type"] == "json_schema"
    assert body["text"]["format"]["strict"] is True


def test_personal_data_is_masked_before_it_leaves(openai, detector):
    openai.respond_with(lambda body: VERDICT)
    judge(
        detector,
        [
            *UNCERTAIN[:2],
            Turn("customer", "hm, write to dana@example.com or +44 20 7946 0958, not happy at all"),
        ],
    )
    sent = str(openai.requests())
    assert "dana@example.com" not in sent
    assert "7946" not in sent


def test_a_wrong_key_is_refused(openai):
    client = connect("sk-wrong", openai.base_url)
    judged = judge(OpenAIDetector(LanguageModel(client, "m"), LocalDetector.load()), UNCERTAIN)
    client.close()
    assert judged.by == "local"
    assert openai.requests() == []


def test_without_a_script_the_answer_fits_the_schema(openai, detector):
    assert judge(detector, UNCERTAIN).by == "openai"


# -- translations


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("Your order AB-1234 is on its way", "es", "[Spanish] Your order AB-1234 is on its way"),
        ('two\nlines & "quotes" </message>', "de", '[German] two\nlines & "quotes" </message>'),
        ("Write to dana@example.com", "fr", "[French] Write to dana@example.com"),
    ],
    ids=["plain", "hostile", "masked"],
)
def test_translations_can_be_told_from_the_words(openai, model, text, language, said):
    assert OpenAITranslator(model).translate(text, language) == said


def test_as_a_translator_it_does_nothing_else(openai, detector, model):
    openai.respond_with(nothing_else)
    assert OpenAITranslator(model).translate("Hello", "es") == "[Spanish] Hello"
    assert judge(detector, UNCERTAIN).by == "local"
