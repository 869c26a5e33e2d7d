"""The knowledge base: passages of Markdown files, found by words and by meaning.

Words are in an SQLite full-text index, meanings in vectors. When a file changes, a new index is built
beside the one that is searched; only passages that are new are prepared and encoded.
"""

from __future__ import annotations

import logging
import math
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from handoff_bot.ai.assistant import evidence, questions
from handoff_bot.ai.assistant.articles import Kept, Passage, read_folder
from handoff_bot.ai.assistant.asked import Asked, phrase
from handoff_bot.ai.assistant.evidence import Fit, Indexed, Query, Terms
from handoff_bot.ai.assistant.folder import Stamp, language_of, stamp_of
from handoff_bot.ai.assistant.words import MOST_WORDS, folded, is_generic, telling_stems
from handoff_bot.ai.deadline import within

logger = logging.getLogger(__name__)

_LOOK_AGAIN = 1.0  # seconds between two checks of the files
_PATIENCE = 2.0
"""Seconds that the search which finds a change waits for the new index; others do not wait."""
_RESTS, _LONGEST_REST = 10.0, 5.0
"""After a build, ten times as long without one, at most 5 s: a crawl changes a file a second."""
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


@dataclass(frozen=True)
class _Texts:
    """What is derived from one passage, without meanings: `row` are the columns of words, `spoken` the
    content words of heading and title, then of each statement.
    """

    row: tuple[str, ...]
    head: str
    statements: list[str]
    linked: list[str]
    spoken: list[list[str]]
    vocabulary: list[str]
    searchable: tuple[str, ...]

    @classmethod
    def of(cls, passage: Passage) -> _Texts:
        columns = (passage.title, passage.heading, " ".join(passage.tags), passage.text)
        head = passage.heading or passage.title
        said = evidence.statements(passage.text)[:_SENTENCES]
        above = f"{passage.title} {passage.heading}"
        return cls(
            row=tuple(map(folded, columns)),
            head=head,
            statements=said,
            linked=[evidence.linked(head, text) for text in said],
            spoken=[evidence.vocabulary_of(text) for text in (above, *said)],
            vocabulary=evidence.vocabulary_of(f"{above} {passage.text}"),
            searchable=tuple(map(evidence.searchable, said)),
        )


@dataclass(frozen=True)
class _Index:
    """All passages at one time. Never changed; closed when the next one replaces it."""

    database: sqlite3.Connection
    passages: list[Indexed]
    vocabulary: NDArray[np.float32]
    meanings: NDArray[np.float32]
    starts: NDArray[np.int64]
    terms: Terms


