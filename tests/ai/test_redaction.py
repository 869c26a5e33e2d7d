"""What is masked before text leaves, what is not, and the way back."""

from __future__ import annotations

import re

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
    given = redactor.mask(text)

    assert untagged(given) == masked
    assert redactor.restore(given) == text


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


def test_nobody_outside_can_write_a_mark_that_brings_something_back():
    redactor, other = Redactor(), Redactor()
    redactor.mask("4111 1111 1111 1111")
    forged = ["[CARD_1]", other.mask("5500 0055 5555 5559"), "[CARD_1_000000]"]

    assert [redactor.restore(one) for one in forged] == forged


def untagged(masked):
    return re.sub(r"_[0-9a-f]{6}\]", "]", masked)


def grouped(digits, sizes, mark):
    parts, place = [], 0
    for size in sizes:
        parts.append(digits[place : place + size])
        place += size
    return mark.join([*parts, digits[place:]] if place < len(digits) else parts)


@st.composite
def cards(draw):
    body = draw(st.from_regex(r"[3-6][0-9]{14}", fullmatch=True))
    total = sum(
        (2 * int(d) - 9 * (2 * int(d) > 9)) if place % 2 == 0 else int(d)
        for place, d in enumerate(body)
    )
    digits = body + str(-total % 10)
    written = grouped(digits, (4, 4, 4), draw(st.sampled_from(["", " ", "-", "."])))
    script = draw(
        st.sampled_from([0x30, 0x660, 0x966, 0xFF10]),  # the zeros of four scripts
    )
    return written.translate({ord(str(n)): script + n for n in range(10)})


@st.composite
def ibans(draw):
    country = draw(st.sampled_from(["DE", "GB", "FR", "NL", "PL", "TR", "SA"]))
    account = draw(st.from_regex(r"[0-9A-Z]{4}[0-9]{12,16}", fullmatch=True))
    turned = "".join(str(int(sign, 36)) for sign in f"{account}{country}00")
    iban = f"{country}{98 - int(turned) % 97:02d}{account}"
    written = grouped(iban, (4,) * (len(iban) // 4), draw(st.sampled_from(["", " ", "-"])))
    return draw(st.sampled_from([written, written.lower()]))


EMAILS = st.from_regex(
    r"[a-z0-9._+-]{1,20}[a-z0-9]@([a-zäß0-9]{1,12}\.){1,3}[a-z]{2,6}", fullmatch=True
)


@given(
    before=st.sampled_from(["", "my number: ", "это "]), secret=st.one_of(cards(), ibans(), EMAILS)
)
def test_no_card_iban_or_address_leaves(before, secret):
    redactor = Redactor()
    masked = redactor.mask(f"{before}{secret} ok")

    assert secret not in masked
    assert redactor.restore(masked) == f"{before}{secret} ok"


PHONES = [
    "+1 415 555 0123", "+44 7911 123456", "+49 151 23456789", "+33 6 12 34 56 78", "+34 612 34 56 78",
    "+39 312 345 6789", "+55 11 91234-5678", "+52 55 1234 5678", "+90 532 123 45 67", "+48 512 345 678",
    "+31 6 12345678", "+91 98765 43210", "+62 812-3456-7890", "+81 90-1234-5678", "+86 138 0013 8000",
    "+82 10-1234-5678", "+971 50 123 4567", "+7 912 345-67-89", "06 12 34 56 78", "0151/23456789",
]  # fmt: skip


@pytest.mark.parametrize("phone", PHONES)
def test_phone_numbers_of_many_countries_are_masked(phone):
    assert untagged(Redactor().mask(f"call {phone} please")) == "call [PHONE_1] please"


@given(st.text(alphabet=st.characters(exclude_characters="[]"), max_size=200))
def test_any_text_comes_back(text):
    redactor = Redactor()

    assert redactor.restore(redactor.mask(text)) == text


def test_hostile_lengths_are_no_problem():
    for text in ("1" * 50_000, "1 " * 50_000, "a@" * 50_000, "DE89" * 20_000, "a." * 50_000):
        Redactor().mask(text)
