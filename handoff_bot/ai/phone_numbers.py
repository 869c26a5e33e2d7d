"""Distinguishes phone numbers from order numbers, dates, prices and times. When in doubt, it is a
phone number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from handoff_bot.ai.spans import Span, runs

DATE = re.compile(
    r"(?<![0-9])(?:(?:19|20)[0-9]{2}([./-])(?:0?[1-9]|1[0-2])\1(?:[12][0-9]|3[01]|0?[1-9])"
    r"|(?:[12][0-9]|3[01]|0?[1-9])([./-])(?:[12][0-9]|3[01]|0?[1-9])\2(?:19|20)[0-9]{2})(?![0-9])"
)
"""2026-11-23, 23.11.2026 or 11/23/2026, in plain characters."""

_GAP = re.compile(r"[ \t.\-/()\u200b]{1,4}")
_FEWEST, _MOST = 7, 15
_MOST_DIALLED = 17  # with 00 before the country code

_HOURS = r"(?:[01]?[0-9]|2[0-4])[.][0-5][0-9]"
_YEAR = r"(?:19|20)[0-9]{2}"
_TIME = re.compile(rf"{_HOURS} ?- ?{_HOURS}|{_YEAR} ?[-/] ?{_YEAR}")

_MONEY = (
    r"(?:[$€£¥₹₩₽₺₴₫₱฿₦]|EUR|USD|GBP|CHF|JPY|CNY|INR|VND|IDR|KRW|RUB|TRY|PLN|BRL|MXN|COP|CLP|Rp)"
)
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:[. ][0-9]{3}){2,4}|[0-9]{7,}")
_MONEY_BEFORE = re.compile(rf"{_MONEY} ?\Z", re.IGNORECASE)
_MONEY_AFTER = re.compile(rf"(?:[.,][0-9]{{1,2}})? ?{_MONEY}", re.IGNORECASE)

# A code, as in INV-20261123 or 1Z999AA10123456784; letters of a phone label are not.
_CODE = re.compile(r"(?:[0-9]|(?<![A-Za-z]))(?!TEL|FAX|MOB|CEL|PHONE)[A-Z]{1,5}[-_/]?\Z")
_LABEL = re.compile(
    r"(?:#|№|(?<![a-z])(?:order|tracking|parcel|shipment|invoice|ticket|ref|reference|sku|isbn"
    r"|bestellung|bestellnummer|sendung|sendungsnummer|rechnung|rechnungsnummer|auftrag"
    r"|pedido|factura|seguimiento|encomenda|fatura|commande|facture|colis|suivi|ordine|fattura"
    r"|spedizione|zamówienie|zamówienia|faktura|paczka|sipariş|kargo|bestelling|pakket)"
    r"(?: (?:number|code|id|is|no|nr|nummer|número|numero|numéro|num|ist|es|est)[.:]?){0,2}"
    r" ?[.:#]{0,2}) ?\Z",
    re.IGNORECASE,
)
_LOOK_BACK = 48


def phones(seen: str) -> Iterator[Span]:
    """Yields the phone numbers in a text of plain characters."""
    dateless = DATE.sub(lambda date: "\0" * len(date[0]), seen)
    for run in runs(dateless, _GAP):
        rest = run if _is_international(run, seen) else _without_a_number_of_ours(run, seen)
        for first, last in _parts(rest, seen):
            yield _with_its_opening(first[0], seen), last[1]


def _parts(groups: list[Span], seen: str) -> Iterator[tuple[Span, Span]]:
    """Yields first and last group of each phone number: a run may contain several in sequence."""
    part: list[Span] = []
    for group in groups:
        if part and _size([*part, group]) > _most(part, seen):
            yield from _if_phone(part, seen)
            part = []
        part.append(group)
    yield from _if_phone(part, seen)


def _if_phone(part: list[Span], seen: str) -> Iterator[tuple[Span, Span]]:
    if part and _FEWEST <= _size(part) <= _most(part, seen):
        yield part[0], part[-1]


def _most(part: list[Span], seen: str) -> int:
    return _MOST_DIALLED if seen.startswith("00", part[0][0]) else _MOST


def _size(groups: list[Span]) -> int:
    return sum(end - start for start, end in groups)


def _with_its_opening(start: int, seen: str) -> int:
    """Returns where "+49", "(030)", "+(49)" or "(+49)" starts, if its digits start here."""
    before = seen[max(0, start - 3) : start]
    kept = before.rstrip(" \u200b") if before.rstrip(" \u200b").endswith("+") else before
    opening = kept.rstrip("+(")
    return start - len(before) + len(opening)


def _is_international(run: list[Span], seen: str) -> bool:
    start = run[0][0]
    return "+" in seen[_with_its_opening(start, seen) : start] or seen.startswith("00", start)


def _without_a_number_of_ours(run: list[Span], seen: str) -> list[Span]:
    """Returns the groups without a leading time, price, or labelled order number."""
    start, end = run[0][0], run[-1][1]
    before, whole = seen[max(0, start - _LOOK_BACK) : start], seen[start:end]
    if _TIME.fullmatch(whole) or _is_price(before, whole, seen[end : end + 8]):
        return []
    return run[_joined(run, seen) :] if _LABEL.search(before) or _CODE.search(before) else run


def _is_price(before: str, whole: str, after: str) -> bool:
    is_money = _MONEY_BEFORE.search(before) or _MONEY_AFTER.match(after)
    return bool(is_money and _THOUSANDS.fullmatch(whole))


def _joined(run: list[Span], seen: str) -> int:
    """Returns how many groups form one number: up to a space, unless it is written in fours."""
    for count, (one, other) in enumerate(pairwise(run), 1):
        in_fours = one[1] - one[0] == 4 and other[1] - other[0] <= 4
        if not seen[one[1] : other[0]].strip(" \t\u200b") and not in_fours:
            return count
    return len(run)
