"""Reads `.npz` files; what is stored without compression stays in the file."""

from __future__ import annotations

import mmap
import struct
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

_NAME_AND_EXTRA = struct.Struct("<HH")
_LENGTHS_AT, _HEADER = 26, 30
"""Of a member's header in a ZIP archive: where those two lengths are, and how long it is without."""
_CHUNK = 1 << 16


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Returns the arrays by name; never unpickles.

    Uncompressed arrays of bytes are mapped: their pages are read when they are first used, shared by
    all processes, and free for the system to drop. Like the others they are checked first.

    Raises:
        OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, struct.error: the
            file is missing, damaged, or of another kind.
    """
    with path.open("rb") as raw, zipfile.ZipFile(raw) as archive:
        mapped = mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ)
        return {
            entry.filename.removesuffix(".npy"): _array(archive, entry, mapped)
            for entry in archive.infolist()
        }


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, mapped: mmap.mmap) -> NDArray[Any]:
    if entry.compress_type == zipfile.ZIP_STORED:
        with archive.open(entry) as file:
            found = _in_place(file, entry, mapped)
        if found is not None:
            return found
    with archive.open(entry) as file:
        array: NDArray[Any] = npy.read_array(file, allow_pickle=False)
        return array


def _in_place(file: IO[bytes], entry: zipfile.ZipInfo, mapped: mmap.mmap) -> NDArray[Any] | None:
    if npy.read_magic(file) != (1, 0):
        return None
    shape, is_fortran, kind = npy.read_array_header_1_0(file)
    if kind.itemsize != 1 or kind.hasobject or is_fortran:
        return None
    offset = file.tell()
    while file.read(_CHUNK):
        """Reads to the end, where the archive compares the checksum."""
    name, extra = _NAME_AND_EXTRA.unpack_from(mapped, entry.header_offset + _LENGTHS_AT)
    start = entry.header_offset + _HEADER + name + extra + offset
    size = int(np.prod(shape, dtype=np.int64))
    return np.frombuffer(mapped, kind, size, start).reshape(shape)
