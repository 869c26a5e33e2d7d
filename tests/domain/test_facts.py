"""Facts are found in answers whatever their case, spacing, number format and currency's place."""

import pytest

from handoff_bot.domain.facts import holds


@pytest.mark.parametrize(
    ("said", "fact"),
    [
        ("Der Versand kostet 4,90 Euro.", "€4.90"),
        ("Delivery costs 4.90 euros and is fast.", "4,90 EUR"),
        ("It is 1.000,50 € in all", "1,000.50"),
        ("1 000,50 EUR", "EUR 1000.5"),
        ("1’000.50 CHF", "CHF 1,000.50"),  # noqa: RUF001 - as in Switzerland
        ("1.000 Punkte", "1000"),
        ("kostet 30 €", "30,00 €"),
        ("in 30  Days", "30 days"),
        ("innerhalb von 30 Tagen", "30 Tage"),
        ("von 9:00 bis 18:00", "09:00"),
        ("10 percent off", "10 %"),
        ("10 percent off", "percent off"),
        ("bis 1.2.2026", "1.2.2026"),
        ("We refunded you", "refund"),
        ("我们在30天内退款", "30天"),
        ("خلال ٣٠ يوم", "30"),
        ("within a month", "30 days / a month"),
        ("write to help@shop.example", "help@shop.example"),
        ("10.000 €", "10,000 EUR"),
        ("$1,000", "1000 USD"),
        ("1 000 €", "1.000 €"),
        ("10.000,50 €", "10,000.50 EUR"),
        ("0.500 kg", "0,5"),
        ("1.000.000 €", "1,000,000 EUR"),
        ("since 2026", "2026"),
        ("call 030 123 456", "030 123 456"),
        ("No, we do not.", "no"),
        ("refunding fees", "refund"),
        ("in 14 Tagen", "Tag"),
        ("всего возвратами", "возврат"),
        ("الشحن مجاني", "شحن"),
        ("המשלוח חינם", "משלוח"),
        ("दिनों में", "दिन"),
        ("全額返金します", "返金"),
        ("환불은 무료입니다", "무료"),
        ("คืนเงินภายใน 30 วัน", "เงิน"),
    ],
)
def test_a_fact_is_found_in_another_spelling(said, fact):
    assert holds(said, fact)


@pytest.mark.parametrize(
    ("said", "fact"),
    [
        ("130 days", "30 days"),
        ("30.5 days", "30 days"),
        ("a fee of $5", "5 EUR"),
        ("a fee of 5", "5 EUR"),
        ("on 1.2.2026", "1,2"),
        ("two weeks", "30 days / a month"),
        ("days: 30", "30 days"),
        ("", "30"),
        ("30", ""),
        ("30", " / "),
        ("10.000 €", "10 €"),
        ("€10.000", "10 €"),
        ("10,000 USD", "10 USD"),
        ("10,000 USD", "10"),
        ("1.000 €", "1 €"),
        ("0.500 kg", "500"),
        ("You know it", "no"),
        ("It is not so", "no"),
        ("in the freezer", "free"),
        ("carefree", "free"),
        ("two freezers", "two free"),
        ("the casino fee", "no fee"),
        ("दिनांक", "दिन का"),
    ],
)
def test_another_number_or_currency_is_another_fact(said, fact):
    assert not holds(said, fact)


@pytest.mark.parametrize(
    "text", ["1" * 50_000, "1," * 50_000, "1 111" * 20_000, "\x00½²\U0001d7d9٣" * 9_000]
)
def test_hostile_numbers_are_read_within_bounds(text):
    assert not holds(text, "4.90")
