"""Finds card numbers, IBANs, email addresses and phone numbers in a text, with any script's digits.

Every search runs over plain characters (see `plain`) in linear time: no pattern nests repetitions,
and all counts are bounded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import accumulate, pairwise
from string import ascii_letters, digits

from handoff_bot.ai.phone_numbers import DATE, phones
from handoff_bot.ai.spans import Span, runs

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
