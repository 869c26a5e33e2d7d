"""Finds expected facts in answers, whatever the case, spacing, number format and currency's place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_OTHER_SIGNS = str.maketrans({"\u066b": ".", "\u066c": ",", "\u2019": "'"})
_TOKEN = re.compile(
    r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?:[.,]\d+)?(?!\d)"  # 1 000,50
    r"|\d+(?:[.,']\d+)*"
    r"|[^\W\d_]+|[%$€£¥₹₩₽₺₴₫₱฿₦]"
)
_THOUSANDS = re.compile(r"\d{1,3}(?:([.,' ])\d{3})(?:\1\d{3})*\Z")
_CURRENCIES = {
    "€": "EUR eur euro euros",
    "$": "USD usd dollar dollars dollari dólar dólares",
    "£": "GBP gbp pound pounds",
    "¥": "JPY jpy yen 円",
    "₹": "INR inr rupee rupees",
    "₩": "KRW krw won 원",
    "₺": "TRY tl lira",
    "₽": "RUB rub руб рублей",  # noqa: RUF001
    "₴": "UAH uah грн",
    "₫": "VND vnd đồng",
    "zł": "PLN pln",
    "fr": "CHF chf",
    "%": "percent prozent procent pct",
}
_UNITS = {
    name.casefold(): sign for sign, names in _CURRENCIES.items() for name in (sign, *names.split())
}
_LONGEST = 20_000
"""Characters of a text that are compared."""


@dataclass(frozen=True)
class _Word:
    text: str


@dataclass(frozen=True)
class _Number:
    """A number with all that it may mean: "1.000" is a thousand or one.

    Attributes:
        unit: currency or percent sign next to it, "" for none.
    """

    values: frozenset[str]
    unit: str = ""


_Token = _Word | _Number


def holds(text: str, fact: str) -> bool:
    """Returns whether a text states a fact. " / " parts alternatives, one of which is enough."""
    said = _tokens(text)
    return any(_is_in(_tokens(one), said) for one in fact.split(" / "))


def _is_in(wanted: Sequence[_Token], said: Sequence[_Token]) -> bool:
    size = len(wanted)
    return bool(size) and any(
        _match(wanted, said[at : at + size]) for at in range(len(said) - size + 1)
    )


def _match(wanted: Sequence[_Token], said: Sequence[_Token]) -> bool:
    """The first and the last word may be a part of a longer one: "refund" is in "refunded"."""
    last = len(wanted) - 1
    return all(
        _same(one, other, opens=at == 0, closes=at == last)
        for at, (one, other) in enumerate(zip(wanted, said, strict=True))
    )


def _same(wanted: _Token, said: _Token, *, opens: bool, closes: bool) -> bool:
    if isinstance(wanted, _Number):
        is_number = isinstance(said, _Number) and bool(wanted.values & said.values)
        return is_number and (not wanted.unit or wanted.unit == getattr(said, "unit", ""))
    if isinstance(said, _Number):  # "percent off" is in "10 percent off"
        return opens and said.unit == wanted.text
    if opens and closes:
        return wanted.text in said.text
    if opens:
        return said.text.endswith(wanted.text)
    return said.text.startswith(wanted.text) if closes else said.text == wanted.text


def _tokens(text: str) -> list[_Token]:
    plain = unicodedata.normalize("NFKC", text[:_LONGEST].translate(_OTHER_SIGNS)).casefold()
    return _with_units([token for found in _TOKEN.findall(plain) for token in _read(found)])


def _read(found: str) -> Iterator[_Token]:
    if not found[0].isdigit():
        yield _Word(_UNITS.get(found, found))
        return
    digits = "".join(str(unicodedata.digit(one, 0)) if one.isdigit() else one for one in found)
    digits = re.sub(r"\s", " ", digits)
    if values := _values(digits):
        yield _Number(values)
    else:  # a date or a version
        yield from (_Number(frozenset({_tidy(one)})) for one in re.split(r"[.,' ]", digits))


def _values(digits: str) -> frozenset[str]:
    """Returns what the digits may mean; empty if they are several numbers."""
    signs = re.findall(r"[.,' ]", digits)
    if not signs:
        return frozenset({_tidy(digits)})
    whole, _, part = digits.rpartition(signs[-1])
    found = set()
    if _THOUSANDS.match(digits):
        found.add(_tidy(re.sub(r"\D", "", digits)))
    is_decimal = signs[-1] in ".," and signs[-1] not in signs[:-1]
    if is_decimal and (whole.isdigit() or _THOUSANDS.match(whole)):
        found.add(_tidy(re.sub(r"\D", "", whole), part))
    return frozenset(found)


def _tidy(whole: str, part: str = "") -> str:
    part = part.rstrip("0")
    return f"{whole.lstrip('0') or '0'}{'.' if part else ''}{part}"


def _with_units(tokens: Sequence[_Token]) -> list[_Token]:
    """Joins each number with the currency or percent sign next to it."""
    found: list[_Token] = []
    taken = -1
    for at, token in enumerate(tokens):
        if at == taken:
            continue
        if not isinstance(token, _Number):
            found.append(token)
            continue
        before, after = found[-1:], tokens[at + 1 : at + 2]
        if before and _is_unit(before[0]):
            found[-1] = _Number(token.values, _sign(before[0]))
        elif after and _is_unit(after[0]):
            found.append(_Number(token.values, _sign(after[0])))
            taken = at + 1
        else:
            found.append(token)
    return found


def _is_unit(token: _Token) -> bool:
    return isinstance(token, _Word) and token.text in _CURRENCIES


def _sign(token: _Token) -> str:
    return token.text if isinstance(token, _Word) else ""
