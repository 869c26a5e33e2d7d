"""Reads PDF, DOCX and HTML files, and the archives that Notion and Google Docs export.

Files may be broken, encrypted or built to exhaust the memory. Sizes, pages and members are bounded,
and whatever a library raises becomes a reason to skip the file.
"""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from statistics import median
from typing import Any

from bs4 import BeautifulSoup
from bs4.element import Tag

from handoff_bot.ai.assistant.markdown import Section, html_sections
from handoff_bot.domain.text import decoded

ARCHIVE = ".zip"
DOCUMENTS = frozenset({".pdf", ".docx", ".html", ".htm"})
LARGEST = 20_000_000
"""Bytes of a file, and of a file in an archive."""
_LARGEST_HTML = 3_000_000
_UNPACKED = 100_000_000
"""Bytes of all files of an archive: text shrinks to a tenth, a zip bomb to a thousandth."""
MOST_MEMBERS = 2_000
MOST_PAGES = 500
_SECONDS = 60.0
_LARGEST_XML = 5_000_000
"""Bytes of all XML files of a DOCX, unpacked: parsed, they take fifty times as much memory."""
_LARGEST_CONTENTS = 1_000_000
"""Bytes of what draws one page of a PDF, unpacked: its time is only checked between pages."""
_LONGEST = 1_000_000
"""Characters of a document."""

MISSING = "To read it, install handoff-bot[sources]."
TOO_LARGE = f"The file is larger than {LARGEST // 1_000_000} MB."
ENCRYPTED = "The file is encrypted. Save it without a password."
BROKEN = "The file is damaged, or not what its name says."
TOO_MANY_PAGES = f"The document has more than {MOST_PAGES} pages. Split it."
TOO_MUCH = f"The archive unpacks to more than {_UNPACKED // 1_000_000} MB, or to too many files."
TOO_LONG = f"Its text takes more than {_LARGEST_XML // 1_000_000} MB as XML. Split the document."
TOO_SLOW = "Reading takes longer than a minute. Split the document."

_OUTSIDE = ("nav", "header", "footer", "aside", "script", "style")
_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "complementary"})
_HEADING_SIZE, _LONGEST_HEADING = 1.15, 120
_BULLET = re.compile(r"[•‣▪●*-]\s|\d{1,2}[.)]\s")
_NO_TITLE = re.compile(r"\.\w{2,5}\Z|^Microsoft|^untitled", re.IGNORECASE)
"""What programs write where an author has named no title."""
_NOTION_ID = re.compile(r"[ _-][0-9a-f]{32}\Z")


@dataclass(frozen=True)
class Document:
    """A document: its title, "" if it names none, and its text by headings."""

    title: str
    sections: list[Section]


@dataclass(frozen=True)
class Member:
    """A file in an archive; `problem` is why it cannot be read, "" if it can."""

    name: str
    data: bytes = b""
    problem: str = ""


def read_document(data: bytes, suffix: str) -> Document:
    """Reads a document of one of the types in DOCUMENTS.

    Raises:
        ValueError: it cannot be read; with the reason.
    """
    if len(data) > LARGEST:
        raise ValueError(TOO_LARGE)
    with _only_reasons():
        return _READERS[suffix](data)


@contextmanager
def _only_reasons() -> Iterator[None]:
    """Turns everything that a library raises into a reason."""
    try:
        yield
    except ImportError as error:
        raise ValueError(MISSING) from error
    except ValueError as error:
        # A library's own message may quote the document.
        raise ValueError(str(error) if str(error) in _REASONS else BROKEN) from error
    except (Exception, RecursionError) as error:  # damaged files make libraries raise anything
        raise ValueError(BROKEN) from error


_REASONS = frozenset({ENCRYPTED, TOO_MANY_PAGES, TOO_MUCH, TOO_LARGE, TOO_LONG, TOO_SLOW, BROKEN})


# -- HTML and DOCX


def _html(data: bytes) -> Document:
    if len(data) > _LARGEST_HTML:
        raise ValueError(TOO_LARGE)
    return html_document(decoded(data).text)


