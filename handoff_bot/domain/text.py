"""Cleans, formats, splits and decodes texts of any author."""

from __future__ import annotations

import codecs
import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import accumulate
from typing import Literal

from handoff_bot.domain.messages import storable
from handoff_bot.domain.signals import Signal
from handoff_bot.domain.texts import choose

# -- splitting, at the most readable places

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


# -- cleaning and formatting: text of any author, amounts, names of languages (ISO 639-1)

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that change the text direction."""

_BLANK = re.compile("[\u115f\u1160\u2800\u3164\uffa0]")
"""Letters and symbols that are displayed as nothing."""
_SPELLINGS = {"sms": "SMS", "rcs": "RCS", "whatsapp": "WhatsApp", "webchat": "web chat"}

REASONS: dict[Signal, str] = {
    Signal.REQUEST: "asked for a person",
    Signal.SENTIMENT: "upset or confused",
    Signal.COMPLEXITY: "too complex, or going in circles",
    Signal.CONFIDENCE: "the assistant was not sure",
}


def clean(text: str) -> str:
    """Removes characters that cannot be displayed or would affect the surrounding text."""
    if text.isascii() and text.isprintable():
        return text.strip()
    return _CONTROLS.sub("", storable(text)).strip()


def short_name(text: str) -> str:
    """Returns a short, stable hash of a text that does not reveal it."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_visible(text: str) -> bool:
    """Returns whether the text contains any visible character."""
    seen = (unicodedata.category(character)[0] not in "CZ" for character in _BLANK.sub("", text))
    return any(seen)


def shorten(text: str, limit: int) -> str:
    """Returns clean text of at most `limit` characters, ending in … if it was cut."""
    text = clean(text)
    if text.isascii() and len(text) <= limit:
        return text
    beginning = text[: 2 * limit]  # the rest does not matter and may be very long
    pieces = split_text(beginning, limit)
    if len(pieces) <= 1 and beginning == text:
        return text
    return f"{split_text(beginning, limit - 1)[0]}…"


def one_line(text: str, limit: int) -> str:
    """Shortens and collapses all white space, including line breaks."""
    return shorten(" ".join(clean(text[: 4 * limit]).split()), limit)


def spelled(channel: str) -> str:
    """Returns a channel kind's display name."""
    return _SPELLINGS.get(channel, channel.replace("_", " ").capitalize())


NONE = "-"
TimeUnit = Literal["second", "minute", "hour", "day"]


