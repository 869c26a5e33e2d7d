"""How well a passage fits a question, and the probability that it answers it."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handoff_bot.ai.assistant import questions
from handoff_bot.ai.assistant.articles import Passage
from handoff_bot.ai.assistant.words import folded, telling_words
from handoff_bot.domain.errors import ModelError

# -- the fit: the numbers from which certainty is computed

Vectors = NDArray[np.float32]

_SENTENCE_END = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s+|(?<=[\u3002\uff01\uff1f])")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:\d{1,2}|\w|\w\.\w|e\.g|i\.e|approx|bzw|ca|dr|etc|evtl|incl?|inkl|max|min|mrs?|ms|no|nr|prof|st|str|tel|usw|vgl)\.$",
    re.IGNORECASE,
)
ITEM = re.compile(r"\s*(?:[-*•]|\d{1,2}[.)])\s+")
_ALIKE, _SPAN = 0.45, 0.4
"""Words with at most this similarity count as unrelated; from their sum on as synonyms."""
_FOUND = 0.5
_HIGHEST = "\U0010ffff"
"""Sorts after every letter."""
_COSINE, _KIND = 0.8, 0.12
"""Weights of similarity in meaning and of the kind of thing asked, beside coverage 1."""

NAMES = (
    "near", "near_heading", "covered", "headed", "rank", "soft", "soft_sentence", "weakest", "unknown",
    "kind", "kind_missing", "lead_near", "lead_soft", "words", "spelt", "elsewhere", "fit",
    "near_linked", "lead_linked", "foreign", "foreign_near",
)  # fmt: skip
"""Names of the marks, in their order."""


@dataclass(frozen=True)
class Query:
    """A question, prepared for comparison.

    Attributes:
        words: content words by their stems.
        weights: by stem; higher for rarer ones.
        similar: [stems, vocabulary], similarity in meaning of each stem's word; empty without an
            encoder.
        vector: the question's meaning.
        kind: what it asks for.
        language: by its small words, "" if unclear.
        asked: same as `weights`, without an earlier question's words.
        best: by stem, how well any passage holds it, 0 to 1.
        english: meaning of the question in English, as far as the glossary knows it; None if it
            does not.
        senses: by stem, the stems of its English senses.
    """

    words: Mapping[str, str]
    weights: Mapping[str, float]
    similar: Vectors
    vector: Vectors | None
    kind: questions.Kind | None
    language: str
    asked: Mapping[str, float]
    best: NDArray[np.float64]
    english: Vectors | None = None
    senses: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)

    def is_foreign(self, locale: str) -> bool:
        return bool(self.language and locale) and self.language != locale

    def held_in(self, text: str, stem: str) -> bool:
        """Returns whether a searchable text has the word or one of its English senses."""
        return holds(text, stem) or any(
            all(holds(text, each) for each in sense) for sense in self.senses.get(stem, ())
        )

    def share_in(self, text: str) -> float:
        """Returns the weighted share of the words that a searchable text has."""
        held = sum(weight for one, weight in self.weights.items() if self.held_in(text, one))
        return held / sum(self.weights.values())


@dataclass(frozen=True)
class Indexed:
    """A passage, prepared for comparison.

    Attributes:
        whole: searchable words of title, heading, tags and text.
        heads: same of title, heading and tags.
        statements: sentences, items of lists and rows of tables.
        vectors: [statements + 1], meanings, the heading's first; empty without an encoder.
        linked: [statements], meanings of the heading and the statement together.
        words: places in the vocabulary, of heading and title first, then of each statement.
        sizes: [statements + 1], how many of `words` belong to each.
        searchable: searchable words of each statement.
    """

    passage: Passage
    whole: str
    heads: str
    statements: tuple[str, ...]
    vectors: Vectors
    linked: Vectors
    words: NDArray[np.int64]
    sizes: NDArray[np.int64]
    searchable: tuple[str, ...]


@dataclass(frozen=True)
class Terms:
    """An inverted index: which passages hold a word, as `Query.held_in` says for each of them.

    Looking into every text took 20 ms for a German question and 3,200 passages, this takes 1 ms.

    Attributes:
        words: distinct words, sorted, so that those with one prefix are neighbours.
        starts: [words + 1], where each word's places begin.
        places: passages by their numbers, in the order of `words`.
        wholes: searchable texts of the passages.
    """

    words: Sequence[str]
    starts: NDArray[np.int64]
    places: NDArray[np.int32]
    wholes: Sequence[str]

    @classmethod
    def of(cls, wholes: Sequence[str]) -> Terms:
        held: dict[str, list[int]] = {}
        for place, whole in enumerate(wholes):
            for word in dict.fromkeys(whole.split()):
                held.setdefault(word, []).append(place)
        words = sorted(held)
        return cls(
            words,
            np.cumsum([0, *(len(held[word]) for word in words)]),
            np.fromiter((place for word in words for place in held[word]), dtype=np.int32),
            wholes,
        )

    def holding(self, stem: str, senses: Sequence[Sequence[str]] = ()) -> NDArray[np.bool_]:
        """Returns [passages], whether each has the word or one of its English senses."""
        found = self._with(stem)
        for sense in senses:
            found |= np.logical_and.reduce([np.ones_like(found), *map(self._with, sense)])
        return found

    def _with(self, stem: str) -> NDArray[np.bool_]:
        """Returns [passages], whether each holds a stem; of several words, only the last is a prefix."""
        *whole, last = stem.split(" ")
        found = self._between(last, last + _HIGHEST)
        for word in whole:
            found &= self._between(word, word + " ")
        if whole:
            for place in np.flatnonzero(found).tolist():
                found[place] = holds(self.wholes[place], stem)
        return found

    def _between(self, first: str, end: str) -> NDArray[np.bool_]:
        found = np.zeros(len(self.wholes), dtype=np.bool_)
        low, high = bisect_left(self.words, first), bisect_left(self.words, end)
        found[self.places[self.starts[low] : self.starts[high]]] = True
        return found


@dataclass(frozen=True)
class Fit:
    """How well a passage fits.

    Attributes:
        near: highest similarity in meaning of the question and a statement, -1 to 1.
        covered: weighted share of the question's words, 0 to 1.
        headed: same for heading, title and tags.
        own: same without an earlier question's words; 1 without any.
        soft: same as `covered`, where words of similar meaning count in part.
        statements: how well each statement fits, higher is better.
        marks: numbers by NAMES; those about other passages are 0 until `compared`.
    """

    near: float
    covered: float
    headed: float
    own: float
    soft: float
    statements: tuple[float, ...]
    marks: tuple[float, ...]


def statements(text: str) -> list[str]:
    """Returns a passage's sentences, items of lists and rows of tables."""
    return list(_statements(text))


