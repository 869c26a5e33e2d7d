"""Addresses that a language model was talked into never reach a customer; ordinary words do."""

from __future__ import annotations

import re

import pytest

from handoff_bot.ai.assistant.addresses import without_foreign_addresses

PASSAGES = "Track it at https://shop.example/track?id=1. Write to help@shop.example or call +44 20 7946 0958."
FOREIGN = [
    "https://evil.example/x",
    "HTTP://EVIL.EXAMPLE",
    "www.evil.example",
    "evil.com",
    "evil.co.uk/path?x=1",
    "evil.example:8080",
    "mailto:a@evil.example",
    "a.b+c@evil.example",
    "javascript:alert(1)",
    "data:text/html,hi",
    "tel:+15550001",
    "whatsapp:+15550001",
    "ftp://evil.example",
    "intent://x#Intent;end",
    "xn--e1afmkfd.xn--p1ai",
    "evil。com",
    "evil．com/pay",  # noqa: RUF001 - a full-width dot
    "https://shop.example.evil.com/track",
    "https://shop.example@evil.com",
    "bit.ly/3xY",
    "+1 900 555 0100",
]
KEPT = [
    "e.g. two of them, i.e. a pair",
    "3.5 kg for 12.50 EUR on 24.12.2026 at 9.30",
    "written in Node.js and read_me.txt files",
    "made in the U.S.A. by J.R.R. Tolkien",
    "see manual.pdf, page 3",
    "No. That is all.",
    "It arrived.Please wait",
    "你好。我们在这里。",
    "v2.1.0, 192 m2",
    "Mr. Smith vs. Dr. No",
]


@pytest.mark.parametrize("address", FOREIGN)
@pytest.mark.parametrize(
    "around",
    ["{}", "Pay at {} now.", "[here]({})", "<{}>", "<{}|our shop>", '"{}"', "*{}*"],
)
def test_a_foreign_address_is_taken_out(address, around):
    left = without_foreign_addresses(around.format(address), PASSAGES)

    assert address not in left
    assert not re.search(r"(?i)evil\S*\.\w|://|@\w|bit\.ly|900", left)


@pytest.mark.parametrize("words", KEPT)
def test_ordinary_words_stay(words):
    assert without_foreign_addresses(words, PASSAGES) == words


@pytest.mark.parametrize(
    "words",
    [
        "Track it at https://shop.example/track?id=1.",
        "Write to Help@shop.example!",
        "Call +44 20 7946 0958",
        "Call +44 (20) 7946-0958",
    ],
)
def test_what_the_knowledge_base_holds_stays(words):
    assert without_foreign_addresses(words, PASSAGES) == words


def test_hostile_lengths_are_no_problem():
    for words in ("a." * 50_000, "a-" * 50_000, "+1 " * 50_000, "x@" * 50_000, "http:" * 20_000):
        without_foreign_addresses(words, PASSAGES)
