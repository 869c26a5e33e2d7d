"""Phrases that always or never call for a person, and what VIPs get."""

from __future__ import annotations

import pytest

from handoff_bot.domain.detection import Rules, Sensitivity, as_address
from handoff_bot.domain.signals import Signal, Turn


@pytest.mark.parametrize(
    ("phrase", "words", "found"),
    [
        ("chargeback", "A CHARGEBACK, now", True),
        ("chargeback", "chargebacks", False),
        ("lost  card", "I lost\ncard", True),
        ("c++ (old)", "about c++ (old) things", True),
        ("退款", "我要退款。", True),
        ("", "anything", False),
        ("   ", "anything at all", False),
        ("Straße", "die straße hier", True),
    ],
)
def test_a_phrase_is_found_in_any_case_and_spacing_as_whole_words(phrase, words, found):
    assert bool(Rules(always=(phrase,)).phrase_in(words)) is found


def test_phrases_that_never_count_are_left_out_of_what_the_customer_said_alone():
    rules = Rules(never=("travel agent", "human hair"))
    turns = [
        Turn("customer", "my Travel Agent sells human hair"),
        Turn("assistant", "A travel agent?"),
    ]

    assert [turn.text.split() for turn in rules.without_phrases(turns)] == [
        ["my", "sells"],
        ["A", "travel", "agent?"],
    ]


def test_nobody_can_make_a_phrase_slow():
    assert not Rules(always=("a " * 200,)).phrase_in("a " * 20_000 + "b" * 20_000)[:0]


def test_what_is_off_stays_off_for_a_vip():
    rules = Rules(
        triggers=dict.fromkeys(Signal, Sensitivity.LOW) | {Signal.REQUEST: Sensitivity.OFF}
    )

    assert rules.for_vip().triggers == dict.fromkeys(Signal, Sensitivity.HIGH) | {
        Signal.REQUEST: Sensitivity.OFF
    }


def test_vips_are_known_in_any_case():
    assert Rules(vips=frozenset({"ana@example.org"})).is_vip("Ana@Example.org")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("+1 (555) 00-01", "+15550001"),
        ("0049 30 1234", "+49301234"),
        ("Ana@Example.com ", "ana@example.com"),
        ("visitor-17", "visitor-17"),
    ],
)
def test_addresses_are_compared_however_they_were_written(written, address):
    assert as_address(written) == address
