"""The assistants: right passages, honest doubts, no foreign links, nothing that a question can break."""

# ruff: noqa: RUF001

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from handoff_bot.ai.assistant import articles, folder
from handoff_bot.ai.assistant import knowledge as knowledge_module
from handoff_bot.ai.assistant.articles import passages
from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.domain.signals import Turn
from tests.ai.questions import ANSWERABLE, UNANSWERABLE
from tests.ai.talk import ask, judge, talk
from tests.catalogues import GREETING, UNSURE, WELCOME

HOSTILE = {
    "operators": 'order AND OR NOT NEAR("x" "y", 5)',
    "quotes": 'order "" \' "" -- ; DROP TABLE passage',
    "columns": "title: order body:* {a b}:",
    "signs": "^order* +refund -return (",
    "null bytes": "order\x00refund",
    "surrogates": "order \ud800",
    "long": "refund " * 20_000,
    "one long word": "r" * 100_000,
    "no words": "?!… 👍",
}


@pytest.fixture
def assistant(knowledge):
    return LocalAssistant(knowledge)


def answered(assistant, question, language="en"):
    return ask(assistant, talk(question), language)


def test_most_questions_get_the_right_passage(assistant):
    right = [words in answered(assistant, *asked).text for *asked, words in ANSWERABLE]

    assert sum(right) / len(right) >= 0.8


def test_what_the_knowledge_base_does_not_hold_is_rarely_answered(assistant):
    sourced = [answered(assistant, *asked).sources for asked in UNANSWERABLE]

    assert sum(map(bool, sourced)) / len(sourced) <= 0.15


def test_confidence_means_how_often_an_answer_is_right(assistant):
    pairs = [
        (answered(assistant, *asked).confidence, words in answered(assistant, *asked).text)
        for *asked, words in [*ANSWERABLE, *((*asked, "\0") for asked in UNANSWERABLE)]
    ]
    sure = [right for confidence, right in pairs if confidence >= 0.8]
    unsure = [right for confidence, right in pairs if confidence < 0.4]

    assert sum(sure) / len(sure) >= 0.8
    assert sum(unsure) / len(unsure) <= 0.2


def test_an_answer_names_its_source(assistant):
    answer = answered(assistant, "I forgot my password")

    assert answer.sources == ("Your account",)
    assert answer.text.startswith("Choose Forgot password on the login page.")
    assert answer.by == "local"


@pytest.mark.parametrize("language", UNSURE)
def test_doubt_and_the_offer_of_a_person_are_in_the_customers_language(
    assistant, detector, language
):
    answer = answered(assistant, "xyzzy plugh", language)

    assert answer.text == UNSURE[language]
    assert answer.confidence < 0.5
    assert answer.sources == ()


@pytest.mark.parametrize("language", UNSURE)
def test_the_detector_understands_what_the_assistant_offers(assistant, detector, language):
    offered = answered(assistant, "xyzzy plugh", language).text
    accepted = {
        "en": "yes please",
        "es": "sí",
        "pt": "sim",
        "fr": "oui",
        "de": "ja bitte",
        "it": "sì",
    }
    accepted |= {
        "nl": "ja graag",
        "pl": "tak",
        "tr": "evet",
        "sv": "ja tack",
        "ru": "да",
        "uk": "так",
    }
    accepted |= {"el": "ναι", "he": "כן", "ar": "نعم", "hi": "हाँ", "id": "ya", "vi": "vâng"}
    accepted |= {"th": "ใช่", "ja": "はい", "ko": "네", "zh": "是的"}

    assert judge(detector, talk("xyzzy plugh", offered, accepted[language])).escalate


@pytest.mark.parametrize(
    ("said", "language", "answer"),
    [
        ("hi", "en", GREETING["en"]),
        ("Hola!", "es", GREETING["es"]),
        ("merci beaucoup", "fr", WELCOME["fr"]),
    ],
)
def test_small_talk_is_answered_without_the_knowledge_base(assistant, said, language, answer):
    assert answered(assistant, said, language).text == answer


