"""Canned replies: names, searches, and which language of a reply is said."""

import pytest

from handoff_bot.domain.replies import (
    CannedReply,
    best,
    fitting,
    name_problem,
    text_problem,
    tidy_name,
)

REFUND = CannedReply("refund", "en", "We refund within 5 days.")
RUECK = CannedReply("refund", "de", "Wir erstatten innerhalb von 5 Tagen.")
POLICY = CannedReply("refund-policy", "", "See our refund policy, {customer}.")
HELLO = CannedReply("hello", "", "Hello {customer}, no refund today.")
ALL = [HELLO, POLICY, RUECK, REFUND]

NAMES = {
    "plain": ("refund", True),
    "hyphen": ("refund-policy2", True),
    "of another script": ("返金", True),
    "empty": ("", False),
    "two words": ("refund policy", False),
    "a mark": ("!reply", False),
    "too long": ("x" * 41, False),
}


@pytest.mark.parametrize(("name", "fits"), NAMES.values(), ids=NAMES)
def test_a_name_is_one_word(name, fits):
    assert (name_problem(name) == "") is fits


def test_a_name_is_kept_small_and_without_its_verb():
    assert tidy_name(" !reply Refund ") == "refund"


def test_unknown_placeholders_are_refused():
    assert text_problem("Hello {name}") == (
        "{name} cannot be used here. Available placeholders: {agent}, {customer}, {ticket}."
    )
    assert text_problem("Hello {customer}") == ""


def test_the_closest_come_first():
    found = fitting(ALL, "refund")
    assert [one.name for one in found] == ["refund", "refund", "refund-policy", "hello"]


def test_words_of_the_text_are_found_in_any_case_and_script():
    assert fitting([CannedReply("a", "de", "Über Größe")], "größe ÜBER") != []
    assert fitting(ALL, "nothing like it") == []


def test_a_language_shows_what_is_said_in_it():
    assert RUECK not in fitting(ALL, "", "en")
    assert POLICY in fitting(ALL, "", "en")


LANGUAGES = {
    "the customer's": ("de", RUECK),
    "english where theirs is missing": ("fr", REFUND),
    "unknown": ("", REFUND),
}


@pytest.mark.parametrize(("language", "said"), LANGUAGES.values(), ids=LANGUAGES)
def test_the_customers_language_is_said_where_there_is_one(language, said):
    assert best([RUECK, REFUND], language) == said


def test_the_one_for_any_language_comes_before_english():
    for_any = CannedReply("refund", "", "5 days / 5 Tage")
    assert best([RUECK, REFUND, for_any], "fr") == for_any
    assert best([], "fr") is None
