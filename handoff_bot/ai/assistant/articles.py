"""Reads the knowledge base's articles into passages, one per heading."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path, PurePosixPath

from handoff_bot.ai.assistant.documents import (
    ARCHIVE,
    DOCUMENTS,
    members,
    read_document,
    stem_of,
)
from handoff_bot.ai.assistant.folder import (
    LARGEST,
    MARKDOWN,
    PLAIN,
    Found,
    FrontMatter,
    articles,
    content,
    language_of,
    read,
    split_front_matter,
)
from handoff_bot.ai.assistant.markdown import Section, sections
from handoff_bot.domain.text import Decoded, decoded

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Passage:
    """The text under one heading.

    Attributes:
        title: the article's title, named as the source.
        heading: the passage's own, "" before the first one.
        text: plain text with paragraphs.
        locale: ISO 639-1, as given or as its words show; "" if neither does.
        tags: customers' other words for it.
        origin: the document or the web page that it was read from, "" for an article.
    """

    title: str
    heading: str
    text: str
    locale: str
    tags: tuple[str, ...]
    origin: str = ""

    @property
    def source(self) -> str:
        """Returns the title, and where the passage is from."""
        return f"{self.title} ({self.origin})" if self.origin else self.title


@dataclass(frozen=True)
class Reading:
    """Result of reading one file.

    Attributes:
        name: path within the folder.
        passages: the usable passages.
        left_out: why the file is skipped, "" if it is used.
        is_wrong: True if the file needs fixing.
        guessed: the guessed encoding, if the file does not declare one.
        is_sample: True if customers can read it and it belongs to the sample shop.
    """

    name: str
    passages: tuple[Passage, ...] = ()
    left_out: str = ""
    is_wrong: bool = False
    guessed: str = ""
    is_sample: bool = False


Kept = dict[Found, tuple[tuple[int, int, date], tuple[Reading, ...]]]
"""What was read of each file, with its time, its size, and the day."""


def read_folder(folder: Path, today: date, kept: Kept | None = None) -> list[Passage]:
    """Returns the folder's passages by file name; unreadable files are skipped and logged.

    Args:
        kept: files that have not changed since are not read again; updated.
    """
    found: list[Passage] = []
    for reading in readings(folder, today, {} if kept is None else kept):
        found.extend(reading.passages)
        if reading.is_wrong:
            logger.warning(
                "knowledge article is left out",
                extra={"article": reading.name, "reason": reading.left_out},
            )
    return found


def readings(folder: Path, today: date, kept: Kept | None = None) -> Iterator[Reading]:
    """Yields the result for each file that may be an article."""
    earlier = dict(kept or {})
    if kept is not None:
        kept.clear()
    for found in articles(folder):
        stamp = _stamp(found, today)
        known = earlier.get(found)
        if known is None or stamp is None or known[0] != stamp:
            known = stamp or (0, 0, today), tuple(_readings(found, today))
        if kept is not None:
            kept[found] = known
        yield from known[1]


def _stamp(found: Found, today: date) -> tuple[int, int, date] | None:
    try:
        facts = found.path.stat()
    except OSError:  # deleted between listing and reading
        return None
    return facts.st_mtime_ns, facts.st_size, today


def _readings(found: Found, today: date) -> Iterator[Reading]:
    if found.left_out:
        yield Reading(found.name, left_out=found.left_out, is_wrong=found.is_wrong)
    elif found.path.suffix.lower() in MARKDOWN | PLAIN:
        yield _read(found, today)
    else:
        yield from _documents(found, today)


def _read(found: Found, today: date) -> Reading:
    try:
        file = read(found.path)
    except ValueError as error:
        return _wrong(found.name, str(error))
    return _article(found.name, file, found.path.stem, today)


def _wrong(name: str, why: str) -> Reading:
    return Reading(name, left_out=why, is_wrong=True)


def _article(name: str, file: Decoded, stem: str, today: date, origin: str = "") -> Reading:
    try:
        about, text = split_front_matter(file.text, today)
    except ValueError as error:
        return _wrong(name, str(error))
    if about.withheld:
        return Reading(name, left_out=about.withheld)
    try:
        parts = _parts(text, PurePosixPath(name).suffix.lower())
    except RecursionError:
        return _wrong(name, "the front matter is nested too deeply")
    except Exception:  # the text of a hostile page makes parsers raise anything
        return _wrong(name, "the text cannot be read")
    told = tuple(_passages(about, parts, stem, about.source or origin))
    return Reading(
        name,
        told,
        left_out="" if told else "the article has no text",
        guessed=file.guessed,
        is_sample=bool(told) and about.is_sample,
    )


# -- documents


def _documents(found: Found, today: date) -> tuple[Reading, ...]:
    """Reads a document or an archive. The result is kept until the file changes: a long PDF takes
    seconds.
    """
    try:
        facts = found.path.stat()
    except OSError:  # deleted between listing and reading
        return (_wrong(found.name, "The file cannot be opened."),)
    is_archive = found.path.suffix.lower() == ARCHIVE  # whose articles may expire
    day = today if is_archive else date.min
    return _remembered(found, (facts.st_mtime_ns, facts.st_size), day)


@lru_cache(maxsize=200)
def _remembered(found: Found, _stamp: tuple[int, int], today: date) -> tuple[Reading, ...]:
    try:
        data = content(found.path)
        if found.path.suffix.lower() != ARCHIVE:
            return (_document(found.name, data),)
        return tuple(_of_archive(found, data, today)) or (
            Reading(found.name, left_out="the archive has no articles"),
        )
    except ValueError as error:
        return (_wrong(found.name, str(error)),)


def _of_archive(found: Found, data: bytes, today: date) -> Iterator[Reading]:
    for one in members(data, _is_wanted):
        name = f"{found.name}/{one.name}"
        if one.problem:
            yield _wrong(name, one.problem)
        elif PurePosixPath(one.name).suffix.lower() in DOCUMENTS:
            yield _document_or_reason(name, one.data)
        elif len(one.data) > LARGEST:
            yield _wrong(name, f"The file is larger than {LARGEST // 1_000_000} MB.")
        else:
            yield _of_member(name, one.data, today)


def _of_member(name: str, data: bytes, today: date) -> Reading:
    try:
        return _article(name, decoded(data), stem_of(name), today, origin=name)
    except ValueError as error:
        return _wrong(name, str(error))


def _is_wanted(name: str) -> bool:
    """Hidden files and Apple's copies of file attributes are no articles, as in a folder."""
    path = PurePosixPath(name)
    is_hidden = any(part.startswith((".", "_")) for part in path.parts)
    return not is_hidden and path.suffix.lower() in MARKDOWN | PLAIN | DOCUMENTS