@pytest.mark.parametrize(
    "turns", [[], [Turn("assistant", "Hi")], talk(" \n")], ids=["none", "assistant", "blank"]
)
def test_there_is_nothing_to_say_to_nothing(assistant, turns):
    assert ask(assistant, turns, "en") is None


def test_a_follow_up_is_understood_with_the_question_before(assistant):
    turns = talk("do you deliver to Norway?", "Yes.", "and to Switzerland?")

    assert "Switzerland" in ask(assistant, turns, "en").text


@pytest.mark.parametrize("question", HOSTILE.values(), ids=HOSTILE)
def test_no_question_breaks_the_search(assistant, question):
    assert answered(assistant, question).text


def test_scripts_without_spaces_are_found(tmp_path):
    (tmp_path / "zh.md").write_text(
        "---\ntitle: 退货\nlocale: zh\n---\n## 怎么退货\n您可以在三十天内退货。\n", "utf-8"
    )
    (tmp_path / "th.md").write_text("## การคืนสินค้า\nคืนสินค้าได้ภายใน 30 วัน\n", "utf-8")
    with Knowledge(tmp_path) as knowledge:
        assert knowledge.search("我想退货")[0].passage.title == "退货"
        assert knowledge.search("ขอคืนสินค้า")[0].passage.title == "th"


def test_a_changed_file_is_reread_at_most_once_a_second(tmp_path):
    now = [0.0]
    path = tmp_path / "a.md"
    path.write_text("# Hats\nWe sell red hats.", "utf-8")
    with Knowledge(tmp_path, clock=lambda: now[0]) as knowledge:
        assert "red" in knowledge.search("hats")[0].passage.text
        path.write_text("# Hats\nWe sell blue hats.", "utf-8")
        os.utime(path, (1, 1))
        now[0] = 0.9
        assert "red" in knowledge.search("hats")[0].passage.text
        now[0] = 1.1
        assert "blue" in knowledge.search("hats")[0].passage.text
        path.unlink()
        now[0] = 2.2
        assert knowledge.search("hats") == []


@pytest.fixture
def growing(tmp_path):
    """A knowledge base whose encoder waits for `gate` before it reads anything about boats.

    Attributes: knowledge; now; asked: the encoder's texts; gate; began: it is waiting.
    """
    made = SimpleNamespace(now=0.0, asked=[], gate=threading.Event(), began=threading.Event())

    def meaning(texts):
        made.asked.extend(texts)
        if any("boat" in text.lower() for text in texts):
            made.began.set()
            made.gate.wait(60)
        return np.ones((len(texts), 4), dtype=np.float32) / 2

    (tmp_path / "hats.md").write_text("# Hats\nWe sell red hats.", "utf-8")
    with Knowledge(tmp_path, clock=lambda: made.now, meaning=meaning) as made.knowledge:
        made.knowledge.all()
        yield made
        made.gate.set()


def test_searches_use_the_earlier_index_while_another_is_built(growing, tmp_path, monkeypatch):
    monkeypatch.setattr(knowledge_module, "_PATIENCE", 0.0)
    (tmp_path / "boats.md").write_text("# Boats\nWe rent boats.", "utf-8")
    growing.now = 1.1
    assert [one.title for one in growing.knowledge.all()] == ["Hats"]
    assert growing.began.wait(60)

    growing.now = 20.0  # a second build does not begin
    assert [hit.passage.title for hit in growing.knowledge.search("hats")] == ["Hats"]
    assert [one.title for one in growing.knowledge.all()] == ["Hats"]

    monkeypatch.setattr(knowledge_module, "_PATIENCE", 60.0)
    growing.gate.set()
    with growing.knowledge._building:  # until it is built
        assert {one.title for one in growing.knowledge.all()} == {"Hats", "Boats"}
    assert growing.asked.count("We rent boats.") == 1


