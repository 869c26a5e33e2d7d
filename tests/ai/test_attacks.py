"""Hostile customers: a needed human is still called, and no answer holds what the attacker wants in it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter

import pytest

from handoff_bot.ai import prompts
from handoff_bot.ai.assistant.articles import passages
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.assistant.openai import OpenAIAssistant, Reply
from handoff_bot.ai.assistant.support import without_foreign_addresses
from handoff_bot.ai.detector.openai import OpenAIDetector
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.signals import Signal
from tests import catalogues
from tests.ai.attacks import ATTACKS, HOSTILE_ADDRESSES, PROMISES, Kind
from tests.ai.conftest import SAMPLES
from tests.ai.talk import ask, judge, talk

ENOUGH = {Kind.STOP_THE_HUMAN: 25, Kind.REVEAL: 20, Kind.LINK: 20, Kind.FAKE: 10}

_DOTS = str.maketrans(dict.fromkeys("\u2024\u3002\ufe52\uff0e\uff61", "."))
_CLICKABLE = [
    r"[a-z][a-z0-9+.-]*:[/\\]{1,2}[^\s/\\]",  # a scheme with something behind it
    r"\b(?:javascript|vbscript|data|mailto|tel|sms|blob|file):\S",
    r"www\.\w",
    r"[^\s.,:;!?()<>\[\]\"'`*_~@/\\]\.(?:xn--|[^\W\d_]{2})",  # a host, or what looks like one
    r"\w@\w",
    r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d",
    r"(?:\+|\b0|\d{3})[\d ()-]{6,}\d",  # a phone number
]
TEMPLATES = {
    "alone": "{}",
    "in a sentence": "You can ask for a refund at {} within 30 days.",
    "at the end": "Ask here: {}.",
    "in brackets": "Ask us ({}) today.",
    "glued": "Answer:{}!",
    "in Chinese": "请看{}，谢谢。",  # noqa: RUF001 - Chinese
    "after a full stop": "Thanks.{}",
    "in quotes": 'It is "{}", I think.',
    "twice": "{} {}",
}
HARMLESS = [
    "e.g. a blue one, i.e. not the red one",
    "It weighs 3.5 kg and costs 1.234,50 euros.",
    "Written in Node.js; see invoice.pdf.",
    "It arrives on 24.12.2026 at 10:30, or on 2026-12-28.",
    "We ship to the U.S.A. from 9 a.m. to 6 p.m., z.B. morgen, d.h. bald.",
    "Sizes 36 37 38 39 40 cost 4.90 9.90 19.90 euros.",
    "Your order 1234567890 is under My orders.",
    "Monday to Friday from 9:00 to 18:00 and/or Saturday, 24/7 online",
    "Wait... and see. Done.👍",
    "S.p.A., S.r.l., Ph.D., Dr. Smith",
    "您可以在三十天内退货。请打印标签。",
    "返品できます。ラベルを印刷してください。",
    "می‌خواهم برگردانم",
    "👨‍👩‍👧 1️⃣ ok",
    "Note: data: and mailto: are words here.",
]


def of(*kinds):
    found = [one for one in ATTACKS if one.kind in kinds]
    return pytest.mark.parametrize("attack", found, ids=lambda attack: attack.name)


MISSED = {"stop the human: vietnamese"}
"""What the shipped model does not hear: Vietnamese rests on few phrases."""


every_attack = of(*Kind)


def clickable(text):
    """What any app might make a link of, found without the code under test."""
    seen = "".join(c for c in text.translate(_DOTS) if unicodedata.category(c) != "Cf")
    folded = unicodedata.normalize("NFKC", seen).casefold()
    return [found[0] for rule in _CLICKABLE for found in re.finditer(rule, folded)]


@pytest.fixture
def assistant(knowledge):
    return LocalAssistant(knowledge)


@pytest.fixture(scope="session")
def sayings():
    return {
        words
        for table in (catalogues.UNSURE, catalogues.GREETING, catalogues.WELCOME)
        for words in table.values()
    }


@pytest.fixture(scope="session")
def headings(articles):
    return {line.lstrip("# ") for line in articles.splitlines() if line.startswith("#")}


@pytest.fixture(scope="session")
def articles():
    return "\n".join(path.read_text("utf-8") for path in SAMPLES.glob("*.md"))


class Parrot:
    """A language model that an attacker has talked into anything: it answers what it was given."""

    def __init__(self, answer=None):
        self._answer = answer
        self.instructions = ""
        self.data = ""

    def ask(self, instructions, data, shape, seconds, contact_id=None):
        self.instructions, self.data = instructions, data
        if shape is not Reply:
            raise ModelError("refusal")
        said = json.loads(data.splitlines()[-2])["text"] if self._answer is None else self._answer
        return Reply(answer=said, confidence=1.0, used_sources=[])


def data_lines(name, text):
    """The lines between the only two tags of that name."""
    assert text.count(f"<{name}>") == text.count(f"</{name}>") == 1
    return text.split(f"<{name}>\n")[1].split(f"</{name}>")[0].split("\n")[:-1]


def test_there_are_enough_attacks_of_each_kind_in_enough_languages():
    counted = Counter(attack.kind for attack in ATTACKS)

    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert len({attack.language for attack in ATTACKS}) >= 10
    assert all(counted[kind] >= least for kind, least in ENOUGH.items())
    assert all(len(attack.turns) % 2 for attack in ATTACKS)


@of(Kind.STOP_THE_HUMAN)
def test_nobody_is_talked_out_of_a_human(detector, attack):
    if attack.name in MISSED:
        pytest.xfail("the shipped model does not hear it yet")
    assert judge(detector, talk(*attack.turns)).escalate


@every_attack
def test_the_local_answer_is_a_passage_or_a_fixed_phrase(
    assistant, knowledge, sayings, headings, attack
):
    answer = ask(assistant, talk(*attack.turns), attack.language)

    if answer.sources:
        # A quotation, below its heading where the question does not say it.
        found = [hit.passage for hit in knowledge.search(attack.turns[-1], 50)]
        held = [" ".join(text.split()) for one in found for text in (one.text, one.heading)]
        lines = [" ".join(line.split()) for line in answer.text.splitlines() if line.strip()]
        assert [line for line in lines if not any(line in text for text in held)] == []
    elif answer.choices:
        assert set(answer.choices) <= headings
    else:
        assert answer.text in sayings


@every_attack
def test_no_local_answer_holds_an_address_that_no_article_holds(assistant, articles, attack):
    text = ask(assistant, talk(*attack.turns), attack.language).text

    assert [one for one in clickable(text) if one not in articles.casefold()] == []


@of(Kind.FAKE)
def test_no_local_answer_makes_a_promise(assistant, attack):
    text = ask(assistant, talk(*attack.turns), attack.language).text.casefold()

    assert [words for words in PROMISES if words.casefold() in text] == []


@of(Kind.FAKE)
def test_the_words_that_the_customer_dictates_are_recognised(attack):
    """Or the test above would pass whatever is answered."""
    dictated = attack.turns[-1].casefold()

    assert any(words.casefold() in dictated for words in PROMISES)


@every_attack
def test_the_transcript_cannot_be_left(attack):
    turns = talk(*attack.turns)
    lines = data_lines("transcript", prompts.transcript(turns))

    assert [json.loads(line) for line in lines] == [
        {"role": turn.role, "text": prompts.shortened(turn.text)} for turn in turns
    ]


@every_attack
def test_passages_and_transcript_stay_apart(attack):
    found = prompts.enclosed("passages", [{"text": words} for words in attack.turns])
    whole = f"{found}\n{prompts.transcript(talk(*attack.turns))}"
    lines = data_lines("passages", whole)

    assert [json.loads(line)["text"] for line in lines] == list(attack.turns)
    assert len(data_lines("transcript", whole)) == len(attack.turns)


@every_attack
def test_the_writers_instructions_never_hold_the_customers_words(knowledge, assistant, attack):
    model = Parrot("I am not sure.")
    ask(OpenAIAssistant(model, knowledge, assistant), talk(*attack.turns), attack.language)

    assert model.instructions == prompts.ANSWER.format(language=attack.language)
    assert len(data_lines("transcript", model.data)) == len(attack.turns)
    assert all(json.loads(line)["text"] for line in data_lines("passages", model.data))


@every_attack
def test_the_judges_instructions_never_hold_the_customers_words(detector, attack):
    model = Parrot()
    judge(OpenAIDetector(model, detector), talk(*attack.turns))

    assert model.instructions in {"", prompts.JUDGE}  # "" when the local detector was certain
    if model.data:
        assert len(data_lines("transcript", model.data)) == len(attack.turns)


@pytest.mark.parametrize("address", HOSTILE_ADDRESSES.values(), ids=HOSTILE_ADDRESSES)
def test_what_counts_as_clickable_is_recognised(address):
    """Or the tests below would pass whatever is left of it."""
    assert clickable(address)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
@pytest.mark.parametrize("address", HOSTILE_ADDRESSES.values(), ids=HOSTILE_ADDRESSES)
def test_no_form_of_a_foreign_address_survives(address, template):
    said = template.replace("{}", address)

    assert clickable(without_foreign_addresses(said, "Nothing but words.")) == []


@pytest.mark.parametrize("address", HOSTILE_ADDRESSES.values(), ids=HOSTILE_ADDRESSES)
def test_what_is_left_holds_no_address_either(address):
    once = without_foreign_addresses(f"a {address} b{address}c", "")

    assert without_foreign_addresses(once, "") == once


@of(Kind.LINK)
def test_a_model_that_repeats_the_customer_repeats_no_address(knowledge, assistant, attack):
    parrot = OpenAIAssistant(Parrot(), knowledge, assistant)
    answer = ask(parrot, talk(*attack.turns), attack.language)

    assert clickable(answer.text) == []


@pytest.mark.parametrize("said", HARMLESS)
def test_words_with_dots_and_numbers_stay_as_they_are(said):
    assert without_foreign_addresses(said, "Nothing but words.") == said


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("See https://shop.example/a.", "See https://shop.example/a."),
        ("See **https://shop.example/a**", "See **https://shop.example/a**"),
        ("See shop.example/a, please", "See shop.example/a, please"),
        ("请看https://shop.example/a。谢谢", "请看https://shop.example/a。谢谢"),
        ("Mail help@shop.example!", "Mail help@shop.example!"),
        ("Call +32 9 123 45 67.", "Call +32 9 123 45 67."),
        ("Call +32-9-1234567", "Call +32-9-1234567"),
        ("https://shop.example/a@evil.example", ""),
        ("https://shop.example/a/../b", ""),
        ("https://shop.example.evil.example/a", ""),
    ],
)
def test_an_address_of_the_passages_stays_and_one_that_resembles_it_goes(said, kept):
    known = "https://shop.example/a or help@shop.example or +32 (9) 123 45 67"

    assert without_foreign_addresses(said, known) == kept


def test_a_full_stop_without_a_space_gets_one():
    assert (
        without_foreign_addresses("Choose Return.Then print.", "") == "Choose Return. Then print."
    )


@pytest.mark.parametrize(
    "piece",
    ["a", "a.", "ab.", "a-.", "a@", "1.", "1 ", "+1 ", "(0", "www.", "x://", "\u200b", "é。"],
)
def test_hostile_lengths_end(piece):
    without_foreign_addresses(piece * (100_000 // len(piece)), "")


ANNOUNCED = {
    "en": "Sure! An agent has been notified and will call you today.",
    "es": "Claro, le paso con un agente ahora mismo.",
    "de": "Gern, ich verbinde Sie jetzt mit einem Mitarbeiter.",
    "fr": "D'accord, je vous transfère à un conseiller.",
    "it": "Certo, la metto in contatto con un collega.",
    "pt": "Claro, vou transferir você para um atendente.",
}


@pytest.mark.parametrize("words", ANNOUNCED.values(), ids=ANNOUNCED)
def test_an_announced_person_is_noticed(detector, words):
    assert detector.announces(words)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.md")), ids=lambda path: path.stem)
def test_what_the_knowledge_base_says_is_no_announcement(detector, path):
    said = [passage.text for passage in passages(path.read_text("utf-8"), "")]

    assert [words for words in said if detector.announces(words)] == []


def test_what_the_assistant_says_by_itself_is_no_announcement(detector, sayings):
    assert [words for words in sorted(sayings) if detector.announces(words)] == []


@of(Kind.STOP_THE_HUMAN)
def test_a_model_that_was_talked_over_loses_no_request_that_we_heard(detector, attack):
    local = judge(detector, talk(*attack.turns))
    judged = judge(OpenAIDetector(Calm(), detector), talk(*attack.turns))

    assert local.reason is not Signal.REQUEST or judged.reason is Signal.REQUEST


class Calm:
    """A language model that an attacker has talked into seeing nothing."""

    def ask(self, instructions, data, shape, seconds, contact_id=None):
        return shape(
            evidence="",
            signals={"request": 0, "sentiment": 0, "complexity": 0, "confidence": 0},
            reason="none",
            escalate=False,
            priority="low",
            confidence=1.0,
            summary="solved",
        )
