"""Finds personal data in a text, masks it before the text is sent, and restores it in the answer."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from itertools import accumulate, pairwise
from string import ascii_letters, digits

# -- spans, and runs of digit groups

Span = tuple[int, int]
"""Start and end."""

_DIGITS = re.compile(r"[0-9]+")


def runs(text: str, gap: re.Pattern[str]) -> Iterator[list[Span]]:
    """Yields the text's digit groups, grouped if only a gap separates them."""
    run: list[Span] = []
    for found in _DIGITS.finditer(text):
        if run and not gap.fullmatch(text, run[-1][1], found.start()):
            yield run
            run = []
        run.append(found.span())
    if run:
        yield run


# -- phone numbers
# They are told from order numbers, dates, prices and times. When in doubt, it is a phone number.

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


# -- card numbers, IBANs, email addresses and phone numbers, with any script's digits
# Every search runs over plain characters (see `plain`) in linear time: no pattern nests
# repetitions, and all counts are bounded.

_BLANK = "\0"  # marks a match; no pattern matches it

_SHOWN_ALIKE = {"\u3002": ".", "\uff61": ".", "\u2212": "-", "\u066b": ".", "\n": "\n", "\r": "\n"}

_AT = re.compile("@|%40")  # an address in a link may be encoded so
# Quoted, as in "ana b"+shop@example.org, or not.
_PLAIN_LOCAL = r"[^\s\0@\"<>()\[\]:;,\\\u2010-\u206f\u3000-\u303f]"
_LOCAL = re.compile(rf'(?:"[^"\n\0]{{1,64}}"{_PLAIN_LOCAL}{{0,64}}|{_PLAIN_LOCAL}{{1,64}})\Z')
_LOCAL_REACH = 130
_DOMAIN = re.compile(r"[^\s\0-,/:-@\[-^`{-\x7f\u2018-\u206f\u3000-\u303f]{3,253}")

_IBAN_START = re.compile(r"[A-Za-z]{2}(?=[ .\-\u200b]{0,2}[0-9][ .\-\u200b]{0,2}[0-9])")
_SHORTEST_IBAN, _LONGEST_IBAN = 15, 34
_IBAN_REACH = _LONGEST_IBAN * 3 + 1
_IBAN_GAPS = frozenset(" .-\u200b")
_ALPHANUMERIC = frozenset(ascii_letters + digits)

_CARD_GAP = re.compile(r"[\s.\-/_()|*\u200b\ufe0f\u20e3]{1,4}")  # keycaps are digit, FE0F, 20E3
_CARD_SIZES = range(13, 20)


def personal_data(text: str) -> list[tuple[Span, str]]:
    """Returns the locations and kinds of personal data, in order, without overlaps."""
    seen = plain(text)
    found: list[tuple[Span, str]] = []
    for kind, search in _SEARCHES.items():
        spans = list(search(seen))
        found += ((span, kind) for span in spans)
        seen = _without(spans, seen)
    return sorted(found)


def plain(text: str) -> str:
    """Returns the text with the same length, with ASCII for equivalent digits, letters and spaces."""
    return text if text.isascii() else "".join(map(_plain, text))


@lru_cache(4096)
def _plain(character: str) -> str:
    if character in _SHOWN_ALIKE:
        return _SHOWN_ALIKE[character]
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    kind = unicodedata.category(character)
    if kind in {"Zs", "Zl", "Zp"}:
        return " "
    if kind in {"Pd", "Cf"}:
        return "-" if kind == "Pd" else "\u200b"  # Cf is invisible: joiners, directions
    alike = unicodedata.normalize("NFKC", character)
    return alike if len(alike) == 1 and alike.isascii() else character


def _without(spans: list[Span], seen: str) -> str:
    pieces: list[str] = []
    at = 0
    for start, end in spans:
        pieces += seen[at:start], _BLANK * (end - start)
        at = end
    return "".join([*pieces, seen[at:]])


def _emails(seen: str) -> Iterator[Span]:
    free = 0
    for at in _AT.finditer(seen):
        reach = max(free, at.start() - _LOCAL_REACH)
        local = _LOCAL.search(seen[reach : at.start()])
        domain = _DOMAIN.match(seen, at.end())
        if not (local and domain):
            continue
        host = domain[0].rstrip(".-_")
        if "." in host and any(map(str.isalpha, local[0] + host)):  # 3@9.99 is a price
            free = at.end() + len(host)
            yield reach + local.start(), free


def _ibans(seen: str) -> Iterator[Span]:
    free = 0
    for found in _IBAN_START.finditer(seen):
        start = found.start()
        end = _end_of_iban(seen[start : start + _IBAN_REACH]) if start >= free else 0
        if end:
            free = start + end
            yield start, free


def _end_of_iban(seen: str) -> int:
    """Returns the end of the longest IBAN that starts here, 0 for none."""
    compact, gap, ends = "", 0, 0
    for at, character in enumerate(seen, 1):
        gap = gap + 1 if character in _IBAN_GAPS else 0
        if gap > 2 or not (gap or character in _ALPHANUMERIC) or len(compact) >= _LONGEST_IBAN:
            break
        if gap:
            continue
        compact += character
        is_end = len(compact) >= _SHORTEST_IBAN and seen[at : at + 1] not in _ALPHANUMERIC
        if is_end and _is_iban(compact.upper(), seen[:at]):
            ends = at
    return ends


