"""Word pieces: unigram segmentation with the encoder's vocabulary."""

from __future__ import annotations

import unicodedata
import zlib
from array import array
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from handoff_bot.ai.detector import text
from handoff_bot.ai.detector.vocabulary import Vocabulary

UNKNOWN, BEGIN, END = 0, 1, 2
SPECIAL = 3
"""The first ids are reserved: unknown character, start and end of a text."""

SPACE = "\u2581"
_UNKNOWN_SCORE = -30.0
_LONGEST_RUN = 200
_CACHED = 4096
_QUOTES = str.maketrans("\u2019\u2018`\u00b4", "''''")


class Pieces:
    """Splits texts into pieces. Ids follow the order of the pieces, after the special ones."""

    def __init__(self, vocabulary: Vocabulary, scores: NDArray[np.float32]) -> None:
        if len(scores) != len(vocabulary):
            raise ValueError("a score for each piece")
        self._vocabulary = vocabulary
        self._scores = array("f", scores.tobytes())
        self._run = lru_cache(_CACHED)(self._segment)

    def ids(self, words: str) -> list[int]:
        """Returns a text's ids, without start and end; an unknown character is UNKNOWN."""
        found: list[int] = []
        for run in plain(words).split():
            found += self._run(SPACE + run[:_LONGEST_RUN])
        return found

    def _segment(self, run: str) -> tuple[int, ...]:
        """Returns the most likely pieces of a run without spaces (Viterbi)."""
        best = [0.0] + [-1e9] * len(run)
        came: list[tuple[int, int]] = [(0, UNKNOWN)] * (len(run) + 1)
        letters = [letter.encode(errors="surrogatepass") for letter in run]
        for start in range(len(run)):
            for end, score, piece in self._from(letters, start):
                if best[start] + score > best[end]:
                    best[end] = best[start] + score
                    came[end] = (start, piece)
        found, place = [], len(run)
        while place:
            place, piece = came[place]
            found.append(piece)
        return tuple(reversed(found))

    def _from(self, letters: Sequence[bytes], start: int) -> list[tuple[int, float, int]]:
        """Returns (end, score, id) of possible pieces here; always includes a single character."""
        found = [(start + 1, _UNKNOWN_SCORE, UNKNOWN)]
        piece, checksum = b"", 0
        for end, letter in enumerate(letters[start : start + self._vocabulary.longest], start + 1):
            piece, checksum = piece + letter, zlib.crc32(letter, checksum)
            number = self._vocabulary.number(piece, checksum)
            if number is not None:
                found.append((end, self._scores[number], SPECIAL + number))
        return found


def plain(words: str) -> str:
    """Normalises: lowercase, one form per character, one kind of quotes, no stretched letters."""
    clipped = text.clip(words).translate(_QUOTES)
    folded = (clipped if clipped.isascii() else unicodedata.normalize("NFKC", clipped)).casefold()
    return text.unstretched(folded)
