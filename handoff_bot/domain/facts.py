"""Finds expected facts in answers, whatever the case, spacing, number format and currency's place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# ruff: noqa: RUF001 - customers' languages

_OTHER_SIGNS = str.maketrans({"\u066b": ".", "\u066c": ",", "\u2019": "'"})
_TOKEN = re.compile(
    r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?:[.,]\d+)?(?!\d)"  # 1 000,50
    r"|\d+(?:[.,']\d+)*"
    r"|(?:[^\W\d_][\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f"
    r"\u0951-\u0957\u0962\u0963\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]*)+"  # with vowel signs
    r"|[%$€£¥₹₩₽₺₴₫₱฿₦]"
)
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:([.,' ])\d{3})(?:\1\d{3})*\Z")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
"""Scripts without spaces between words, and Hangul, where particles are joined to words."""
_PREFIXES = re.compile(
    "[\u0648\u0641]?(?:\u0627\u0644|\u0628\u0627\u0644|\u0644\u0644|[\u0643\u0628\u0644])?"
    "|[\u05d5\u05e9\u05de]?[\u05d4\u05d1\u05dc\u05de\u05db\u05e9]?"
)
"""Letters that Arabic and Hebrew write before a word, for "and", "the", "in"."""
_ENDINGS_TEXT = """
    s es d ed ing ly n en e er em ern ens st t te ten r a o as os i u y ie m mi om ami ach ów ą ę ego
    emu ej ych ym ymi iem x et na ar or rna ene ına ine ı ü la le da de dan den ta tan lar ler lara lere
    lık lik luk lük dır dir dur dür tır tir ın in un ün nın nin nun nün nya kan
"""
_ENDINGS = frozenset(_ENDINGS_TEXT.split())
"""What may follow a word in Latin letters: "refund" is in "refunded", "free" is not in "freezer"."""
_LONGEST_ENDING = 3
"""In letters, in the other scripts with spaces."""
_EXACT, _SHORT = 2, 3
"""A word of so few letters is only itself ("no" is not in "not"), or has an ending of two letters."""
_CURRENCIES = {
    "€": "EUR eur euro euros",
    "$": "USD usd dollar dollars dollari dólar dólares",
    "£": "GBP gbp pound pounds",
    "¥": "JPY jpy yen 円",
    "₹": "INR inr rupee rupees",
    "₩": "KRW krw won 원",
    "₺": "TRY tl lira",
    "₽": "RUB rub руб рублей",
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
        thousands: the value if its digits are groups of three, which is the only one next to a
            currency: "10.000 €" is not 10 €. "" otherwise.
    """

    values: frozenset[str]
    unit: str = ""
    thousands: str = ""


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
    """The last word may have an ending: "refund" is in "refunded"."""
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
    if _UNSPACED.search(wanted.text):
        return _is_part(wanted.text, said.text, opens=opens, closes=closes)
    before, found, after = said.text.partition(wanted.text)
    is_start = not before or (opens and _PREFIXES.fullmatch(before) is not None)
    return bool(found) and is_start and (not after or (closes and _is_ending(after, wanted.text)))


def _is_part(wanted: str, said: str, *, opens: bool, closes: bool) -> bool:
    """In a script without spaces, the first and the last word may be a part of what has none."""
    if opens and closes:
        return wanted in said
    if opens:
        return said.endswith(wanted)
    return said.startswith(wanted) if closes else said == wanted


def _is_ending(after: str, word: str) -> bool:
    if len(word) <= _EXACT or (len(word) <= _SHORT and len(after) > _EXACT):
        return False
    return (
        after in _ENDINGS if after.isascii() or _is_latin(after) else len(after) <= _LONGEST_ENDING
    )


def _is_latin(text: str) -> bool:
    return all(letter < "\u0250" for letter in text)


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
        yield _Number(values, thousands=_tidy(_digits(digits)) if _THOUSANDS.match(digits) else "")
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
        found.add(_tidy(_digits(digits)))
    is_decimal = signs[-1] in ".," and signs[-1] not in signs[:-1]
    if is_decimal and (whole.isdigit() or _THOUSANDS.match(whole)):
        found.add(_tidy(_digits(whole), part))
    return frozenset(found)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


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
            found[-1] = _measured(token, before[0])
        elif after and _is_unit(after[0]):
            found.append(_measured(token, after[0]))
            taken = at + 1
        else:
            found.append(token)
    return found


def _is_unit(token: _Token) -> bool:
    return isinstance(token, _Word) and token.text in _CURRENCIES


def _measured(number: _Number, unit: _Token) -> _Number:
    """Returns the number with the unit next to it."""
    sign = unit.text if isinstance(unit, _Word) else ""
    is_whole = bool(number.thousands) and sign != "%"
    return _Number(frozenset({number.thousands}) if is_whole else number.values, sign)
