"""The glossary: English senses of a question's words, and answers from articles in another language."""

# ruff: noqa: RUF001

from __future__ import annotations

import pytest

from handoff_bot.ai.assistant.asked import Asked
from handoff_bot.ai.assistant.evidence import Query, Terms, holds, searchable
from handoff_bot.ai.assistant.glossary import GLOSSARY, in_english, terms
from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.assistant.phrases import OTHER_LANGUAGE
from handoff_bot.domain.texts import languages
from tests.ai.talk import ask, talk
from tests.catalogues import UNSURE, in_every_language

NOTES = in_every_language("assistant", OTHER_LANGUAGE)

ARTICLE = """---
title: Climbing hall
locale: en
---
# Climbing hall

## Gift cards
You can buy a gift card for any amount at the desk. It is valid for three years.

## Opening hours
We are open from Tuesday to Friday until 22:00, and on Saturday until 18:00. We are closed on Monday.

## Parking
There are 40 places to park behind the hall. Parking costs 2 euros.

## Lost things
We keep what you have lost for four weeks. Ask at the desk.
"""


@pytest.fixture
def hall(tmp_path, detector):
    tmp_path.joinpath("hall.md").write_text(ARTICLE, encoding="utf-8")
    with Knowledge(tmp_path, meaning=detector.encoder.vectors) as knowledge:
        yield LocalAssistant(knowledge)


@pytest.mark.parametrize(
    ("question", "language", "english"),
    [
        ("Wie lange dauert die Rückerstattung?", "de", "how long does it take refund"),
        ("¿Dónde encuentro mis facturas?", "es", "where find invoice"),
        ("Jag har glömt mitt lösenord", "sv", "forgot password"),
        ("मैं अपना खाता कैसे हटाऊँ?", "hi", "account how do i delete"),
        ("كم تكلفة التوصيل؟", "ar", "how much does it cost delivery"),
        ("איך מוחקים את החשבון?", "he", "how do i delete account"),
        ("日曜日は営業していますか？", "ja", "Sunday open"),
        ("怎么取消会员？", "zh", "how do i cancel subscription"),
        ("ลืมรหัสผ่าน", "th", "forgot password"),
        ("Доставляєте до Австрії?", "uk", "delivery Austria"),
    ],
)
def test_a_question_reads_in_english_as_far_as_the_glossary_knows_it(question, language, english):
    assert in_english(terms(question, language)) == english


def test_what_the_glossary_does_not_know_stays_a_word_of_the_question():
    asked = Asked.of("Verkaufen Sie Hörgeräte?", "de")

    assert "horgerate" in asked.words.values()
    assert asked.english == "sell horgerate"


def test_parts_of_a_compound_count_each():
    assert in_english(terms("Augenlaserbehandlung", "de")).split()[0] == "eye"
    assert "laser" in in_english(terms("Augenlaserbehandlung", "de"))


def test_a_vietnamese_word_differs_from_another_by_its_accents():
    assert [one.senses[:1] for one in terms("bán", "vi")] == [("sell",)]
    assert terms("bạn", "vi")[0].is_function


@pytest.mark.parametrize("language", ["en", "", "fi", "xx"])
def test_a_language_without_a_glossary_has_no_terms(language):
    assert terms("Miten voin maksaa?", language) == []


def test_each_line_of_the_glossary_holds_every_language_at_most_once():
    lines = [one for one in GLOSSARY.read_text("utf-8").splitlines() if not one.startswith("#")]
    for line in lines:
        codes = [part.split()[0] for part in line.split(" | ")[1:]]
        assert len(codes) == len(set(codes)), line
        assert set(codes) <= set(languages("assistant")) - {"en"}, line


@pytest.mark.parametrize(
    ("question", "language", "fact"),
    [
        ("Vad kostar parkeringen?", "sv", "2 euros"),
        ("क्या सोमवार को खुला है?", "hi", "closed on Monday"),
        ("Apakah bisa beli kartu hadiah?", "id", "gift card"),
        ("Скільки коштує паркування?", "uk", "2 euros"),
        ("Πόσο κοστίζει το πάρκινγκ;", "el", "2 euros"),
        ("כמה עולה החניה?", "he", "2 euros"),
        ("Giá đỗ xe bao nhiêu?", "vi", "2 euros"),
        ("土曜日は何時まで開いていますか？", "ja", "18:00"),
    ],
)
def test_english_articles_answer_questions_in_other_languages(hall, question, language, fact):
    text = ask(hall, talk(question), language).text

    assert fact in text
    assert text.startswith(NOTES[language].partition("{")[0])


@pytest.mark.parametrize(
    ("question", "language"),
    [("Vad kostar en sauna?", "sv"), ("क्या आप जूते बेचते हैं?", "hi"), ("泳ぎを習えますか？", "ja")],
)
def test_what_no_article_holds_is_not_answered_in_other_languages(hall, question, language):
    assert ask(hall, talk(question), language).text == UNSURE[language]


@pytest.mark.parametrize(
    "question",
    [
        "Wie lange gilt der Gutschein?",
        "土曜日は何時まで開いていますか？",
        "lost gift card, parking",
    ],
)
def test_a_search_looks_into_few_passages_however_many_there_are(tmp_path, monkeypatch, question):
    looked = {}
    held_in = Query.held_in
    for size in (20, 200):
        folder = tmp_path / str(size)
        folder.mkdir()
        parts = ARTICLE.partition("# Climbing hall")
        each = "\n\n".join(
            f"## Hall {n}\nWe are open on Saturday until 18:00." for n in range(size)
        )
        folder.joinpath("hall.md").write_text(f"{''.join(parts)}\n\n{each}", encoding="utf-8")
        seen = []
        monkeypatch.setattr(
            Query, "held_in", lambda *given, seen=seen: bool(seen.append(1)) or held_in(*given)
        )
        with Knowledge(folder) as knowledge:
            knowledge.search(question)
        looked[size] = len(seen)
    assert looked[200] <= 1.5 * looked[20]


def test_the_index_finds_what_a_look_into_each_text_finds():
    wholes = [
        searchable(one) for one in ("Gift cards, lost", "the cards gifted", "土曜日の営業", "")
    ]
    index = Terms.of(wholes)
    stems = ["gift", "card", "gift car", "cards gif", "the", "os", "土 曜", "営 業", "日 土", "x"]
    query = Query(
        {}, {}, None, None, None, "", {}, None, None, {one: [["the", "card"]] for one in stems}
    )
    for stem in stems:
        assert index.holding(stem).tolist() == [holds(one, stem) for one in wholes]
        held = [query.held_in(one, stem) for one in wholes]
        assert index.holding(stem, query.senses[stem]).tolist() == held