def html_document(html: str) -> Document:
    """Returns a page's main part, without navigation."""
    # A text without tags that looks like an address or a file name would be warned of.
    page = BeautifulSoup(html if "<" in html else f"<p>{html}</p>", "html.parser")
    title = page.title.get_text(" ", strip=True) if page.title else ""
    for tag in page.find_all(_is_outside):
        tag.decompose()
    mains = page.find_all("main") or page.find_all("article")
    only = mains[0] if len(mains) == 1 and isinstance(mains[0], Tag) else page
    return Document(" ".join(title.split()), html_sections(only))


def _is_outside(tag: Tag) -> bool:
    return tag.name in _OUTSIDE or str(tag.get("role") or "") in _ROLES


def _docx(data: bytes) -> Document:
    import mammoth  # an extra

    if not zipfile.is_zipfile(BytesIO(data)):
        # A password puts the document into another container (OLE).
        raise ValueError(ENCRYPTED if data.startswith(b"\xd0\xcf\x11\xe0") else BROKEN)
    with zipfile.ZipFile(BytesIO(data)) as archive:
        _refuse_bombs(archive)
        _refuse_large_xml(archive)
    without_pictures = mammoth.images.img_element(lambda _image: {"src": ""})
    found = mammoth.convert_to_html(BytesIO(data), convert_image=without_pictures)
    return Document("", html_sections(BeautifulSoup(found.value[:_LONGEST], "html.parser")))


# -- PDF


def _pdf(data: bytes) -> Document:
    from pypdf import PdfReader  # an extra
    from pypdf.errors import DependencyError

    reader = PdfReader(BytesIO(data))
    if reader.is_encrypted:
        try:
            if not reader.decrypt(""):
                raise ValueError(ENCRYPTED)
        except (DependencyError, NotImplementedError) as error:
            raise ValueError(ENCRYPTED) from error
    if len(reader.pages) > MOST_PAGES:
        raise ValueError(TOO_MANY_PAGES)
    until = time.monotonic() + _SECONDS
    lines: list[tuple[str, float]] = []
    for page in reader.pages:
        lines += _lines(page)
        if time.monotonic() > until:
            raise ValueError(TOO_SLOW)
        if sum(len(text) for text, _ in lines) > _LONGEST:
            raise ValueError(TOO_LARGE)
    named = reader.metadata.title if reader.metadata else ""
    title = " ".join(str(named or "").split())
    return Document("" if _NO_TITLE.search(title) else title, _by_size(lines))


def _lines(page: Any) -> list[tuple[str, float]]:
    """Returns a page's lines, each with its largest type size."""
    if _size_of_contents(page.get("/Contents")) > _LARGEST_CONTENTS:
        raise ValueError(TOO_SLOW)
    found: list[tuple[str, float]] = []
    text, size = "", 0.0

    def visit(part: str, _cm: Any, matrix: Any, _font: Any, points: float) -> None:
        nonlocal text, size
        height = abs(float(points) * float(matrix[3] or 1))
        first, *others = part.split("\n")
        for number, piece in enumerate([first, *others]):
            if number:
                found.append((text, size))
                text, size = "", 0.0
            if piece.strip():
                text, size = text + piece, max(size, height)

    page.extract_text(visitor_text=visit)
    return [(" ".join(one.split()), height) for one, height in [*found, (text, size)]]


def _size_of_contents(contents: Any) -> int:
    """Returns the bytes of what draws a page: a stream, or several."""
    found = contents.get_object() if contents is not None else []
    streams = [one.get_object() for one in found] if isinstance(found, list) else [found]
    return sum(len(one.get_data()) for one in streams if hasattr(one, "get_data"))


