"""From customer text to hashed features: normalisation, sentences, character and word n-grams.

Training and inference share this code, so that they see the same features.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from array import array
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

HASH_BITS = 17
LONGEST = 4_000
MOST_SENTENCES = 40
_LONGEST_WORD = 48
_LONGEST_GRAM = 5

_URL = re.compile(r"\b(?:https?://|www\.)\S{1,300}", re.IGNORECASE)
_MARKS = re.compile("[\u0300-\u036f]")
_REPEATS = re.compile(r"([^\W\d_])\1{2,}|(.)\2{2,}", re.DOTALL)
# Zero-width characters hide words from a machine only; joiners have a meaning outside Latin script.
_UNSEEN = dict.fromkeys(
    [
        0xAD,
        0x180E,
        0x200B,
        0xFEFF,
        *range(0x200E, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
    ]
)
_GAPS = re.compile(r"[ \t]{2,}|\s{3,}")
_HUGE = 200_000
_SHORT = 400
"""In characters: of what is longer, the readers' caches keep nothing."""
# Starts at the first letter of a run: tried from each letter, a long word would take quadratic
# time.
_MIXED = re.compile(
    "(?:(?<![A-Za-z])[A-Za-z]++[\u0370-\u04ff]|(?<![\u0370-\u04ff])[\u0370-\u04ff]++[A-Za-z])"
    "[A-Za-z\u0370-\u04ff]*"
)
_LOOK_ALIKE = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u03bf\u03b1\u03b9\u03bd\u03c1\u03c5",
    "aeopcyxijshdoaivpu",
)
_SPELT_OUT = re.compile(r"(?<!\S)(?:[A-Za-z] ){3,40}[A-Za-z](?!\S)")
_JOINERS = re.compile("(?<=[A-Za-z])[\u200c\u200d]+(?=[A-Za-z])")

# East Asian, Indic and typographic marks, by number because some look alike.
_STOPS = "\u2026\u0964\u3002"
_FULL_WIDTH_ENDS = "\uff01\uff1f"
_FULL_WIDTH_PAUSES = "\uff0c\u3001\uff1b\uff1a"
_QUOTATION = "\u00ab\u00bb\u201c\u201d\u201e"
_TOKEN = re.compile(
    rf"[!?]+|[^\s.,;:!?()\[\]{{}}<>\"*_~`|/\\\u00b7{_STOPS}{_FULL_WIDTH_PAUSES}{_QUOTATION}]+"
)
_SENTENCE_END = re.compile(rf"(?<=[.!?{_STOPS}{_FULL_WIDTH_ENDS}])\s*|[\n\r;\uff1b]+")
_COMMA = re.compile(rf"[,;:{_FULL_WIDTH_PAUSES}]\s*|\s[-\u2013\u2014]+\s")
_MARKS_OF_ANGER = re.compile("[!?\uff01\uff1f]{2,}")
_FEWEST_SHOUTED = 8
_QUOTES = dict.fromkeys(map(ord, "\u2019\u2018`\u00b4"), "'")
_DIGIT = re.compile(r"\d")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FOLDED_ASCII = str.maketrans("`0123456789", "'0000000000")

Ids = NDArray[np.int32]


def clip(text: str) -> str:
    """Returns the text as people read it, without parts that no model needs.

    Removes the middle of a huge text, control characters, surrogates and zero-width characters.
    Look-alikes of Latin letters are replaced, and words spelt with spaces are joined.
    """
    return _clipped_once(text) if len(text) <= _SHORT else _clipped(text)


