"""What an answer states in numbers, dates and addresses stands in its evidence, or it is not sent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_bot.ai.assistant.support import unsupported

KNOWN = """Returns within 30 days. Shipping to Germany costs 4.90 EUR, to France 7,50 €. Open 9:00-17:00,
Sat 9-12. Closed 24-26 December. The offer ends March 12, 2027. Orders above 1,500.00 EUR are free.
20% off with SAVE20. See https://shop.example/returns, mail help@shop.example, call +49 30 123456.
Size A4. Warranty: 24 months. Thirty-day trial. Deposit in EUR: 80."""
CUSTOMER = "where is my order 4711? is it 99 EUR? see https://evil.example, until 2031, code FREE50"

HELD = [
    "Within 30 days.",
    "4,90 €",
    "EUR 7.50",
    "from 9 am to 5 pm",
    "9 Uhr bis 17 Uhr",
    "on 24 December",
    "am 25. Dezember",
    "until 12 March 2027",
    "bis 12.03.2027",
    "from 1.500 €",
    "from 1 500,00 EUR",
    "20 percent off",
    "https://shop.example/returns",
    "help@shop.example",
    "+49 30 123456",
    "Your order 4711 is on its way.",
    "1. Open the page.\n2. Choose A4.",
    "save20",
    "80 €",
    "٣٠ يوم",
]
NOT_HELD = [
    "Within 60 days.",
    "4.90 USD",
    "$30",
    "8 €",
    "5 %",
    "until 6 pm",
    "on 27 December",
    "on 24 November",
    "12 April 2027",
    "12 March 2028",
    "https://evil.example",
    "x@evil.example",
    "+49 30 999999",
    "call 0900 123456",
    "code GIFT77",
    "ninety days",
    "It is 99 EUR.",
    "You pay 4711 EUR.",
    "valid until 2031",
    "15.000 €",
    "order 1234",
    "\uff12\uff10\uff12 days",
]


@pytest.mark.parametrize("said", HELD)
def test_the_same_fact_in_another_spelling_is_supported(said):
    assert unsupported(said, KNOWN, CUSTOMER) == []


@pytest.mark.parametrize("said", NOT_HELD)
def test_another_number_date_price_or_address_is_not_supported(said):
    assert unsupported(said, KNOWN, CUSTOMER)


@pytest.mark.parametrize(
    "said",
    [
        "12 KASIM 2027",
        "12 Kas\u0131m 2027",
        "N\u0130SAN 2027",
        "12 Apr\u0131l",
        "50 LE\u0130",
        "50 le\u0131",
        "D\u0130X",
    ],
)
def test_letters_that_differ_only_in_case_in_some_language_are_read(said):
    known = "Kasim 12, 2027, nisan 2027, 12 April, 50 lei, 10"
    assert unsupported(said, known) == []
    assert unsupported(said, "Nothing is known.")


ODD = st.sampled_from(
    [
        *"iI\u0130\u0131\u017fK\u212b\u00b5\u03bc\u03c2\u03c3\u1e9eß\ufb01\u0149\u01c5\u0307\u0345",
        *".,'- 1\u0663²½年月日%€$\n",
        "kas\u0131m",
        "KASIM",
        "N\u0130SAN",
        "Apr\u0131l",
        "lei",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ODD, max_size=12).map("".join), st.text(max_size=12))
def test_any_text_can_be_checked_and_supports_itself(odd, other):
    for said in (odd, other, f"12 {odd} 2027", f"12 {other}"):
        unsupported(said, "", said)
        assert unsupported(said, f"{said}\n{said}") == []