def test_a_new_index_reads_and_encodes_only_what_has_changed(growing, tmp_path, monkeypatch):
    monkeypatch.setattr(knowledge_module, "_PATIENCE", 60.0)
    read = []
    monkeypatch.setattr(articles, "read", lambda path: read.append(path.name) or folder.read(path))
    growing.asked.clear()
    (tmp_path / "caps.md").write_text("# Caps\nWe sell blue caps.", "utf-8")
    growing.now = 1.1

    assert len(growing.knowledge.all()) == 2

    assert read == ["caps.md"]
    assert growing.asked
    assert not any("hats" in text.lower() for text in growing.asked)


def test_while_files_keep_changing_a_new_index_is_built_every_few_seconds(
    growing, tmp_path, monkeypatch
):
    monkeypatch.setattr(knowledge_module, "_PATIENCE", 60.0)
    made = Knowledge._made
    builds = []

    def slowly(knowledge, passages):
        builds.append(growing.now)
        growing.now += 1.0
        return made(knowledge, passages)

    monkeypatch.setattr(Knowledge, "_made", slowly)
    for number in range(10):
        growing.now = max(growing.now, 2.0 * (number + 1))
        (tmp_path / f"{number}.md").write_text(f"# Page {number}\nText.", "utf-8")
        growing.knowledge.all()

    assert builds == [2.0, 8.0, 14.0, 20.0]


def test_an_error_while_an_index_is_built_keeps_the_earlier_one(growing, tmp_path, monkeypatch):
    monkeypatch.setattr(knowledge_module, "_PATIENCE", 60.0)
    (tmp_path / "caps.md").write_text("# Caps\nWe sell blue caps.", "utf-8")
    growing.now = 1.1
    with monkeypatch.context() as broken:
        broken.setattr(Knowledge, "_made", lambda *_: 1 / 0)
        assert [one.title for one in growing.knowledge.all()] == ["Hats"]

    growing.now = 10.0
    assert len(growing.knowledge.all()) == 2


def test_a_missing_folder_holds_nothing(tmp_path):
    with Knowledge(tmp_path / "nowhere") as knowledge:
        assert knowledge.search("hats") == []


def test_many_threads_search_at_once(knowledge):
    alone = knowledge.search("how do I return something")
    barrier = threading.Barrier(8)

    def search(_):
        barrier.wait()
        return [knowledge.search("how do I return something") for _ in range(20)]

    with ThreadPoolExecutor(8) as pool:
        found = [one for many in pool.map(search, range(8)) for one in many]

    assert all(one == alone for one in found)


def test_front_matter_headings_and_links_are_read():
    (one, two) = passages(
        '---\ntitle: "Hats"\nlocale: en-GB\ntags: [cap, beret]\n---\nIntro.\n## **Red** ones\n'
        "See [the list](https://shop.example/hats).\n\n\n\n*Nice*.",
        "file",
    )

    assert (one.title, one.heading, one.text) == ("Hats", "", "Intro.")
    assert (two.locale, two.tags, two.heading) == ("en", ("cap", "beret"), "Red ones")
    assert two.text == "See the list (https://shop.example/hats).\n\nNice."


def test_an_article_without_front_matter_is_named_after_its_file():
    (one,) = passages("Just words.", "opening hours")

    assert (one.title, one.locale) == ("opening hours", "")


def test_unreadable_articles_are_left_out(tmp_path):
    (tmp_path / "broken.md").write_bytes(b"# Hats\n\xff\xfe hats")
    (tmp_path / "huge.md").write_text("# Caps\n" + "caps " * 300_000, "utf-8")
    with Knowledge(tmp_path) as knowledge:
        assert len(knowledge.search("hats")) == 1
        assert knowledge.search("caps") == []


def test_the_sample_articles_say_their_language_and_title():
    for path in (Path(__file__).parents[2] / "knowledge").glob("*.md"):
        found = list(passages(path.read_text("utf-8"), fallback_title=""))

        assert found, path.name
        assert all(one.title and one.locale in {"en", "es", "de"} and one.tags for one in found)
