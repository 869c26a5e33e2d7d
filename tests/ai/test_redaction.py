# ruff: noqa: RUF001 (digits and letters that look like others are what this is about)
"""What is masked before text leaves, what is not, and the way back."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_bot.ai import personal_data
from handoff_bot.ai.personal_data import Redactor, plain

codes, parser = import_module("re._constants"), import_module("re._parser")

MASKED = {
    "card": ("my card is 4111 1111 1111 1111 ok", "my card is [CARD_1] ok"),
    "card with dashes": ("4111-1111-1111-1111", "[CARD_1]"),
    "card with dots": ("4111.1111.1111.1111", "[CARD_1]"),
    "card at the end": ("pay with 5500005555555559.", "pay with [CARD_1]."),
    "card of 15": ("3782 822463-10005", "[CARD_1]"),
    "card over two lines": ("4111 1111\n1111 1111", "[CARD_1]"),
    "card with its date": ("4111 1111 1111 1111 12/27 123", "[CARD_1] [PHONE_2]"),
    "card after a number": ("2 times 3 4111 1111 1111 1111", "2 times 3 [CARD_1]"),
    "card in letters": ("card4111111111111111x", "card[CARD_1]x"),
    "card as a phone": ("+4111111111111111", "+[CARD_1]"),
    "full-width card": ("４１１１－１１１１－１１１１－１１１１", "[CARD_1]"),
    "Arabic-Indic card": ("٤١١١ ١١١١ ١١١١ ١١١١", "[CARD_1]"),
    "Devanagari card": ("४१११ ११११ ११११ ११११", "[CARD_1]"),
    "card with what nobody sees": ("4111\u200b1111\u00ad1111\u20601111", "[CARD_1]"),
    "card with odd spaces": ("4111\u00a01111\u20091111\u30001111", "[CARD_1]"),
    "IBAN": ("IBAN DE89 3704 0044 0532 0130 00 please", "IBAN [IBAN_1] please"),
    "compact IBAN": ("GB29NWBK60161331926819", "[IBAN_1]"),
    "IBAN in lower case": ("de89 3704 0044 0532 0130 00 please", "[IBAN_1] please"),
    "IBAN with dashes": ("FR14-2004-1010-0505-0001-3M02-606.", "[IBAN_1]."),
    "IBAN glued to its name": ("ibanNL91ABNA0417164300", "iban[IBAN_1]"),
    "full-width IBAN": ("ＤＥ８９３７０４００４４０５３２０１３０００", "[IBAN_1]"),
    "e-mail": ("write to ana.b+x@mail.example.org!", "write to [EMAIL_1]!"),
    "e-mail in a link": ("mailto:ana@example.org?subject=x", "mailto:[EMAIL_1]?subject=x"),
    "e-mail with its sign written out": ("?to ana%40example.org", "?to [EMAIL_1]"),
    "quoted e-mail": ('"ana b"+shop@example.org, "a@b"@example.org', "[EMAIL_1], [EMAIL_2]"),
    "Chinese e-mail": ("伊昭傑@郵件.商務", "[EMAIL_1]"),
    "Hindi e-mail": ("उदाहरण@उदाहरण.परीक्षा", "[EMAIL_1]"),
    "full-width e-mail": ("ana＠example．com", "[EMAIL_1]"),
    "plain phone": ("4155550123", "[PHONE_1]"),
    "national phone": ("(415) 555-0123", "[PHONE_1]"),
    "two phones": ("415-555-0123 415-555-0199", "[PHONE_1]-[PHONE_2]"),
    "phone after an order": ("order 48213977 415-555-0123", "order 48213977 [PHONE_1]"),
    "phone after words": ("in any case 0301234567", "in any case [PHONE_1]"),
    "phone after its label": ("TEL-4155550123", "TEL-[PHONE_1]"),
    "Arabic-Indic phone": ("+٩٦٦ ٥٥ ١٢٣ ٤٥٦٧", "[PHONE_1]"),
    "two of a kind": ("a@b.io and c@d.io", "[EMAIL_1] and [EMAIL_2]"),
    "the same twice": ("a@b.io, a@b.io", "[EMAIL_1], [EMAIL_1]"),
}
PHONES = {
    "AU": "+61 2 9876 5432",
    "BR": "+55 (11) 91234-5678",
    "CN": "+86 131 2345 6789",
    "DE": "+49 (0)30 1234567",
    "DE, dialled": "0049 30/1234567",
    "DK": "+45 12 34 56 78",
    "EG": "+20 100 123 4567",
    "ES": "612 345 678",
    "FR": "06.12.34.56.78",
    "GB": "+44 20 7946 0958",
    "GB, in brackets": "(+44) 20 7946 0958",
    "HK": "+852 9123 4567",
    "IN": "+91 98765-43210",
    "IT": "+39 06 1234 5678",
    "JP": "090-1234-5678",
    "KE": "+254 712 345678",
    "KR": "+82-10-1234-5678",
    "MX": "+52 55 1234 5678",
    "NG": "0803 123 4567",
    "NL": "+31 6 12345678",
    "PL": "+48 512 345 678",
    "RU": "8 (912) 345-67-89",
    "SG": "+6591234567",
    "TR": "0532 123 45 67",
    "UA": "+380 50 123 4567",
    "US": "1-415-555-0123",
    "ZA": "+27 82 123 4567",
}
KEPT = {
    "order number": "order 48213977",
    "longer order number": "Order no. is 1048213977",
    "order with a sign": "#1048213977",
    "order in German": "Bestellung Nr. 1048213977",
    "code": "INV-2026-00123 and AB123456789",
    "tracking numbers": "1Z999AA10123456784, RB123456785GB, 9400110000000000000001",
    "price": "it cost 1.299,90 EUR",
    "prices": "12.500.000 VND or € 1.299.900,00 or $1500000 or 3@9.99",
    "size": "EU 42, 180 cm",
    "date": "on 2026-11-23, or 23.11.2026 or 11/23/2026",
    "dates": "2026-11-23 - 2026-11-24, 23.11.-25.11.2026, 2019-2026",
    "time": "from 9:00 to 18:00, 10.30-18.45, 2026-11-23 10:30:45",
    "words": "nothing to hide here",
    "at sign alone": "@ home, x@y",
}


def short(text):
    """Without the word of the call, which is another one each time."""
    return re.sub(r"_[0-9a-f]{8}\]", "]", text)


@pytest.mark.parametrize(("text", "masked"), MASKED.values(), ids=MASKED)
def test_personal_numbers_and_addresses_are_masked_and_come_back(text, masked):
    redactor = Redactor()
    sent = redactor.mask(text)

    assert short(sent) == masked
    assert redactor.restore(sent) == text


@pytest.mark.parametrize("phone", PHONES.values(), ids=PHONES)
def test_phone_numbers_of_many_countries_are_masked(phone):
    assert short(Redactor().mask(f"please ring {phone}, thanks")) == "please ring [PHONE_1], thanks"


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
    redactor, other = Redactor(), Redactor()
    redactor.mask("ana@example.org")
    foreign = other.mask("ben@example.org")

    assert redactor.restore(f"[EMAIL_1] and {foreign}") == f"[EMAIL_1] and {foreign}"


def test_a_customer_cannot_write_a_mark():
    redactor = Redactor()
    sent = redactor.mask("4111 1111 1111 1111 is [CARD_1], or [CARD_1_00000000]")

    assert redactor.restore(sent).endswith("is [CARD_1], or [CARD_1_00000000]")
    assert redactor.restore("[CARD_1]") == "[CARD_1]"


# -- whatever they write

PLAIN_WORDS = st.text(alphabet="abcdefghijklm é日\n,!?:", max_size=30).map(
    lambda words: f" {words}, "
)
DIGITS = st.sampled_from(["0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९"])


@st.composite
def cards(draw):
    """A number that passes Luhn's check, grouped and written in one of many ways."""
    body = draw(st.lists(st.integers(0, 9), min_size=12, max_size=18))
    doubled = [n if place % 2 else sum(divmod(2 * n, 10)) for place, n in enumerate(body[::-1])]
    number = "".join(map(str, [*body, -sum(doubled) % 10]))
    gap = draw(st.sampled_from(["", " ", "-", ".", "\u00a0", "\u2013", " - "]))
    grouped = gap.join(number[at : at + 4] for at in range(0, len(number), 4))
    return grouped.translate(str.maketrans("0123456789", draw(DIGITS)))