def _is_iban(compact: str, written: str) -> bool:
    """By its checksum; words after a code may pass it by chance, so the format must match too."""
    if not compact[2:4].isdigit():
        return False
    turned = compact[4:] + compact[:4]
    if int("".join(str(int(character, 36)) for character in turned)) % 97 != 1:
        return False
    groups = re.split(r"[ .\-\u200b]+", written)
    is_even = all(len(group) == 4 for group in groups[:-1]) and len(groups[-1]) <= 4
    return len(groups) == 1 or is_even or sum(map(str.isdigit, compact)) >= 8


def _cards(seen: str) -> Iterator[Span]:
    for run in runs(DATE.sub(lambda date: _BLANK * len(date[0]), seen), _CARD_GAP):
        yield from _united(_cards_among(run, seen))


def _cards_among(groups: list[Span], seen: str) -> Iterator[Span]:
    """Yields runs of whole groups that have a card's length and pass Luhn's check."""
    values = [int(digit) for start, end in groups for digit in seen[start:end]]
    sums = [_luhn_sums(values, 0), _luhn_sums(values, 1)]
    before = list(accumulate((end - start for start, end in groups), initial=0))
    for first, (start, _) in enumerate(groups):
        for last in range(first, min(first + _CARD_SIZES.stop, len(groups))):
            size = before[last + 1] - before[first]
            if size >= _CARD_SIZES.stop:
                break
            sum_of = sums[(before[last + 1] - 1) % 2]
            passes = (sum_of[before[last + 1]] - sum_of[before[first]]) % 10 == 0
            if passes and size in _CARD_SIZES and _is_written_so(groups[first : last + 1], seen):
                yield start, groups[last][1]


def _is_written_so(groups: list[Span], seen: str) -> bool:
    """Excludes two phone numbers, of which every tenth pair passes the check: requires fours,
    4-6-5, or even groups.
    """
    sizes = [end - start for start, end in groups]
    if sizes[:-1] in ([4] * len(sizes[:-1]), [4, 6]):
        return True
    return len({seen[one[1] : other[0]] for one, other in pairwise(groups)}) <= 1


def _luhn_sums(values: list[int], undoubled: int) -> list[int]:
    """Returns Luhn's sums of the first n digits, for every n, without doubling at even (0) or odd
    (1) positions.
    """
    worth = (n if at % 2 == undoubled else n * 2 - 9 * (n > 4) for at, n in enumerate(values))
    return list(accumulate(worth, initial=0))


def _united(spans: Iterator[Span]) -> Iterator[Span]:
    """Merges overlapping spans, ordered by start."""
    held: Span | None = None
    for start, end in spans:
        if held and start < held[1]:
            held = held[0], max(held[1], end)
            continue
        if held:
            yield held
        held = start, end
    if held:
        yield held


_SEARCHES: dict[str, Callable[[str], Iterator[Span]]] = {
    "EMAIL": _emails,
    "IBAN": _ibans,
    "CARD": _cards,
    "PHONE": phones,
}


# -- masking and restoring

_NUMBER = re.compile(r"\d{4,}")
_MARK = re.compile(r"\[[A-Z]{4,5}_[0-9]{1,6}(?:_[0-9a-f]{1,16})?\]")


def hidden(text: str) -> str:
    """Returns the text with kinds in place of personal data and of all numbers of four digits or more."""
    pieces: list[str] = []
    at = 0
    for (start, end), kind in personal_data(text):
        pieces += text[at:start], f"[{kind.lower()}]"
        at = end
    return _NUMBER.sub("[number]", "".join([*pieces, text[at:]]))


class Redactor:
    """Remembers the masked values of one call, so that the answer can be restored.

    Equal values get equal marks. A mark contains a random word of this call, as in
    [CARD_1_5f0c9a27]: a customer who writes "[CARD_1]", or makes the model write it, gets no number
    for it. It never reveals its value.
    """

    def __init__(self) -> None:
        self._word = secrets.token_hex(4)
        self._pattern = re.compile(rf"\[[A-Z]{{4,5}}_[0-9]{{1,6}}_{self._word}\]")
        self._marks: dict[str, str] = {}
        self._values: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Redactor({len(self._marks)} masked)"

    def mask(self, text: str) -> str:
        """Returns the text with marks in place of personal data."""
        pieces: list[str] = []
        at = 0
        for (start, end), kind in personal_data(text):
            pieces += text[at:start], self._mark(kind, text[start:end])
            at = end
        return "".join([*pieces, text[at:]])

    def restore(self, text: str, never: Collection[str] = ()) -> str:
        """Replaces our marks by their values; everything else stays.

        Args:
            never: kinds whose marks are replaced by a space.
        """

        def stood_for(found: re.Match[str]) -> str:
            kind = found[0][1:].partition("_")[0]
            return " " if kind in never else self._values.get(found[0], found[0])

        return self._pattern.sub(stood_for, text)

    @staticmethod
    def unmarked(text: str) -> str:
        """Returns the text without marks, whose numbers state nothing."""
        return _MARK.sub(" ", text)

    def _mark(self, kind: str, value: str) -> str:
        if value not in self._marks:
            mark = f"[{kind}_{len(self._marks) + 1}_{self._word}]"
            self._marks[value], self._values[mark] = mark, value
        return self._marks[value]
