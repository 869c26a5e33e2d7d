"""Words to word pieces: a unigram segmentation over the pieces that the encoder knows."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from handoff_bot.ai.detector import text

UNKNOWN, BEGIN, END = 0, 1, 2
SPECIAL = 3
"""The first ids are no pieces: an unknown character, the start and the end of a text."""

SPACE = "\u2581"
_UNKNOWN_SCORE = -30.0
_LONGEST_RUN = 200
_QUOTES = str.maketrans("\u2019\u2018`\u00b4", "''''")


class Pieces:
    """A vocabulary: ids in order of the pieces given, after the special ones."""

    def __init__(self, pieces: Sequence[str], scores: Sequence[float]) -> None:
        self._ids = dict(zip(pieces, range(SPECIAL, SPECIAL + len(pieces)), strict=True))
        self._scores = (0.0,) * SPECIAL + tuple(scores)
        self._longest = max(map(len, pieces), default=1)
        self._run = lru_cache(20_000)(self._segment)

    def ids(self, words: str) -> list[int]:
        """The ids of a text, without start and end; a character that no piece has is UNKNOWN."""
        found: list[int] = []
        for run in plain(words).split():
            found += self._run(SPACE + run[:_LONGEST_RUN])
        return found

    def _segment(self, run: str) -> tuple[int, ...]:
        """The likeliest pieces of a run without spaces (Viterbi)."""
        best = [0.0] + [-1e9] * len(run)
        came: list[tuple[int, int]] = [(0, UNKNOWN)] * (len(run) + 1)
        for start in range(len(run)):
            for end, score, piece in self._from(run, start):
                if best[start] + score > best[end]:
                    best[end] = best[start] + score
                    came[end] = (start, piece)
        found, place = [], len(run)
        while place:
            place, piece = came[place]
            found.append(piece)
        return tuple(reversed(found))

    def _from(self, run: str, start: int) -> list[tuple[int, float, int]]:
        """(end, score, id) of what may start here; always a single character."""
        found = [(start + 1, _UNKNOWN_SCORE, UNKNOWN)]
        for end in range(start + 1, min(len(run), start + self._longest) + 1):
            piece = self._ids.get(run[start:end])
            if piece is not None:
                found.append((end, self._scores[piece], piece))
        return found


def plain(words: str) -> str:
    """Lower case, one form of each character, one kind of quotes, nothing stretched."""
    folded = unicodedata.normalize("NFKC", text.clip(words).translate(_QUOTES)).casefold()
    return text.unstretched(folded)