def _clipped(text: str) -> str:
    text = _GAPS.sub(lambda found: found[0][0], text[:_HUGE])
    if len(text) > LONGEST:
        text = text[: LONGEST // 2] + "\n" + text[-LONGEST // 2 :]
    # Most messages are ASCII: no other step changes them, and those take ten times as long.
    if text.isascii():
        return _CONTROLS.sub(" ", _joined(text))
    seen = _JOINERS.sub("", text.translate(_UNSEEN))
    seen = _MIXED.sub(lambda found: found[0].translate(_LOOK_ALIKE), seen)
    seen = _joined(seen)
    if seen.isprintable():
        return seen
    return "".join(c if c in "\n\r\t" or _is_readable(c) else " " for c in seen)


def _joined(text: str) -> str:
    return _SPELT_OUT.sub(lambda found: found[0].replace(" ", ""), text)


@lru_cache(maxsize=4096)
def _is_readable(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cs", "Co", "Cn"}


def fold(text: str) -> str:
    """Normalises: lowercase, one form per character, no Latin accents, digits as 0, no stretched
    letters.
    """
    return _folded_once(text) if len(text) <= _SHORT else _folded(text)


def _folded(text: str) -> str:
    text = clip(text)
    if text.isascii():
        return unstretched(_URL.sub(" url ", text).lower().translate(_FOLDED_ASCII))
    text = _URL.sub(" url ", unicodedata.normalize("NFKD", text).translate(_QUOTES))
    text = unicodedata.normalize("NFC", _MARKS.sub("", text)).casefold()
    return unstretched(_DIGIT.sub("0", text))


# Readers of a message share its parts: each is asked for five to ten times.
_clipped_once = lru_cache(maxsize=512)(_clipped)
_folded_once = lru_cache(maxsize=512)(_folded)


def unstretched(text: str) -> str:
    """Reduces a letter repeated three times or more to one ("pleeease"), any other character to two."""
    return _REPEATS.sub(lambda found: found[1] or found[2] * 2, text)


def tokens(folded: str) -> list[str]:
    """Returns the words of a folded text; runs of ! and ? count as words."""
    return [token[:_LONGEST_WORD] for token in _TOKEN.findall(folded)]


def sentences(text: str) -> list[str]:
    """Returns the distinct non-empty sentences; of very many, the first and the last ones."""
    parts = (clip(part).strip() for part in dict.fromkeys(_SENTENCE_END.split(text[:_HUGE])))
    found = [part for part in dict.fromkeys(parts) if part]
    half = MOST_SENTENCES // 2
    return found if len(found) <= MOST_SENTENCES else [*found[:half], *found[-half:]]


def clauses(text: str) -> list[str]:
    """Returns the sentences and, where commas separate them, their parts of three words or more.

    At most twice `MOST_SENTENCES`; one if the message is a single clause.
    """
    return clauses_of(sentences(text))


def clauses_of(sentences: list[str]) -> list[str]:
    """Same, for sentences already split."""
    found: dict[str, None] = {}
    for sentence in sentences:
        found[sentence] = None
        pieces = [piece.strip() for piece in _COMMA.split(sentence)]
        if len(pieces) > 1:
            found.update((piece, None) for piece in pieces if len(tokens(piece)) > 2)
    return list(found)[: 2 * MOST_SENTENCES]


def smallest_clauses(text: str) -> list[str]:
    """Returns the clauses that contain no other one."""
    found = clauses(text)
    return [one for one in found if not any(one is not other and other in one for other in found)]


def opening(text: str) -> str:
    """Returns the text before the first comma or full stop, where a short answer is; else the whole
    text.
    """
    return opening_of(sentences(text), text)


def opening_of(sentences: list[str], text: str) -> str:
    """Same as `opening`, for sentences already split."""
    pieces = (piece.strip() for piece in _COMMA.split((sentences or [text])[0]))
    return next((piece for piece in pieces if piece), text)


_NO_IDS: Ids = np.empty(0, dtype=np.int32)


@lru_cache(maxsize=4_000)
def _word_checksums(word: str) -> bytes:
    """Returns the CRC-32s, four bytes each, of a word and of its n-grams.

    Each n-gram extends the one before by a character, and bytes are joined faster than arrays.
    """
    letters = [letter.encode() for letter in f"<{word}>"]
    found = [zlib.crc32(f"w {word}".encode())]
    grams = list(map(zlib.crc32, letters))
    for size in range(1, _LONGEST_GRAM + 1):
        found += grams
        grams = list(map(zlib.crc32, letters[size:], grams))
    return array("I", found).tobytes()


def _phrase_checksums(words: list[str]) -> bytes:
    """Same for pairs and triples of words, and for pairs with any word between them."""
    framed = ["^", *words, "$"]
    following = [f" {word}".encode() for word in framed[1:]]
    first = [zlib.crc32(word.encode()) for word in framed[:-1]]
    pairs = list(map(zlib.crc32, following, first))
    triples = map(zlib.crc32, following[1:], pairs)
    around = map(zlib.crc32, [b" _" + word for word in following[1:]], first)
    return array("I", [*pairs, *triples, *around]).tobytes()


def _distinct(checksums: bytes) -> Ids:
    """Returns sorted buckets. Not numpy's `unique`, which takes ten times as long for a message."""
    if not checksums:
        return _NO_IDS
    found = np.frombuffer(checksums, dtype=np.int32) & ((1 << HASH_BITS) - 1)
    found.sort()
    is_first = np.empty(len(found), dtype=np.bool_)
    is_first[0] = True
    np.not_equal(found[1:], found[:-1], out=is_first[1:])
    return found[is_first]


def features(text: str) -> Ids:
    """Returns a text's distinct feature buckets, sorted, each in [0, 2**HASH_BITS)."""
    words = tokens(fold(text))
    if not words:
        return _NO_IDS
    return _distinct(_phrase_checksums(words) + b"".join(map(_word_checksums, words)))


def spelling(text: str) -> Ids:
    """Returns the buckets of words with accents, which distinguish languages."""
    return _distinct(b"".join(map(_word_checksums, tokens(clip(text).casefold()))))


def loudness(text: str) -> float:
    """Returns 0 to 1: the share in capitals or followed by rows of exclamation marks."""
    letters = list(filter(str.isalpha, clip(text)))
    capitals = sum(map(str.isupper, letters)) / max(1, len(letters))
    shouted = capitals if len(letters) >= _FEWEST_SHOUTED else 0.0
    return max(shouted, min(_MARKS_OF_ANGER.subn("", text)[1], 3) / 3)
