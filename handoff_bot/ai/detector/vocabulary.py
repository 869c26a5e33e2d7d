"""The encoder's vocabulary, in a tenth of the memory of a dict of strings.

Pieces are stored end to end as UTF-8. A table sorted by CRC-32 finds one: the upper bits of the
checksum give the position, and the bytes are compared to resolve collisions.
"""

from __future__ import annotations

import zlib
from array import array
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
