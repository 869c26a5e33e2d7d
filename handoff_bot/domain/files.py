"""Files between customers and agents: allowed types, sizes and names.

An allow-list: all other types are refused, including programs and web pages. The declared type is
compared with the first bytes. The table is our own, because a general detector answers another
question ("what may this be?") and knows hundreds of types that we would have to forbid again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from handoff_bot.domain.errors import Unacceptable

MB = 1_000_000
LARGEST = 20 * MB
"""Maximum bytes of any file: more than any channel allows, and small enough for memory."""
MOST_FILES = 10
"""Maximum number of files per message."""
LONGEST_STEM = 60
"""Maximum characters of a name before its extension: below 255 bytes in any script."""


@dataclass(frozen=True)
class Fetched:
    """A downloaded file before any check."""

    content_type: str
    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class File:
    """A checked file: its name is harmless and its type is verified."""

    name: str
    content_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class StoredFile:
    """A stored file, read in chunks.

    Attributes:
        size: in bytes.
        pieces: all chunks in order; ends early if the file is deleted in the meantime.
    """

    name: str
    content_type: str
    size: int
    pieces: Iterator[bytes] = field(repr=False)


@dataclass(frozen=True)
class DeskFile:
    """A file in a thread, as described by Slack.

    Attributes:
        id: Slack's id.
        size: in bytes, 0 if unknown.
        url: where Slack stores it, "" if it must be looked up first.
    """

    id: str
    name: str
    content_type: str
    size: int
    url: str


@dataclass(frozen=True)
class Sent:
    """A file for a customer: the token under which it is stored, and its description."""

    token: str
    content_type: str


@dataclass(frozen=True)
class Piece:
    """One message to a provider: text, a file by its token, or a picture with a caption."""

    text: str
    file: str = ""


def pieces(words: Sequence[str], files: Sequence[Sent], caption: int) -> list[Piece]:
    """Splits text and files into messages.

    The text becomes the first picture's caption if it fits; otherwise it goes first, followed by
    each file.
    """
    texts = [Piece(text) for text in words]
    rest = [Piece("", file.token) for file in files]
    fits = len(words) == 1 and len(words[0]) <= caption
    if fits and files and is_picture(files[0].content_type):
        return [Piece(words[0], files[0].token), *rest[1:]]
    return [*texts, *rest]


Check = Callable[[bytes], bool]


@dataclass(frozen=True)
class _Kind:
    """One file type: how to recognise it, and its extensions, the usual one first."""

    is_one: Check
    endings: tuple[str, ...]


def _begins(*starts: bytes) -> Check:
    return lambda data: data.startswith(starts)


def _box(*brands: bytes) -> Check:
    """Matches the MP4 family: a size, "ftyp", a brand; any brand if none is given."""
    return lambda data: data[4:8] == b"ftyp" and (not brands or data[8:12] in brands)


def _is_webp(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def _is_quicktime(data: bytes) -> bool:
    return data[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free")


def _is_mpeg_audio(data: bytes) -> bool:
    is_frame = len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0
    return data.startswith(b"ID3") or is_frame


_MARKUP = re.compile(
    rb"\s*(<!doctype|<html|<head|<body|<script|<svg|<\?xml|<\?php|#!)", re.IGNORECASE
)

_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")


def _is_text(data: bytes) -> bool:
    """Returns whether the data is text, but nothing that a browser, a shell or a program would run."""
    beginning = data.removeprefix(b"\xef\xbb\xbf")[:4096]
    return not (_CONTROLS.search(beginning) or _MARKUP.match(beginning))


_ZIP = _begins(b"PK\x03\x04")
_OLE = _begins(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_OFFICE = "application/vnd.openxmlformats-officedocument"

_KINDS: dict[str, _Kind] = {
    "image/jpeg": _Kind(_begins(b"\xff\xd8\xff"), (".jpg", ".jpeg", ".jpe")),
    "image/png": _Kind(_begins(b"\x89PNG\r\n\x1a\n"), (".png",)),
    "image/gif": _Kind(_begins(b"GIF87a", b"GIF89a"), (".gif",)),
    "image/webp": _Kind(_is_webp, (".webp",)),
    "image/heic": _Kind(_box(b"heic", b"heix", b"hevc", b"mif1", b"msf1"), (".heic", ".heif")),
    "audio/ogg": _Kind(_begins(b"OggS"), (".ogg", ".oga", ".opus")),
    "audio/mpeg": _Kind(_is_mpeg_audio, (".mp3",)),
    "audio/aac": _Kind(_begins(b"\xff\xf1", b"\xff\xf9"), (".aac",)),
    "audio/amr": _Kind(_begins(b"#!AMR"), (".amr",)),
    "audio/mp4": _Kind(_box(), (".m4a", ".mp4")),
    "audio/3gpp": _Kind(_box(), (".3gp",)),
    "video/mp4": _Kind(_box(), (".mp4", ".m4v")),
    "video/3gpp": _Kind(_box(), (".3gp",)),
    "video/quicktime": _Kind(_is_quicktime, (".mov",)),
    "video/webm": _Kind(_begins(b"\x1aE\xdf\xa3"), (".webm",)),
    "application/pdf": _Kind(_begins(b"%PDF-"), (".pdf",)),
    "application/msword": _Kind(_OLE, (".doc",)),
    "application/vnd.ms-excel": _Kind(_OLE, (".xls",)),
    f"{_OFFICE}.wordprocessingml.document": _Kind(_ZIP, (".docx",)),
    f"{_OFFICE}.spreadsheetml.sheet": _Kind(_ZIP, (".xlsx",)),
    f"{_OFFICE}.presentationml.presentation": _Kind(_ZIP, (".pptx",)),
    "text/plain": _Kind(_is_text, (".txt", ".log", ".md")),
    "text/csv": _Kind(_is_text, (".csv",)),
    "text/vcard": _Kind(_begins(b"BEGIN:VCARD"), (".vcf",)),
    "text/calendar": _Kind(_begins(b"BEGIN:VCALENDAR"), (".ics",)),
}
KINDS = tuple(_KINDS)
"""All content types allowed from customers to agents."""

_OTHER_NAMES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/heif": "image/heic",
    "audio/mp3": "audio/mpeg",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/opus": "audio/ogg",
    "audio/x-aac": "audio/aac",
    "application/x-pdf": "application/pdf",
    "text/x-vcard": "text/vcard",
    "text/directory": "text/vcard",
    "text/markdown": "text/plain",
}
_UNSAID = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_TELLING = ("image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf")
"""Types whose first bytes are unambiguous."""
_TYPE = re.compile(r"[a-z]{1,20}/[a-z0-9.+-]{1,80}", re.ASCII)


def kind_of(content_type: str) -> str:
    """Normalises a content type: lowercase, no parameters, one name per type."""
    plain = content_type.partition(";")[0].strip().lower()
    return _OTHER_NAMES.get(plain, plain)


def is_picture(content_type: str) -> bool:
    """Returns whether the type can be displayed inline."""
    return content_type.startswith("image/")


def examined(fetched: Fetched, limits: Mapping[str, int] | None = None) -> File:
    """Checks a file.

    Args:
        limits: maximum bytes for each allowed content type; None allows all known types.

    Raises:
        Unacceptable: the file is not allowed; with the reason.
    """
    allowed = dict.fromkeys(KINDS, LARGEST) if limits is None else limits
    kind = _true_kind(fetched)
    refuse_early(kind, len(fetched.data), allowed)
    if not fetched.data:
        raise Unacceptable("The file is empty.")
    return File(safe_name(fetched.name, kind), kind, fetched.data)


def refuse_early(content_type: str, size: int, limits: Mapping[str, int]) -> None:
    """Checks type and size before the download.

    Raises:
        Unacceptable: the file is not allowed; with the reason.
    """
    kind = kind_of(content_type)
    if kind in _UNSAID:
        return
    most = limits.get(kind)
    if most is None or kind not in _KINDS:
        raise Unacceptable(f"Files of this type{_spelled(kind)} cannot be forwarded.")
    if size > most:
        raise Unacceptable(f"The file is larger than {most / MB:g} MB.")


def _true_kind(fetched: Fetched) -> str:
    """Returns the verified type. A picture may turn out to be another picture type."""
    said = kind_of(fetched.content_type)
    found = next((kind for kind in _TELLING if _KINDS[kind].is_one(fetched.data)), "")
    if said in _UNSAID and found:
        return found
    known = _KINDS.get(said)
    if known is None:
        raise Unacceptable(f"Files of this type{_spelled(said)} cannot be forwarded.")
    if known.is_one(fetched.data) or not fetched.data:
        return said
    if is_picture(said) and is_picture(found):
        return found
    raise Unacceptable(f"The file's content does not match its type{_spelled(said)}.")


def _spelled(content_type: str) -> str:
    """Returns " (text/html)", or "" for an invalid type, which may contain anything."""
    return f" ({content_type})" if _TYPE.fullmatch(content_type) else ""


_FORBIDDEN = re.compile(r'[<>:"|?*\\/%&#;\x00-\x1f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


def safe_name(name: str, content_type: str) -> str:
    """Returns a safe file name: no folders, bounded length, the extension of its type."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(c for c in last if unicodedata.category(c)[0] != "C")
    clean = " ".join(_FORBIDDEN.sub("_", shown).split()).strip(" .-_~")
    kind = _KINDS.get(content_type)
    endings = kind.endings if kind else ("",)
    ending = next((one for one in endings if one and clean.lower().endswith(one)), "")
    stem = clean[: len(clean) - len(ending)].strip(" .-_")[:LONGEST_STEM].strip()
    if not stem or _RESERVED.fullmatch(stem):
        stem = called(content_type)
    return f"{stem}{ending.lower() or endings[0]}"


def called(content_type: str) -> str:
    """Returns the readable name of a file type."""
    return {"image": "picture", "audio": "sound", "video": "video"}.get(
        content_type.partition("/")[0], "document"
    )


def size_in_words(size: int) -> str:
    """Formats like "240 kB", "1.2 MB"."""
    return f"{size / MB:.1f} MB" if size >= MB else f"{max(1, size // 1000)} kB"