def _statements(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if not line.strip():
            continue
        if ITEM.match(line):
            yield line
            continue
        held: list[str] = []
        for part in filter(None, _SENTENCE_END.split(line)):
            held.append(part)
            if not _ABBREVIATION.search(part):
                yield " ".join(held).strip()
                held = []
        if held:
            yield " ".join(held).strip()


def searchable(text: str) -> str:
    """Returns words separated by single spaces, so that " ship" finds words with this prefix."""
    return " " + " ".join("".join(c if c.isalnum() else " " for c in folded(text)).split())


def holds(text: str, stem: str) -> bool:
    return f" {stem}" in text


def related(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns 0 for unrelated words, 1 for synonyms."""
    return np.asarray(np.clip((similarity - _ALIKE) / _SPAN, 0.0, 1.0), dtype=np.float64)


def fits(query: Query, passages: Sequence[Indexed], ranks: Sequence[float]) -> list[Fit]:
    """Compares a question with passages."""
    if not passages:
        return []
    held = _held(query, passages)
    ends = np.cumsum([1 + len(one.statements) for one in passages]).tolist()
    rows = (held[start:end] for start, end in pairwise([0, *ends]))
    each = zip(passages, rows, ranks, strict=True)
    return [_fit(query, one, its, rank) for one, its, rank in each]


def _fit(query: Query, one: Indexed, held: NDArray[np.float64], rank: float) -> Fit:
    """Compares a question with a passage.

    Args:
        held: [statements + 1, stems], how well the heading and each statement hold a stem, 0 to 1.
    """
    stems = list(query.weights)
    weights = np.array([query.weights[stem] for stem in stems])
    each = np.maximum(held[1:], held[0])
    found = held.max(axis=0)
    shares = (each @ weights / weights.sum()).tolist() or [0.0]
    near = _near(query, one)
    linked = _linked(query, one)
    kinds = [questions.holds(text, query.kind) for text in one.statements] or [False]
    scores = [
        part + _COSINE * max(close, both) + _KIND * right
        for part, close, both, right in zip(shares, near[1:], linked, kinds, strict=True)
    ]
    soft = float(found @ weights / weights.sum())
    mine = np.array([query.asked.get(stem, 0.0) for stem in stems])
    own = float(found @ mine / mine.sum()) if query.asked else 1.0
    covered = query.share_in(one.whole)
    best = int(np.argmax(scores))
    foreign = query.is_foreign(one.passage.locale)
    values = {
        "near": max(near), "near_heading": near[0], "covered": covered, "soft": soft,
        "headed": query.share_in(one.heads), "rank": rank / (1.0 + weights.sum()),
        "soft_sentence": max(shares), "weakest": float(found.min()),
        "unknown": float(weights @ (query.best < _FOUND) / weights.sum()),
        "kind": float(query.kind is not None and kinds[best]),
        "kind_missing": float(not any(kinds)), "words": math.log(1 + len(stems)),
        "spelt": float(covered > 0), "fit": max(scores),
        "near_linked": max(linked), "foreign": float(foreign),
        "foreign_near": foreign * max(max(near), max(linked)),
        "elsewhere": float(weights @ np.maximum(query.best - found, 0.0) / weights.sum()),
    }  # fmt: skip
    marks = tuple(values.get(name, 0.0) for name in NAMES)
    return Fit(max(near), covered, values["headed"], own, soft, tuple(scores), marks)


def compared(fits: Sequence[Fit], locales: Sequence[str]) -> list[tuple[float, ...]]:
    """Returns the marks with the leads over the best other passage in the same language.

    A translation of the same passage is no rival.
    """
    each = list(zip(fits, locales, strict=True))
    return [
        _with_leads(one, [other for other, its in each if other is not one and its == locale])
        for one, locale in each
    ]


def _with_leads(one: Fit, others: Sequence[Fit]) -> tuple[float, ...]:
    marks = dict(zip(NAMES, one.marks, strict=True))
    marks["lead_near"] = one.near - max((other.near for other in others), default=0.0)
    linked = NAMES.index("near_linked")
    best = max((other.marks[linked] for other in others), default=0.0)
    marks["lead_linked"] = one.marks[linked] - best
    marks["lead_soft"] = one.soft - max((other.soft for other in others), default=0.0)
    return tuple(marks[name] for name in NAMES)


def _held(query: Query, passages: Sequence[Indexed]) -> NDArray[np.float64]:
    """Returns [headings and statements, stems], how well each text holds a stem, 0 to 1.

    Of all passages together: one look-up of similar words instead of one for each statement.
    """
    texts = (text for one in passages for text in (one.heads, *one.searchable))
    found = np.array(
        [[query.held_in(text, stem) for stem in query.weights] for text in texts], dtype=np.float64
    )
    sizes = np.concatenate([one.sizes for one in passages])
    spoken = sizes > 0
    if query.similar.size and spoken.any():
        places = np.concatenate([one.words for one in passages])
        starts = (np.cumsum(sizes) - sizes)[spoken]
        closest = np.maximum.reduceat(query.similar[:, places], starts, axis=1).T
        found[spoken] = np.maximum(found[spoken], related(closest.astype(np.float64)))
    return found


def _near(query: Query, one: Indexed) -> list[float]:
    return _nearest(one.vectors, query, one, 1 + len(one.statements))


def _linked(query: Query, one: Indexed) -> list[float]:
    return _nearest(one.linked, query, one, len(one.statements))


def _nearest(vectors: Vectors, query: Query, one: Indexed, size: int) -> list[float]:
    """Returns similarities; with a passage in another language also those of the English question."""
    if query.vector is None:
        return [0.0] * size
    found = vectors @ query.vector
    if query.english is not None and query.is_foreign(one.passage.locale):
        found = np.maximum(found, vectors @ query.english)
    return [float(value) for value in found]


def linked(head: str, statement: str) -> str:
    """Returns a heading and a statement as one text."""
    return f"{head}: {statement}"


def vocabulary_of(text: str) -> list[str]:
    """Returns a text's content words, each once."""
    return list(telling_words(text).values())


# -- the probability: small networks over the numbers that `NAMES` lists
# Trained by bench/train_answers.py on questions whose passage was there, and on the same questions
# without it, where only near misses are left.

MODEL = Path(__file__).with_name("answerability.npz")

_FOREIGN = NAMES.index("foreign")

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Networks:
    """A few networks with one hidden layer, whose mean counts. Thread-safe.

    Attributes:
        mean, spread: [NAMES], by which the marks are scaled.
        hidden: [networks, NAMES + 1, units], the constant last.
        out: [networks, units + 1], the constant last.
    """

    mean: Floats
    spread: Floats
    hidden: Floats
    out: Floats

    def chances(self, marks: Floats) -> NDArray[np.float64]:
        """Returns a probability for each passage.

        Args:
            marks: [passages, NAMES].
        """
        scaled = (marks - self.mean) / self.spread
        units = np.tanh(scaled @ self.hidden[:, :-1] + self.hidden[:, -1:])
        logits = (units * self.out[:, None, :-1]).sum(axis=2) + self.out[:, -1:]
        chances: NDArray[np.float64] = (0.5 + 0.5 * np.tanh(0.5 * logits)).mean(axis=0)
        return chances


@dataclass(frozen=True)
class Answerability:
    """Networks for passages in the question's language, and for those in another: the same marks mean
    less between languages. Thread-safe.
    """

    own: Networks
    foreign: Networks

    def chances(
        self, marks: Sequence[Sequence[float]] | NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Returns a probability for each passage.

        Args:
            marks: [passages, NAMES].
        """
        given = np.asarray(marks, dtype=np.float32)
        is_foreign = given[:, _FOREIGN] > 0
        chances = np.zeros(len(given))
        for networks, mine in ((self.own, ~is_foreign), (self.foreign, is_foreign)):
            if mine.any():
                chances[mine] = networks.chances(given[mine])
        return chances

    def save(self, path: Path) -> None:
        each = {"own": self.own, "foreign": self.foreign}
        arrays = {
            f"{part}.{one.name}": getattr(networks, one.name)
            for part, networks in each.items()
            for one in fields(networks)
        }
        np.savez(path, **arrays)


@cache
def shipped() -> Answerability:
    """Returns the shipped model.

    Raises:
        ModelError: missing or damaged.
    """
    try:
        with np.load(MODEL, allow_pickle=False) as file:
            own, foreign = (
                Networks(**{one.name: file[f"{part}.{one.name}"] for one in fields(Networks)})
                for part in ("own", "foreign")
            )
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{MODEL.name} cannot be read") from error
    if {one.hidden.shape[1] for one in (own, foreign)} != {len(NAMES) + 1}:
        raise ModelError(f"{MODEL.name} was trained for other numbers")
    return Answerability(own, foreign)
