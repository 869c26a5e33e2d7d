"""The knowledge base: passages of Markdown files, found by words and by meaning.

Words are in an SQLite full-text index, meanings in vectors; both are rebuilt when a file changes.
"""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain, islice
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from handoff_bot.ai.assistant import evidence, question_kinds
from handoff_bot.ai.assistant.article_language import language_of
from handoff_bot.ai.assistant.articles import Passage, read_folder
from handoff_bot.ai.assistant.evidence import Fit, Indexed, Query
from handoff_bot.ai.assistant.folder import Stamp, stamp_of
from handoff_bot.ai.assistant.words import MOST_WORDS, folded, is_generic, telling_words

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
_SENTENCES = 40
_VOCABULARY = 6_000
"""Number of words whose meanings are kept, 2 KB each."""
_NOTHING = np.zeros((0, 0), dtype=np.float32)

Meaning = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to vectors of length one, by the detector's encoder."""


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
        marks: numbers by `evidence.NAMES`.
        statements: the passage's sentences, items and rows, each with how well it fits.
    """

    passage: Passage
    rank: float
    covered: float
    headed: float
    near: float
    own: float = 1.0
    marks: tuple[float, ...] = ()
    statements: tuple[tuple[str, float], ...] = ()


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
        self._vocabulary = self._meanings = _NOTHING
        self._starts = np.zeros(0, dtype=np.int64)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._indexed: list[Indexed] = []
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
        said = {} if earlier and is_generic(question) else telling_words(question)
        words = dict(islice((said | (telling_words(earlier) | said)).items(), MOST_WORDS))
        with self._lock:
            self._refresh()
            if not words or not self._indexed:
                return []
            with closing(self._database.execute(_SEARCH, (_query(list(words)), limit))) as rows:
                ranks = dict(rows.fetchall())
            query = self._prepared(question, earlier, words, list(said)[:MOST_WORDS])
            near = self._nearness(query)
            closest = np.argsort(-near)[:limit].tolist() if self._meaning else []
            places = list(dict.fromkeys([*ranks, *closest]))
            passages = [self._indexed[at] for at in places]
            each = [ranks.get(at, 0.0) for at in places]
            fits = evidence.fits(query, passages, each)
            marks = evidence.compared(fits, [one.passage.locale for one in passages])
            hits = list(map(_hit, passages, each, fits, marks))
        return [hit for hit in hits if hit.covered or hit.near]

    @property
    def folder(self) -> Path:
        return self._folder

    def all(self) -> list[Passage]:
        """Returns all passages."""
        with self._lock:
            self._refresh()
            return [one.passage for one in self._indexed]

    def languages(self) -> frozenset[str]:
        """Returns the languages of the articles."""
        with self._lock:
            self._refresh()
            return frozenset(one.passage.locale for one in self._indexed) - {""}

    def _prepared(
        self, question: str, earlier: str, words: dict[str, str], own: Sequence[str]
    ) -> Query:
        """Prepares a question; its words weigh by rarity, an earlier question's half as much."""
        counts = {
            one: sum(evidence.holds(each.whole, one) for each in self._indexed) for one in words
        }
        weights = self._weights(counts)
        asked = {one: weights[one] for one in own}
        weights = {one: w if one in asked else w * _EARLIER for one, w in weights.items()}
        similar, vector = _NOTHING, None
        if self._meaning is not None:
            whole = f"{earlier} {question}".strip()
            vector, *each = self._meaning([whole, *words.values()])
            similar = np.stack(each) @ self._vocabulary.T
        held = np.array([float(count > 0) for count in counts.values()])
        if similar.size:
            held = np.maximum(held, evidence.related(similar.max(axis=1).astype(np.float64)))
        kind = question_kinds.asked(question) or question_kinds.asked(earlier)
        return Query(words, weights, similar, vector, kind, language_of(question), asked, held)

    def _nearness(self, query: Query) -> NDArray[np.float32]:
        """Returns each passage's similarity in meaning to the question."""
        if query.vector is None:
            return np.zeros(len(self._indexed), dtype=np.float32)
        scores = self._meanings @ query.vector
        return np.maximum.reduceat(scores, self._starts)

    def _meant(self, texts: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """Returns a vector for each text; known ones are not computed again."""
        if self._meaning is None:
            return {}
        every = list(dict.fromkeys(texts))
        new = sorted((one for one in every if one not in self._known), key=len)
        vectors = dict(self._known)
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            vectors.update(zip(batch, self._meaning(batch), strict=True))
        return {one: vectors[one] for one in every}

    def _weights(self, counts: Mapping[str, int]) -> dict[str, float]:
        """Returns each stem's weight by how many passages contain it: without any, it weighs most."""
        size = len(self._indexed)
        return {one: math.log((size + 1) / (count + 0.5)) for one, count in counts.items()}

    def _refresh(self) -> None:
        """Re-reads the files after a change; checks at most once a second."""
        now = self._clock()
        if now - self._looked_at < _LOOK_AGAIN:
            return
        self._looked_at = now
        stamp = stamp_of(self._folder, self._today())
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
        said = [evidence.statements(one.text)[:_SENTENCES] for one in passages]
        heads = [one.heading or one.title for one in passages]
        words = self._words(passages)
        place = {word: number for number, word in enumerate(words)}
        linked = [
            evidence.linked(head, text)
            for head, each in zip(heads, said, strict=True)
            for text in each
        ]
        self._known = self._meant(
            [*heads, *(text for each in said for text in each), *linked, *words]
        )
        self._vocabulary = self._stacked(words)
        self._indexed = [
            self._one(passage, head, texts, row, place)
            for passage, head, texts, row in zip(passages, heads, said, rows, strict=True)
        ]
        sizes = [1 + len(one.statements) for one in self._indexed]
        self._starts = np.cumsum([0, *sizes[:-1]])
        self._meanings = self._stacked(
            [
                text
                for one, head in zip(self._indexed, heads, strict=True)
                for text in (head, *one.statements)
            ]
        )

    def _words(self, passages: Sequence[Passage]) -> list[str]:
        """Returns the most frequent content words, whose meanings are compared with a question's."""
        if self._meaning is None:
            return []
        counts = Counter(
            word
            for one in passages
            for word in evidence.vocabulary_of(f"{one.title} {one.heading} {one.text}")
        )
        return [word for word, _ in counts.most_common(_VOCABULARY)]

    def _stacked(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self._meaning is None or not texts:
            return _NOTHING
        return np.array([self._known[text] for text in texts])

    def _one(
        self,
        passage: Passage,
        head: str,
        texts: Sequence[str],
        row: Sequence[str],
        place: dict[str, int],
    ) -> Indexed:
        spoken = [
            [place[word] for word in evidence.vocabulary_of(text) if word in place]
            for text in (f"{passage.title} {passage.heading}", *texts)
        ]
        return Indexed(
            passage=passage,
            whole=evidence.searchable(" ".join(row)),
            heads=evidence.searchable(" ".join(row[:3])),
            statements=tuple(texts),
            vectors=self._stacked([head, *texts]),
            linked=self._stacked([evidence.linked(head, text) for text in texts]),
            words=np.array(list(chain.from_iterable(spoken)), dtype=np.int64),
            sizes=np.array(list(map(len, spoken)), dtype=np.int64),
            searchable=tuple(map(evidence.searchable, texts)),
        )


def _hit(one: Indexed, rank: float, fit: Fit, marks: tuple[float, ...]) -> Hit:
    return Hit(
        passage=one.passage,
        rank=rank,
        covered=fit.covered,
        headed=fit.headed,
        near=fit.near,
        own=fit.own,
        marks=marks,
        statements=tuple(zip(one.statements, fit.statements, strict=True)),
    )


def _query(stems: Sequence[str]) -> str:
    """Returns an FTS5 query for any of the stems: quoted, so that no word is an operator, and as
    prefixes.
    """
    return " OR ".join(f'"{one}"*' for one in stems)
