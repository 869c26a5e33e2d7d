"""Splits a text into pieces that a channel can carry, at the most readable places."""

from __future__ import annotations

import re
import unicodedata
from itertools import accumulate

_PARAGRAPH = re.compile(r"(?<=\S)(?=[^\S\n]*\n[^\S\n]*\n)")
_SENTENCE = re.compile(
    r"(?<!\n\d)(?<!\n\d\d)"  # not after the number of a list item
    r"[.!?…]++[\"'”»)\]\N{RIGHT SINGLE QUOTATION MARK}]*+(?=\s)"  # not inside 3.14 or example.org
    # no space is needed after these
    r"|[。｡؟।॥\N{FULLWIDTH EXCLAMATION MARK}\N{FULLWIDTH QUESTION MARK}]++"
    r"[\"'”»)\]」』】\N{RIGHT SINGLE QUOTATION MARK}\N{FULLWIDTH RIGHT PARENTHESIS}]*+"
    r"|(?<=\S)(?=\n)"
)
_SPACE = re.compile(r"(?<=\S)(?=\s)")

_BOUNDS = ((_PARAGRAPH, 1 / 2), (_SENTENCE, 1 / 4), (_SPACE, 0))
"""Where to cut, best first, with the minimum share of a piece to fill: a list's "1." is no piece by
itself.
"""

_JOINER = "\u200d"
_ZERO_WIDTH = frozenset({_JOINER, "\u200c"})
_VIRAMA = 9
"""Canonical combining class of the sign that joins an Indic consonant to the next."""


def split_text(text: str, limit: int) -> list[str]:
    """Returns pieces of at most `limit` characters, in order; empty for a blank text.

    Cuts at paragraphs, else at sentence ends, else between words, else anywhere except inside a
    visible character (unless that is longer than the limit). Only white space at a cut is dropped.
    A character outside the Basic Multilingual Plane (most emoji) counts as two, the highest count
    of any provider.

    Raises:
        ValueError: the limit is below 1.
    """
    if limit < 1:
        raise ValueError("nothing fits into no characters")
    pieces: list[str] = []
    rest = text.strip()
    while (room := _room(rest, limit)) < len(rest):
        cut = _cut(rest, room)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest else pieces


def _room(text: str, limit: int) -> int:
    """Returns how many characters of the text fit, at least 1."""
    if len(text) <= limit and (2 * len(text) <= limit or text.isascii()):
        return len(text)
    widths = accumulate(2 if char > "\uffff" else 1 for char in text[:limit])
    return max(1, sum(width <= limit for width in widths)) if text else 0


def _cut(text: str, room: int) -> int:
    """Returns the best place to cut, between 1 and `room`; the text is longer than that."""
    window = text[: room + 1]
    for bound, share in _BOUNDS:
        places = (found.end() for found in bound.finditer(window))
        fitting = [at for at in places if share * room <= at <= room and not _is_inside(text, at)]
        if fitting:
            return fitting[-1]
    return next((at for at in range(room, 0, -1) if not _is_inside(text, at)), room)


def _is_inside(text: str, at: int) -> bool:
    """Returns whether a cut here would be inside a visible character."""
    before, after = text[at - 1], text[at]
    return (
        _extends(after)
        or before == _JOINER
        or _is_half_flag(text, at)
        or _binds(before, after)
        or (_is_jamo(before) and _is_jamo(after))
    )


def _extends(char: str) -> bool:
    """Marks, joiners, skin tones and flag tags belong to the preceding character."""
    return (
        unicodedata.category(char).startswith("M")
        or char in _ZERO_WIDTH
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
    )


def _is_half_flag(text: str, at: int) -> bool:
    """A country flag is two regional indicators; a row of them pairs up from its start."""
    run = 0
    while run < at and _is_indicator(text[at - 1 - run]):
        run += 1
    return run % 2 == 1 and _is_indicator(text[at])


def _is_indicator(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _binds(before: str, after: str) -> bool:
    """Indic conjuncts, and split surrogate pairs."""
    conjunct = unicodedata.combining(before) == _VIRAMA and unicodedata.category(after) == "Lo"
    return conjunct or ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff")


def _is_jamo(char: str) -> bool:
    """Letters that compose a Korean syllable."""
    return "\u1100" <= char <= "\u11ff"