def length(of: timedelta | None) -> str:
    """Formats like "45 s", "4 min", "2 h 5 min", "3 d 4 h"; "-" for None.

    These symbols have no plural. CLDR's short forms have: "1 hr", "3 days".
    """
    if of is None:
        return NONE
    seconds = round(of.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def percent(of: float | None) -> str:
    """Formats like "12 %"; "-" for None. A small share is never shown as 0 %, a large one never as
    100 %.
    """
    if of is None:
        return NONE
    if 0 < of < 0.01:
        return "< 1 %"
    if 0.99 < of < 1:
        return "> 99 %"
    return f"{of:.0%}".replace("%", " %")


def many(number: int, one: str, more: str = "") -> str:
    """Formats like "1 escalation", "1,204 escalations". `more` is an irregular plural."""
    return f"{number:,} {choose('en', number, {'one': one, 'other': more or f'{one}s'})}"


def duration(number: int, unit: TimeUnit) -> str:
    """Formats like "1 minute", "1,204 minutes"."""
    from babel.units import format_unit  # about 15 ms with its data; most commands need none

    return format_unit(number, f"duration-{unit}", locale="en")


_COMMON_CODES = (
    "ar bg bn ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv ms nl no pl pt ro ru sk sl "
    "sr sv sw ta th tl tr uk ur vi zh"
)
_COMMON = tuple(_COMMON_CODES.split())
_USUAL_NAMES = {"bn": "Bengali"}
"""Shown instead of CLDR's names: it writes Bangla."""


class _Languages(Mapping[str, str]):
    """Reads CLDR only when a name is needed: at start, none is."""

    def __getitem__(self, code: str) -> str:
        if code not in _COMMON:
            raise KeyError(code)
        return language_name(code)

    def __iter__(self) -> Iterator[str]:
        return iter(_COMMON)

    def __len__(self) -> int:
        return len(_COMMON)


LANGUAGES: Mapping[str, str] = _Languages()
"""English names of common languages by code, which menus offer."""


@cache
def _language_names() -> Mapping[str, str]:
    from babel import Locale  # about 15 ms with its data; most commands need none

    return {code: name for code, name in Locale("en").languages.items() if len(code) == 2}


def is_language(code: str) -> bool:
    return code in _language_names()


def language_name(code: str) -> str:
    """Returns the language's name, or its code if the name is unknown."""
    return _USUAL_NAMES.get(code) or _language_names().get(code, code)


def language_in(words: str) -> str:
    """Returns the code for a code in any case or an English name; "" if unknown."""
    said = words.strip().casefold()
    if is_language(said):
        return said
    named = (*_USUAL_NAMES.items(), *_language_names().items())
    return next((code for code, name in named if name.casefold() == said), "")


# -- decoding: UTF-8, UTF-16 and UTF-32 with or without a byte order mark, and Windows-1252

# Longest first: the UTF-32 mark begins like the UTF-16 mark.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 4_096
# Text in another 8-bit encoding read as Windows-1252 has symbols within words ("zwróci³em",
# "³atwo") or words of accented letters only (Cyrillic, Greek). Neither occurs in the languages that
# Windows-1252 was made for.
_SIGN_IN_WORD = re.compile(
    r"[^\W\d_][\u00a0-\u00bf\u00d7\u00d0\u00f7][^\W\d_]"
    r"|[\u00a2\u00a4-\u00a6\u00ac\u00af\u00b2-\u00b4\u00b8\u00b9\u00bc-\u00be\u00d7\u00f7][^\W\d_]"
)
_ACCENTED_WORD = re.compile(r"(?<![^\W\d_])[\u00c0-\u00ff]{3,}(?![^\W\d_])")
_ACCENTED = re.compile(r"[\u00c0-\u00ff]")
_LETTER = re.compile(r"[^\W\d_]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
_MOST_ACCENTED = 0.3


@dataclass(frozen=True)
class Decoded:
    """A decoded file.

    Attributes:
        text: without a byte order mark, with "\n" line ends.
        guessed: the guessed encoding, "" for UTF-8 and marked files.
    """

    text: str
    guessed: str = ""


def decoded(data: bytes) -> Decoded:
    """Decodes a text file.

    Raises:
        ValueError: the encoding is unknown; the message says what to do.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return Decoded(_strictly(data[len(mark) :], encoding))
    if wide := _unmarked_utf16(data):
        return Decoded(_strictly(data, wide), "UTF-16")
    try:
        return Decoded(_tidy(data.decode("utf-8")))
    except UnicodeDecodeError:
        return Decoded(_windows(data), "Windows-1252")


def encoding_of(chunks: Iterator[bytes]) -> str:
    """Returns the encoding of a file that is too large to decode at once.

    Reads all chunks: bytes that are not UTF-8 may come late. The result fits `open`, which skips a mark.
    """
    first = next(chunks, b"")
    for mark, encoding in _MARKS:
        if first.startswith(mark):
            return "utf-8-sig" if encoding == "utf-8" else encoding[: len("utf-16")]
    half = len(first) - len(first) % 2
    if wide := _unmarked_utf16(first[:half]):
        return wide
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(first)
        for chunk in chunks:
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return _tidy(data.decode(encoding))
    except UnicodeDecodeError as error:
        raise ValueError("The file is damaged. Save it again as UTF-8.") from error


def _unmarked_utf16(data: bytes) -> str:
    """Decodes UTF-16 without a mark: in Western text, every second byte is zero."""
    sample = data[:_SAMPLE]
    half = len(sample) // 2
    if half and len(data) % 2 == 0:
        for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
            if sample[first::2].count(0) > half * 0.4 and not sample[1 - first :: 2].count(0):
                return encoding
    return ""


def _windows(data: bytes) -> str:
    try:
        text = _tidy(data.decode("cp1252"))
    except UnicodeDecodeError as error:
        raise ValueError("The encoding is unknown. Save the file as UTF-8.") from error
    letters = len(_LETTER.findall(text))
    accented = len(_ACCENTED.findall(text))
    is_garbled = _SIGN_IN_WORD.search(text) or _ACCENTED_WORD.search(text)
    if is_garbled or accented > letters * _MOST_ACCENTED:
        raise ValueError("The encoding is unknown. Save the file as UTF-8.")
    return text


def _tidy(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("This is not a text file.")
    return text.replace("\r\n", "\n").replace("\r", "\n")
