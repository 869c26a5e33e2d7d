"""Reads the knowledge base's articles into passages, one per heading."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from handoff_bot.ai.assistant.article_language import language_of
from handoff_bot.ai.assistant.folder import MARKDOWN, Found, articles, read
from handoff_bot.ai.assistant.front_matter import FrontMatter, split
from handoff_bot.ai.assistant.markdown import Section, sections

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
    """

    title: str
    heading: str
    text: str
    locale: str
    tags: tuple[str, ...]


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


def read_folder(folder: Path, today: date) -> list[Passage]:
    """Returns the folder's passages by file name; unreadable files are skipped and logged."""
    found: list[Passage] = []
    for reading in readings(folder, today):
        found.extend(reading.passages)
        if reading.is_wrong:
            logger.warning(
                "knowledge article is left out",
                extra={"article": reading.name, "reason": reading.left_out},
            )
    return found


def readings(folder: Path, today: date) -> Iterator[Reading]:
    """Yields the result for each file that may be an article."""
    for found in articles(folder):
        yield (
            Reading(found.name, left_out=found.left_out, is_wrong=found.is_wrong)
            if found.left_out
            else _read(found, today)
        )


def _read(found: Found, today: date) -> Reading:
    suffix = found.path.suffix.lower()
    try:
        file = read(found.path)
        about, text = split(file.text, today)
    except ValueError as error:
        return Reading(found.name, left_out=str(error), is_wrong=True)
    if about.withheld:
        return Reading(found.name, left_out=about.withheld)
    try:
        parts = _parts(text, suffix)
    except RecursionError:
        return Reading(found.name, left_out="the front matter is nested too deeply", is_wrong=True)
    told = tuple(_passages(about, parts, found.path.stem))
    return Reading(
        found.name,
        told,
        left_out="" if told else "the article has no text",
        guessed=file.guessed,
        is_sample=bool(told) and about.is_sample,
    )


def _parts(text: str, suffix: str) -> list[Section]:
    if suffix in MARKDOWN:
        return sections(text, is_mdx=suffix == ".mdx")
    return [Section(blocks=[block.strip("\n") for block in text.split("\n\n") if block.strip()])]


def passages(markdown: str, fallback_title: str) -> list[Passage]:
    """Returns the passages of a Markdown article, without empty ones."""
    about, text = split(markdown, date.min)
    return list(_passages(about, sections(text), fallback_title))


def named(markdown: str, path: Path) -> str:
    """Returns the title of an article without front matter."""
    return _title(_parts(markdown, path.suffix.lower()), path.stem)


def _title(parts: list[Section], stem: str) -> str:
    tops = [part.heading for part in parts if part.level == 1]
    only = tops[0] if len(tops) == 1 else ""
    return only or " ".join(stem.replace("-", " ").replace("_", " ").split())


def _passages(about: FrontMatter, parts: list[Section], stem: str) -> Iterator[Passage]:
    locale = about.locale or language_of(
        "\n".join(f"{part.heading}\n{part.text}" for part in parts)
    )
    title = about.title or _title(parts, stem)
    for part in parts:
        if part.text:
            yield Passage(title, part.heading, part.text, locale, about.tags)
