"""Cuts a text into pieces that a channel can carry, where it hurts a reader least."""

from __future__ import annotations

import re
import unicodedata
from itertools import accumulate

_PARAGRAPH = re.compile(r"(?<=\S)(?=[^\S\n]*\n[^\S\n]*\n)")
_SENTENCE = re.compile(
    r"(?<!\n\d)(?<!\n\d\d)"  # not behind the number of a list's line
    r"[.!?…]++[\"'”»)\]\N{RIGHT SINGLE QUOTATION MARK}]*+(?=\s)"  # not inside 3.14 or example.org
    # These need no space behind them.
    r"|[。｡؟।॥\N{FULLWIDTH EXCLAMATION MARK}\N{FULLWIDTH QUESTION MARK}]++"
    r"[\"'”»)\]」』】\N{RIGHT SINGLE QUOTATION MARK}\N{FULLWIDTH RIGHT PARENTHESIS}]*+"
    r"|(?<=\S)(?=\n)"
)
_SPACE = re.compile(r"(?<=\S)(?=\s)")

_BOUNDS = ((_PARAGRAPH, 1 / 2), (_SENTENCE, 1 / 4), (_SPACE, 0))
"""Where to cut, best first, each with the share of a piece it must fill at least: a list's "1." alone
is no piece."""

_JOINER = "\u200d"
_ZERO_WIDTH = frozenset({_JOINER, "\u200c"})
_VIRAMA = 9
"""The canonical combining class of the sign that binds an Indic consonant to the next."""


def split_text(text: str, limit: int) -> list[str]:
    """The text in pieces of at most `limit` characters, in order; none for a blank text.

    Cut at paragraphs, else at sentence ends, else between words, else anywhere but inside what a reader
    sees as one character (unless that alone is longer than the limit). White space at a cut is dropped,
    nothing else. A character outside the Basic Multilingual Plane (most emoji) counts as two, because
    that is the most that any provider counts.

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
    """How many characters of the text fit, at least 1."""
    if len(text) <= limit and (2 * len(text) <= limit or text.isascii()):
        return len(text)
    widths = accumulate(2 if char > "\uffff" else 1 for char in text[:limit])
    return max(1, sum(width <= limit for width in widths)) if text else 0


def _cut(text: str, room: int) -> int:
    """The best place to cut, between 1 and `room`; the text is longer than that."""
    window = text[: room + 1]
    for bound, share in _BOUNDS:
        places = (found.end() for found in bound.finditer(window))
        fitting = [at for at in places if share * room <= at <= room and not _is_inside(text, at)]
        if fitting:
            return fitting[-1]
    return next((at for at in range(room, 0, -1) if not _is_inside(text, at)), room)


def _is_inside(text: str, at: int) -> bool:
    """Would a cut here fall inside what a reader sees as one character?"""
    before, after = text[at - 1], text[at]
    return (
        _extends(after)
        or before == _JOINER
        or _is_half_flag(text, at)
        or _binds(before, after)
        or (_is_jamo(before) and _is_jamo(after))
    )


def _extends(char: str) -> bool:
    """Marks, joiners, skin tones and the tags of a flag belong to what stands before them."""
    return (
        unicodedata.category(char).startswith("M")
        or char in _ZERO_WIDTH
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
    )


def _is_half_flag(text: str, at: int) -> bool:
    """A country's flag is two regional indicators; a row of them pairs up from its start."""
    run = 0
    while run < at and _is_indicator(text[at - 1 - run]):
        run += 1
    return run % 2 == 1 and _is_indicator(text[at])


def _is_indicator(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _binds(before: str, after: str) -> bool:
    """Indic conjuncts, and a pair of surrogates that was never put together."""
    conjunct = unicodedata.combining(before) == _VIRAMA and unicodedata.category(after) == "Lo"
    return conjunct or ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff")


def _is_jamo(char: str) -> bool:
    """Letters that a Korean syllable is composed of."""
    return "\u1100" <= char <= "\u11ff"
