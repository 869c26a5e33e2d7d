"""The knowledge base: passages of Markdown files, found by words and by meaning.

Words are in an SQLite full-text index, meanings in vectors; both are rebuilt when a file changes.
"""

from __future__ import annotations

import math
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from handoff_bot.ai.assistant.articles import Passage, read_folder
from handoff_bot.ai.assistant.folder import candidates
from handoff_bot.ai.assistant.words import folded, telling_stems

_LOOK_AGAIN = 1.0  # seconds between two checks of the files
_TABLE = """
    CREATE VIRTUAL TABLE passage USING fts5 (
        title, heading, tags, body, tokenize = "unicode61 remove_diacritics 2"
    )
"""
_SEARCH = """
    SELECT rowid, -bm25(passage, 4.0, 6.0, 4.0, 1.0) AS rank FROM passage
    WHERE passage MATCH ? ORDER BY rank DESC LIMIT ?
"""

_EARLIER = 0.5  # weight of an earlier question's word, relative to the last one's
_BATCH = 32
_SENTENCES = 8
_SENTENCE_END = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s+|\n+")

Meaning = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to vectors of length one, by the detector's encoder."""

Stamp = tuple[date, tuple[tuple[str, int, int], ...]]
"""The date, because articles are published and expire by date, and the files' sizes and times."""


@dataclass(frozen=True)
class Hit:
    """A search result.

    Attributes:
        passage: the passage.
        rank: BM25, higher is better, only comparable within one search.
        covered: share of the question's content words in the passage, weighted by rarity, 0 to 1.
        headed: same share, for heading, title and tags only.
        own: same share without earlier questions; 1 without content words.
        near: highest similarity in meaning of the question and the passage's sentences, -1 to 1; 0
            without an encoder.
    """

    passage: Passage
    rank: float
    covered: float
    headed: float
    near: float
    own: float = 1.0