def _document_or_reason(name: str, data: bytes) -> Reading:
    try:
        return _document(name, data)
    except ValueError as error:
        return _wrong(name, str(error))


def _document(name: str, data: bytes) -> Reading:
    document = read_document(data, PurePosixPath(name).suffix.lower())
    about = FrontMatter(title=document.title)
    told = tuple(_passages(about, document.sections, stem_of(name), name))
    return Reading(
        name, told, left_out="" if told else "the document has no text", is_wrong=not told
    )


def _parts(text: str, suffix: str) -> list[Section]:
    if suffix in MARKDOWN:
        return sections(text, is_mdx=suffix == ".mdx")
    return [Section(blocks=[block.strip("\n") for block in text.split("\n\n") if block.strip()])]


def passages(markdown: str, fallback_title: str) -> list[Passage]:
    """Returns the passages of a Markdown article, without empty ones."""
    about, text = split_front_matter(markdown, date.min)
    return list(_passages(about, sections(text), fallback_title))


def named(markdown: str, path: Path) -> str:
    """Returns the title of an article without front matter."""
    return _title(_parts(markdown, path.suffix.lower()), path.stem)


def _title(parts: list[Section], stem: str) -> str:
    tops = [part.heading for part in parts if part.level == 1]
    only = tops[0] if len(tops) == 1 else ""
    return only or " ".join(stem.replace("-", " ").replace("_", " ").split())


def _passages(
    about: FrontMatter, parts: list[Section], stem: str, origin: str = ""
) -> Iterator[Passage]:
    locale = about.locale or language_of(
        "\n".join(f"{part.heading}\n{part.text}" for part in parts)
    )
    title = about.title or _title(parts, stem)
    for part in parts:
        if part.text:
            yield Passage(title, part.heading, part.text, locale, about.tags, origin)