@st.composite
def ibans(draw):
    """A country, a body of digits and letters, and the two digits that make the check come out."""
    country = draw(st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=2))
    body = draw(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=11, max_size=30))
    value = int("".join(str(int(character, 36)) for character in f"{body}{country}00"))
    compact = f"{country}{98 - value % 97:02}{body}"
    gap = draw(st.sampled_from(["", " ", "-"]))
    written = gap.join(compact[at : at + 4] for at in range(0, len(compact), 4))
    return draw(st.sampled_from([written, written.lower()]))


@given(st.text(max_size=200))
def test_any_text_comes_back(text):
    redactor = Redactor()

    assert redactor.restore(redactor.mask(text)) == text


@given(
    st.lists(st.one_of(cards(), ibans(), st.emails(), PLAIN_WORDS, st.text(max_size=9))).map(
        "".join
    )
)
def test_any_mixture_comes_back(text):
    redactor = Redactor()

    assert redactor.restore(redactor.mask(text)) == text


@given(PLAIN_WORDS, st.one_of(cards(), ibans(), st.emails()), PLAIN_WORDS)
def test_no_card_iban_or_address_is_left(before, secret, after):
    assert secret not in Redactor().mask(f"{before}{secret}{after}")


@given(st.lists(st.one_of(cards(), ibans(), st.emails()), min_size=1), PLAIN_WORDS)
def test_equal_values_have_equal_marks_in_every_turn(secrets, words):
    redactor = Redactor()
    first = [redactor.mask(f"{words}{secret}") for secret in secrets]

    assert [redactor.mask(f"{words}{secret}") for secret in secrets] == first


