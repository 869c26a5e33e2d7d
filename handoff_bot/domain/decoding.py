"""Decodes text files: UTF-8, UTF-16 and UTF-32 with or without a byte order mark, and Windows-1252."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

# Longest first: the UTF-32 mark begins like the UTF-16 mark.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 4_096
# Text in another 8-bit encoding read as Windows-1252 has symbols within words ("zwróci³em",
# "³atwo") or words of accented letters only (Cyrillic, Greek). Neither occurs in the languages that
# Windows-1252 was made for.
_SIGN_IN_WORD = re.compile(
    r"[^\W\d_][\u00a0-\u00bf\u00d7\u00d0\u00f7][^\W\d_]"
    r"|[\u00a2\u00a4-\u00a6\u00ac\u00af\u00b2-\u00b4\u00b8\u00b9\u00bc-\u00be\u00d7\u00f7][^\W\d_]"
)
_ACCENTED_WORD = re.compile(r"(?<![^\W\d_])[\u00c0-\u00ff]{3,}(?![^\W\d_])")
_ACCENTED = re.compile(r"[\u00c0-\u00ff]")
_LETTER = re.compile(r"[^\W\d_]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
_MOST_ACCENTED = 0.3


@dataclass(frozen=True)
class Decoded:
    """A decoded file.

    Attributes:
        text: without a byte order mark, with "\n" line ends.
        guessed: the guessed encoding, "" for UTF-8 and marked files.
    """

    text: str
    guessed: str = ""


def decoded(data: bytes) -> Decoded:
    """Decodes a text file.

    Raises:
        ValueError: the encoding is unknown; the message says what to do.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return Decoded(_strictly(data[len(mark) :], encoding))
    if wide := _unmarked_utf16(data):
        return Decoded(_strictly(data, wide), "UTF-16")
    try:
        return Decoded(_tidy(data.decode("utf-8")))
    except UnicodeDecodeError:
        return Decoded(_windows(data), "Windows-1252")


def encoding_of(chunks: Iterator[bytes]) -> str:
    """Returns the encoding of a file that is too large to decode at once.

    Reads all chunks: bytes that are not UTF-8 may come late. The result fits `open`, which skips a mark.
    """
    first = next(chunks, b"")
    for mark, encoding in _MARKS:
        if first.startswith(mark):
            return "utf-8-sig" if encoding == "utf-8" else encoding[: len("utf-16")]
    half = len(first) - len(first) % 2
    if wide := _unmarked_utf16(first[:half]):
        return wide
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(first)
        for chunk in chunks:
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return _tidy(data.decode(encoding))
    except UnicodeDecodeError as error:
        raise ValueError("The file is damaged. Save it again as UTF-8.") from error


def _unmarked_utf16(data: bytes) -> str:
    """Decodes UTF-16 without a mark: in Western text, every second byte is zero."""
    sample = data[:_SAMPLE]
    half = len(sample) // 2
    if half and len(data) % 2 == 0:
        for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
            if sample[first::2].count(0) > half * 0.4 and not sample[1 - first :: 2].count(0):
                return encoding
    return ""


def _windows(data: bytes) -> str:
    try:
        text = _tidy(data.decode("cp1252"))
    except UnicodeDecodeError as error:
        raise ValueError("The encoding is unknown. Save the file as UTF-8.") from error
    letters = len(_LETTER.findall(text))
    accented = len(_ACCENTED.findall(text))
    is_garbled = _SIGN_IN_WORD.search(text) or _ACCENTED_WORD.search(text)
    if is_garbled or accented > letters * _MOST_ACCENTED:
        raise ValueError("The encoding is unknown. Save the file as UTF-8.")
    return text


def _tidy(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("This is not a text file.")
    return text.replace("\r\n", "\n").replace("\r", "\n")