class Knowledge:
    """Searches passages. Thread-safe: one lock, searches take milliseconds. It is not held while files
    are read and a new index is built.

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
        self._senses: dict[str, NDArray[np.float32]] = {}  # of the glossary, so they are not many
        self._texts: dict[Passage, _Texts] = {}
        self._kept: Kept = {}
        self._lock = threading.Lock()
        self._building = threading.Lock()  # held by what looks for changes or builds
        nowhere = np.zeros(0, dtype=np.int64)
        self._index = _Index(_words_of([]), [], _NOTHING, _NOTHING, nowhere, Terms.of([]))
        self._stamp: Stamp | None = None
        self._look_at = -math.inf
        self._is_closed = False

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
            self._is_closed = True
            self._index.database.close()

    def search(
        self, question: str, limit: int = 5, earlier: str = "", language: str = ""
    ) -> list[Hit]:
        """Returns the best passages by words, then by meaning; none without any word.

        Args:
            earlier: the previous question for a follow-up; its words count less.
            language: of the question, if its own words do not show it.
        """
        spoken = language_of(question) or language
        said, before = Asked.of(question, spoken), Asked.of(earlier, spoken)
        if earlier and is_generic(question):
            said = replace(said, words={})
        ordered = {**said.words, **before.words, **said.words}
        words = dict(islice(ordered.items(), MOST_WORDS))
        senses = {**before.senses, **said.senses}
        self._refresh()
        with self._lock:
            if not words or not self._index.passages:
                return []
            with closing(
                self._index.database.execute(_SEARCH, (_query(words, senses), limit))
            ) as rows:
                ranks = dict(rows.fetchall())
            query = self._prepared(before, said, words, spoken)
            near = self._nearness(query)
            closest = np.argsort(-near)[:limit].tolist() if self._meaning else []
            places = list(dict.fromkeys([*ranks, *closest]))
            passages = [self._index.passages[at] for at in places]
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
        self._refresh()
        return [one.passage for one in self._index.passages]

    def languages(self) -> frozenset[str]:
        """Returns the languages of the articles."""
        self._refresh()
        return frozenset(one.passage.locale for one in self._index.passages) - {""}

    def _prepared(self, before: Asked, said: Asked, words: dict[str, str], spoken: str) -> Query:
        """Prepares a question; its words weigh by rarity, an earlier question's half as much."""
        senses = {**before.senses, **said.senses}
        lexical = {
            one: [telling_stems(each) for each in senses[one]] for one in words if one in senses
        }
        query = Query(words, {}, _NOTHING, None, None, spoken, {}, np.zeros(0), None, lexical)
        counts = {
            one: int(self._index.terms.holding(one, lexical.get(one, ())).sum()) for one in words
        }
        weights = self._weights(counts)
        asked = {one: weights[one] for one in islice(said.words, MOST_WORDS) if one in weights}
        weights = {one: w if one in asked else w * _EARLIER for one, w in weights.items()}
        similar, vector, english = _NOTHING, None, None
        if self._meaning is not None:
            whole = f"{before.text} {said.text}".strip()
            in_english = f"{before.english} {said.english}".strip()
            texts = [whole, *words.values(), *([in_english] if in_english else [])]
            vector, *each = self._meaning(texts)
            english = each.pop() if in_english else None
            similar = np.stack(each) @ self._index.vocabulary.T
            self._add_senses(similar, words, senses)
        held = np.array([float(count > 0) for count in counts.values()])
        if similar.size:
            held = np.maximum(held, evidence.related(similar.max(axis=1).astype(np.float64)))
        kinds = (said.text, said.english, before.text, before.english)
        kind = next(filter(None, map(questions.asked, kinds)), None)
        return replace(
            query,
            weights=weights,
            similar=similar,
            vector=vector,
            kind=kind,
            asked=asked,
            best=held,
            english=english,
        )

    def _add_senses(
        self,
        similar: NDArray[np.float32],
        words: Mapping[str, str],
        senses: Mapping[str, Sequence[str]],
    ) -> None:
        """Raises each word's row to the similarities of its English senses."""
        new = {each for one in words for each in senses.get(one, ()) if each not in self._senses}
        if new and self._meaning is not None:
            texts = sorted(new)
            self._senses |= dict(zip(texts, self._meaning(texts), strict=True))
        for row, one in zip(similar, words, strict=True):
            for each in senses.get(one, ()):
                np.maximum(row, self._senses[each] @ self._index.vocabulary.T, out=row)

    def _nearness(self, query: Query) -> NDArray[np.float32]:
        """Returns each passage's similarity in meaning to the question."""
        if query.vector is None:
            return np.zeros(len(self._index.passages), dtype=np.float32)
        scores = self._index.meanings @ query.vector
        if query.english is not None:
            scores = np.maximum(scores, self._index.meanings @ query.english)
        return np.maximum.reduceat(scores, self._index.starts)

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
        size = len(self._index.passages)
        return {one: math.log((size + 1) / (count + 0.5)) for one, count in counts.items()}

    def _refresh(self) -> None:
        """Has a new index built after a change of the files; looks at most once a second.

        The first search waits for its index, and what finds a change at most `_PATIENCE`. All others
        use the one that there is.
        """
        is_first = self._stamp is None
        if not self._building.acquire(blocking=is_first):
            return
        is_ours = True
        try:
            stamp = self._new_stamp()
            if stamp is None:
                return
            if is_first:
                self._build(stamp)
                return
            is_ours = False
            with suppress(TimeoutError):
                within(_PATIENCE, partial(self._build_later, stamp))
        finally:
            if is_ours:
                self._building.release()

    def _new_stamp(self) -> Stamp | None:
        now = self._clock()
        if now < self._look_at:
            return None
        self._look_at = now + _LOOK_AGAIN
        stamp = stamp_of(self._folder, self._today())
        return stamp if stamp != self._stamp else None

    def _build_later(self, stamp: Stamp) -> None:
        """After an error the earlier index stays, and the next look tries again."""
        try:
            self._build(stamp)
        except Exception:
            logger.exception("the knowledge base cannot be read again")
        finally:
            self._building.release()

    def _build(self, stamp: Stamp) -> None:
        began = self._look_at - _LOOK_AGAIN
        try:
            index = self._made(read_folder(self._folder, stamp[0], self._kept))
        finally:
            ended = self._clock()
            rest = min(_RESTS * (ended - began), _LONGEST_REST)
            self._look_at = max(self._look_at, ended + rest)
        with self._lock:
            earlier, self._index = self._index, index
            (index if self._is_closed else earlier).database.close()
            self._stamp = stamp

    def _made(self, passages: list[Passage]) -> _Index:
        earlier, self._texts = self._texts, {}
        for one in passages:
            self._texts[one] = earlier.get(one) or _Texts.of(one)
        texts = [self._texts[one] for one in passages]
        words = self._words(texts)
        place = {word: number for number, word in enumerate(words)}
        said = (text for one in texts for text in (one.head, *one.statements, *one.linked))
        self._known = self._meant(chain(said, words))
        sizes = [1 + len(one.statements) for one in texts]
        indexed = [
            self._one(passage, text, place) for passage, text in zip(passages, texts, strict=True)
        ]
        return _Index(
            database=_words_of([one.row for one in texts]),
            passages=indexed,
            vocabulary=self._stacked(words),
            meanings=self._stacked([text for one in texts for text in (one.head, *one.statements)]),
            starts=np.cumsum([0, *sizes[:-1]]),
            terms=Terms.of([one.whole for one in indexed]),
        )

    def _words(self, texts: Iterable[_Texts]) -> list[str]:
        """Returns the most frequent content words, whose meanings are compared with a question's."""
        if self._meaning is None:
            return []
        counts = Counter(word for one in texts for word in one.vocabulary)
        return [word for word, _ in counts.most_common(_VOCABULARY)]

    def _stacked(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self._meaning is None or not texts:
            return _NOTHING
        return np.array([self._known[text] for text in texts])

    def _one(self, passage: Passage, texts: _Texts, place: Mapping[str, int]) -> Indexed:
        spoken = [[place[word] for word in words if word in place] for words in texts.spoken]
        return Indexed(
            passage=passage,
            whole=evidence.searchable(" ".join(texts.row)),
            heads=evidence.searchable(" ".join(texts.row[:3])),
            statements=tuple(texts.statements),
            vectors=self._stacked([texts.head, *texts.statements]),
            linked=self._stacked(texts.linked),
            words=np.array(list(chain.from_iterable(spoken)), dtype=np.int64),
            sizes=np.array(list(map(len, spoken)), dtype=np.int64),
            searchable=texts.searchable,
        )


def _words_of(rows: Sequence[Sequence[str]]) -> sqlite3.Connection:
    """Returns a full-text index of the columns."""
    database = sqlite3.connect(":memory:", check_same_thread=False)
    with database:
        database.execute(_TABLE)
        database.executemany(
            "INSERT INTO passage (rowid, title, heading, tags, body) VALUES (?, ?, ?, ?, ?)",
            [(number, *row) for number, row in enumerate(rows)],
        )
    return database


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


def _query(stems: Iterable[str], senses: Mapping[str, Sequence[str]]) -> str:
    """Returns an FTS5 query for any of the stems and of their senses: quoted, so that no word is an
    operator, and as prefixes.
    """
    each = [sense for one in stems for sense in (one, *map(phrase, senses.get(one, ())))]
    return " OR ".join(f'"{one}"*' for one in dict.fromkeys(each))
