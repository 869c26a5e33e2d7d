"""The knowledge base: passages of Markdown files in an SQLite full-text index, reread when a file changes."""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from handoff_bot.ai.assistant.articles import Passage, article_files, read_folder
from handoff_bot.ai.assistant.words import folded, telling_stems

_LOOK_AGAIN = 1.0  # seconds between two looks at the files
_TABLE = """
    CREATE VIRTUAL TABLE passage USING fts5 (
        title, heading, tags, body, tokenize = "unicode61 remove_diacritics 2"
    )
"""
_SEARCH = """
    SELECT rowid, -bm25(passage, 4.0, 6.0, 4.0, 1.0) AS rank FROM passage
    WHERE passage MATCH ? ORDER BY rank DESC LIMIT ?
"""

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Hit:
    """A passage that was found.

    Attributes:
        passage: what was found.
        rank: BM25, higher is better, comparable only within one search.
        covered: the share of the question's telling words that the passage holds, rare ones
            counting more, 0 to 1.
        headed: the same share, of its heading, title and tags alone.
    """

    passage: Passage
    rank: float
    covered: float
    headed: float


class Knowledge:
    """Finds passages. Safe to use from many threads: one connection, one lock, searches of microseconds.

    Close it, or use it as a context manager.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
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
        """Let go of the index."""
        with self._lock:
            self._database.close()

    def search(self, question: str, limit: int = 5) -> list[Hit]:
        """The best passages for a question, best first; none when nothing in it is found anywhere."""
        stems = telling_stems(question)
        with self._lock:
            self._refresh()
            if not stems:
                return []
            with closing(self._database.execute(_SEARCH, (_query(stems), limit))) as rows:
                found = rows.fetchall()
            weights = self._weights(stems)
            hits = [self._hit(row, rank, weights) for row, rank in found]
        return [hit for hit in hits if hit.covered]

    def _hit(self, row: int, rank: float, weights: dict[str, float]) -> Hit:
        return Hit(
            passage=self._passages[row],
            rank=rank,
            covered=_share(self._all[row], weights),
            headed=_share(self._heads[row], weights),
        )

    def _weights(self, stems: Sequence[str]) -> dict[str, float]:
        """How telling each stem is: one that no passage holds is the most telling of all."""
        size = len(self._all)
        counts = {one: sum(_holds(text, one) for text in self._all) for one in stems}
        return {one: math.log((size + 1) / (count + 0.5)) for one, count in counts.items()}

    def _refresh(self) -> None:
        """Read the files again if one changed; looks at most once a second."""
        now = self._clock()
        if now - self._looked_at < _LOOK_AGAIN:
            return
        self._looked_at = now
        stamp = _stamp(self._folder)
        if stamp != self._stamp:
            self._index(read_folder(self._folder))
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
        self._passages = passages
        self._all = [_searchable(" ".join(row)) for row in rows]
        self._heads = [_searchable(" ".join(row[:3])) for row in rows]


def _stamp(folder: Path) -> Stamp:
    found = []
    for path in article_files(folder):
        try:
            facts = path.stat()
        except OSError:  # gone between listing and looking
            continue
        found.append((str(path), facts.st_mtime_ns, facts.st_size))
    return tuple(found)


def _query(stems: Sequence[str]) -> str:
    """Any of the stems, as FTS5 understands it: quoted, so that no word is an operator, and as prefixes."""
    return " OR ".join(f'"{one}"*' for one in stems)


def _searchable(text: str) -> str:
    """Words separated by single spaces, so that " ship" finds a word that starts so."""
    return " " + " ".join("".join(c if c.isalnum() else " " for c in text).split())


def _holds(searchable: str, one: str) -> bool:
    return f" {one}" in searchable


def _share(searchable: str, weights: dict[str, float]) -> float:
    held = sum(weight for one, weight in weights.items() if _holds(searchable, one))
    return held / sum(weights.values())
