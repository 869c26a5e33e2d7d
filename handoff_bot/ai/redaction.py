"""Masks card numbers, IBANs, e-mail addresses and phone numbers before text leaves; undoes it on our side."""

from __future__ import annotations

import re
import secrets

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_IBAN = re.compile(
    r"\b[A-Z]{2}\d{2}(?:[ .-]?[A-Z0-9]{4}){2,7}(?:[ .-]?[A-Z0-9]{1,3})?\b", re.IGNORECASE
)
_DIGITS = re.compile(r"(?<![\w.])\+?(?:\(?\d\)?[ ./-]?){6,18}\d(?!\w)")
_DATE = re.compile(r"\d{4}([./-])\d{1,2}\1\d{1,2}|\d{1,2}([./-])\d{1,2}\2(?:\d{4}|\d{2})")
_GAP = re.compile(r"[ .-]")
_SHORTEST_IBAN = 15
_CARD_SIZES = range(13, 20)
_PHONE_SIZES = range(7, 16)
_PLAIN_PHONE = (
    9  # this many digits without "+", a leading 0 or separators may still be a phone number
)
_MARK = re.compile(r"\[(?:CARD|IBAN|EMAIL|PHONE)_\d{1,4}_[0-9a-f]{6}\]")


class Redactor:
    """Remembers what it masked in the texts of one call, so that the answer can be restored.

    Equal values get equal marks. Marks end in something that nobody outside can guess, so that writing
    one brings nothing back. It never shows what it holds.
    """

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}
        self._tag = secrets.token_hex(3)

    def __repr__(self) -> str:
        return f"Redactor({len(self._marks)} masked)"

    def mask(self, text: str) -> str:
        """The text with marks such as [CARD_1_9f3a2c] in place of what must not leave."""
        text = _EMAIL.sub(lambda found: self._mark("EMAIL", found[0]), text)
        text = _IBAN.sub(self._masked_iban, text)
        return _DIGITS.sub(self._masked_digits, text)

    def restore(self, text: str) -> str:
        """The text with our marks replaced by what they stand for; unknown marks stay."""
        values = {mark: value for value, mark in self._marks.items()}
        return _MARK.sub(lambda found: values.get(found[0], found[0]), text)

    def _mark(self, kind: str, value: str) -> str:
        return self._marks.setdefault(value, f"[{kind}_{len(self._marks) + 1}_{self._tag}]")

    def _masked_iban(self, found: re.Match[str]) -> str:
        """Masked up to where it is one: short words behind it look like its end."""
        ends = [len(found[0]), *(gap.start() for gap in reversed([*_GAP.finditer(found[0])]))]
        for end in ends:
            if end >= _SHORTEST_IBAN and _is_iban(found[0][:end]):
                return self._mark("IBAN", found[0][:end]) + found[0][end:]
        return found[0]

    def _masked_digits(self, found: re.Match[str]) -> str:
        kind = _kind_of_number(found[0])
        return self._mark(kind, found[0]) if kind else found[0]


def _is_iban(text: str) -> bool:
    compact = re.sub(r"[ .-]", "", text).upper()
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def _kind_of_number(text: str) -> str:
    if _DATE.fullmatch(text):
        return ""
    digits = re.sub(r"\D", "", text)
    if len(digits) in _CARD_SIZES and _passes_luhn(digits):
        return "CARD"
    looks_dialled = text[0] in "+(0" or text != digits or len(digits) >= _PLAIN_PHONE
    return "PHONE" if len(digits) in _PHONE_SIZES and looks_dialled else ""


def _passes_luhn(digits: str) -> bool:
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(n - 9 if n > 9 else n for n in doubled)) % 10 == 0