@given(st.text())
def test_plain_text_is_as_long_as_the_text(text):
    assert len(plain(text)) == len(text)


# -- on hostile text

HOSTILE = {
    "ones": "1" * 100_000,
    "ones apart": "1 " * 50_000,
    "full-width ones apart": "１ " * 50_000,
    "plus ones": "+1" * 50_000,
    "beginnings of dates": "2026-11-" * 12_500,
    "at signs": "a@" * 50_000,
    "letters and dots": "a." * 50_000,
    "one word": "a" * 100_000,
    "quotes": '"' * 100_000,
    "open quotes": '"a' * 50_000,
    "beginnings of addresses": "a@b." * 25_000,
    "beginnings of IBANs": "DE89" * 25_000,
    "IBANs that do not come out": "DE89 3704 0044 0532 0130 01 " * 3_600,
    "invisible": "\u200b" * 100_000,
    "brackets": "(" * 100_000,
    "labels": "order number " * 7_700,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_comes_back(text):
    redactor = Redactor()

    assert redactor.restore(redactor.mask(text)) == text


PATTERNS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": value
    for module in (personal_data, personal_data, personal_data)
    for name, value in vars(module).items()
    if isinstance(value, re.Pattern)
}
BOUND = 10  # of what may be repeated while it is itself inside a repetition


def repetitions(parsed, depth=0):
    """How deeply what has no small bound is repeated in a pattern: 2 is what takes exponential time."""
    deepest = depth
    for operation, argument in parsed:
        if operation in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            _, most, inside = argument
            deepest = max(deepest, repetitions(inside, depth + (most > BOUND)))
            continue
        parts = argument if isinstance(argument, tuple | list) else [argument]
        for part in parts:
            inner = part if isinstance(part, list) else [part]
            for one in inner:
                if isinstance(one, parser.SubPattern):
                    deepest = max(deepest, repetitions(one, depth))
    return deepest


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_no_pattern_repeats_what_repeats(pattern):
    assert repetitions(parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)) <= 1


def test_a_nested_repetition_would_be_seen():
    assert repetitions(parser.parse(r"(?:x|(?:ab+)*)y")) == 2


class Counted(str):
    """A text that counts how much of it is copied out."""

    copied = 0

    def __getitem__(self, place):
        found = super().__getitem__(place)
        Counted.copied += len(found)
        return found


@pytest.mark.parametrize("unit", ["DE89", "1 ", "a@", '"a@', "+1", "DE89 3704 0044 0532 ", "12-"])
def test_twice_the_text_is_at_most_twice_the_work(unit, monkeypatch):
    def work(times):
        Counted.copied = 0
        monkeypatch.setattr(personal_data, "plain", Counted)
        personal_data.personal_data(unit * times)
        return Counted.copied

    work(10)
    assert work(2_000) <= 2.2 * work(1_000) + 1_000