class Knowledge:
    """Searches passages. Thread-safe: one connection, one lock, searches take microseconds.

    Close it, or use it as a context manager.
    """

    def __init__(
        self,
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
        meaning: Meaning | None = None,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._today = today
        self._meaning = meaning
        self._known: dict[str, NDArray[np.float32]] = {}
        self._meant: list[NDArray[np.float32]] = []
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._passages: list[Passage] = []
        self._all: list[str] = []
        self._heads: list[str] = []
        self._stamp: Stamp | None = None
        self._looked_at = -math.inf

    def __enter__(self) -> Knowledge:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the index."""
        with self._lock:
            self._database.close()

    def search(self, question: str, limit: int = 5, earlier: str = "") -> list[Hit]:
        """Returns the best passages by words, then by meaning; none without any word.

        Args:
            earlier: the previous question for a follow-up; its words count less.
        """
        own = telling_stems(question)
        stems = list(dict.fromkeys([*own, *telling_stems(earlier)]))
        with self._lock:
            self._refresh()
            if not stems or not self._passages:
                return []
            with closing(self._database.execute(_SEARCH, (_query(stems), limit))) as rows:
                ranks = dict(rows.fetchall())
            near = self._nearness(f"{earlier} {question}".strip())
            closest = np.argsort(-near)[:limit].tolist() if self._meaning else []
            weights = self._weights(stems)
            asked = {one: weights[one] for one in own}
            weights = {one: w if one in asked else w * _EARLIER for one, w in weights.items()}
            hits = [
                Hit(
                    passage=self._passages[row],
                    rank=ranks.get(row, 0.0),
                    covered=_share(self._all[row], weights),
                    headed=_share(self._heads[row], weights),
                    near=float(near[row]),
                    own=_share(self._all[row], asked) if asked else 1.0,
                )
                for row in dict.fromkeys([*ranks, *closest])
            ]
        return [hit for hit in hits if hit.covered or hit.near]

    @property
    def folder(self) -> Path:
        return self._folder

    def all(self) -> list[Passage]:
        """Returns all passages."""
        with self._lock:
            self._refresh()
            return list(self._passages)

    def languages(self) -> frozenset[str]:
        """Returns the declared languages of the articles."""
        with self._lock:
            self._refresh()
            return frozenset(one.locale for one in self._passages if one.locale)

    def _nearness(self, question: str) -> NDArray[np.float32]:
        """Returns each passage's similarity in meaning to the question."""
        if self._meaning is None:
            return np.zeros(len(self._passages), dtype=np.float32)
        asked = self._meaning([question])[0]
        return np.array([float((meant @ asked).max()) for meant in self._meant], dtype=np.float32)

    def _read_meanings(self, passages: Sequence[Passage]) -> None:
        """Computes a vector for each sentence of a passage; unchanged ones are kept."""
        if self._meaning is None:
            return
        said = [_things_said(passage) for passage in passages]
        new = sorted({words for one in said for words in one if words not in self._known}, key=len)
        vectors = dict(self._known)
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            vectors.update(zip(batch, self._meaning(batch), strict=True))
        self._known = {words: vectors[words] for one in said for words in one}
        self._meant = [np.array([self._known[words] for words in one]) for one in said]

    def _weights(self, stems: Sequence[str]) -> dict[str, float]:
        """Returns each stem's weight: one that no passage contains weighs most."""
        size = len(self._all)
        counts = {one: sum(_holds(text, one) for text in self._all) for one in stems}
        return {one: math.log((size + 1) / (count + 0.5)) for one, count in counts.items()}

    def _refresh(self) -> None:
        """Re-reads the files after a change; checks at most once a second."""
        now = self._clock()
        if now - self._looked_at < _LOOK_AGAIN:
            return
        self._looked_at = now
        stamp = _stamp(self._folder, self._today())
        if stamp != self._stamp:
            self._index(read_folder(self._folder, stamp[0]))
            self._stamp = stamp

    def _index(self, passages: list[Passage]) -> None:
        rows = [
            tuple(map(folded, (one.title, one.heading, " ".join(one.tags), one.text)))
            for one in passages
        ]
        with self._database:
            self._database.execute("DROP TABLE IF EXISTS passage")
            self._database.execute(_TABLE)
            self._database.executemany(
                "INSERT INTO passage (rowid, title, heading, tags, body) VALUES (?, ?, ?, ?, ?)",
                [(number, *row) for number, row in enumerate(rows)],
            )
        self._read_meanings(passages)
        self._passages = passages
        self._all = [_searchable(" ".join(row)) for row in rows]
        self._heads = [_searchable(" ".join(row[:3])) for row in rows]


def _things_said(passage: Passage) -> list[str]:
    """Returns heading and first sentences; title and tags say too little about one passage of many."""
    ends = _SENTENCE_END.split(passage.text)
    said = [passage.heading or passage.title, *ends[:_SENTENCES]]
    return [words for words in said if words.strip()]


def _stamp(folder: Path, today: date) -> Stamp:
    found = []
    for path in candidates(folder):
        try:
            facts = path.stat()
        except OSError:  # deleted between listing and reading
            continue
        found.append((str(path), facts.st_mtime_ns, facts.st_size))
    return today, tuple(found)


def _query(stems: Sequence[str]) -> str:
    """Returns an FTS5 query for any of the stems: quoted, so that no word is an operator, and as
    prefixes.
    """
    return " OR ".join(f'"{one}"*' for one in stems)


def _searchable(text: str) -> str:
    """Returns words separated by single spaces, so that " ship" finds words with this prefix."""
    return " " + " ".join("".join(c if c.isalnum() else " " for c in text).split())


def _holds(searchable: str, one: str) -> bool:
    return f" {one}" in searchable


def _share(searchable: str, weights: dict[str, float]) -> float:
    held = sum(weight for one, weight in weights.items() if _holds(searchable, one))
    return held / sum(weights.values())
