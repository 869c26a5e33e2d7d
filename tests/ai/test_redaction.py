"""What is masked before text leaves, what is not, and the way back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_bot.ai.redaction import Redactor

MASKED = {
    "card": ("my card is 4111 1111 1111 1111 ok", "my card is [CARD_1] ok"),
    "card with dashes": ("4111-1111-1111-1111", "[CARD_1]"),
    "card at the end": ("pay with 5500005555555559.", "pay with [CARD_1]."),
    "IBAN": ("IBAN DE89 3704 0044 0532 0130 00 please", "IBAN [IBAN_1] please"),
    "compact IBAN": ("GB29NWBK60161331926819", "[IBAN_1]"),
    "e-mail": ("write to ana.b+x@mail.example.org!", "write to [EMAIL_1]!"),
    "phone": ("call +44 20 7946 0958 now", "call [PHONE_1] now"),
    "national phone": ("(415) 555-0123", "[PHONE_1]"),
    "plain phone": ("4155550123", "[PHONE_1]"),
    "two of a kind": ("a@b.io and c@d.io", "[EMAIL_1] and [EMAIL_2]"),
    "the same twice": ("a@b.io, a@b.io", "[EMAIL_1], [EMAIL_1]"),
}
KEPT = {
    "order number": "order 48213977",
    "price": "it cost 1.299,90 EUR",
    "size": "EU 42, 180 cm",
    "date": "on 2026-11-23, or 23.11.2026 or 11/23/2026",
    "time": "from 9:00 to 18:00",
    "words": "nothing to hide here",
    "at sign alone": "@ home",
}


@pytest.mark.parametrize(("text", "masked"), MASKED.values(), ids=MASKED)
def test_personal_numbers_and_addresses_are_masked_and_come_back(text, masked):
    redactor = Redactor()

    assert redactor.mask(text) == masked
    assert redactor.restore(masked) == text


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_ordinary_text_stays(text):
    assert Redactor().mask(text) == text


def test_a_number_that_fails_the_card_check_is_not_called_a_card():
    assert "CARD" not in Redactor().mask("4111 1111 1111 1112")


def test_it_never_shows_what_it_holds():
    redactor = Redactor()
    redactor.mask("ana@example.org")

    assert repr(redactor) == "Redactor(1 masked)"


def test_marks_that_it_did_not_make_stay():
    assert Redactor().restore("[CARD_7] and [EMAIL_1]") == "[CARD_7] and [EMAIL_1]"


@given(st.text(alphabet=st.characters(exclude_characters="[]"), max_size=200))
def test_any_text_comes_back(text):
    redactor = Redactor()

    assert redactor.restore(redactor.mask(text)) == text


def test_hostile_lengths_are_no_problem():
    for text in ("1" * 50_000, "1 " * 50_000, "a@" * 50_000, "DE89" * 20_000, "a." * 50_000):
        Redactor().mask(text)