def _by_size(lines: list[tuple[str, float]]) -> list[Section]:
    """Splits at lines in larger type; wrapped lines are joined."""
    sizes = [height for text, height in lines for _ in range(len(text))]
    usual = median(sizes) if sizes else 0.0
    found = [Section()]
    for text, height in lines:
        if text and height >= _HEADING_SIZE * usual > 0 and len(text) <= _LONGEST_HEADING:
            if found[-1].blocks or not found[-1].heading:
                found.append(Section(level=2, heading=text))
            else:
                found[-1].heading += f" {text}"
        else:
            _add(found[-1].blocks, text)
    return found


def _add(blocks: list[str], text: str) -> None:
    """Adds a line: after an empty one or before a bullet as a block, else to the last block."""
    if not text:
        if blocks and blocks[-1]:
            blocks.append("")
    elif blocks and blocks[-1] and not _BULLET.match(text):
        last = blocks[-1]
        is_divided = re.fullmatch(r"\w-", last[-2:]) and text[:1].islower()
        blocks[-1] = f"{last[:-1]}{text}" if is_divided else f"{last} {text}"
    elif blocks and not blocks[-1]:
        blocks[-1] = text
    else:
        blocks.append(text)


_READERS: Mapping[str, Callable[[bytes], Document]] = {
    ".pdf": _pdf,
    ".docx": _docx,
    ".html": _html,
    ".htm": _html,
}


# -- archives


def members(data: bytes, is_wanted: Callable[[str], bool], depth: int = 1) -> Iterator[Member]:
    """Yields the wanted files of an archive, by name; Notion puts archives into an archive.

    Raises:
        ValueError: the archive cannot be read, or unpacks to too much.
    """
    with _only_reasons():
        yield from _members(data, is_wanted, depth, _Budget())


@dataclass
class _Budget:
    """What may still be unpacked of an archive and the archives in it: bytes, and number of files."""

    left: int = _UNPACKED
    members: int = MOST_MEMBERS

    def spend(self, size: int) -> None:
        self.left -= size
        self.members -= 1
        if self.left < 0 or self.members < 0:
            raise ValueError(TOO_MUCH)


def _members(
    data: bytes, is_wanted: Callable[[str], bool], depth: int, budget: _Budget
) -> Iterator[Member]:
    if len(data) > _UNPACKED:
        raise ValueError(TOO_LARGE)
    with zipfile.ZipFile(BytesIO(data)) as archive:
        _refuse_bombs(archive)
        for info in sorted(archive.infolist(), key=lambda one: one.filename):
            is_archive = depth > 0 and PurePosixPath(info.filename).suffix.lower() == ARCHIVE
            if info.is_dir() or not (is_archive or is_wanted(info.filename)):
                continue
            member = _member(archive, info, LARGEST)
            budget.spend(len(member.data))
            if is_archive and not member.problem:
                yield from _members(member.data, is_wanted, depth - 1, budget)
            else:
                yield member


def _refuse_bombs(archive: zipfile.ZipFile) -> None:
    found = archive.infolist()
    if len(found) > MOST_MEMBERS or sum(one.file_size for one in found) > _UNPACKED:
        raise ValueError(TOO_MUCH)


def _refuse_large_xml(archive: zipfile.ZipFile) -> None:
    """Any file may be the document's text, whatever its name; of each, no more is unpacked than its
    declared size.
    """
    xml = (one for one in archive.infolist() if _is_xml(archive, one))
    if sum(one.file_size for one in xml) > _LARGEST_XML:
        raise ValueError(TOO_LONG)


def _is_xml(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    with archive.open(info) as file:
        beginning = file.read(100)
    return beginning.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> Member:
    """Reads one file; its declared size is not trusted."""
    if info.flag_bits & 0x1:
        return Member(info.filename, problem=ENCRYPTED)
    try:
        with archive.open(info) as file:
            data = file.read(most + 1)
    except Exception:  # damaged members raise errors of several decompressors
        return Member(info.filename, problem=BROKEN)
    return (
        Member(info.filename, problem=TOO_LARGE)
        if len(data) > most
        else Member(info.filename, data)
    )


def stem_of(name: str) -> str:
    """Returns a file's name without its extension and without the id that Notion appends."""
    return _NOTION_ID.sub("", PurePosixPath(name).stem)
