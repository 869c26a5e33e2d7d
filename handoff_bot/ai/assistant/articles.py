"""The articles of the knowledge base, read into passages: one for each heading."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from handoff_bot.ai.assistant.folder import MARKDOWN, Found, articles, read
from handoff_bot.ai.assistant.front_matter import FrontMatter, split
from handoff_bot.ai.assistant.markdown import Section, sections

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Passage:
    """What stands under one heading.

    Attributes:
        title: of the article; what is named as the source.
        heading: the passage's own, "" before the first one.
        text: plain text, paragraphs kept.
        locale: ISO 639-1, "" when the article does not say.
        tags: other words customers use for it.
    """

    title: str
    heading: str
    text: str
    locale: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """What became of one file.

    Attributes:
        name: below the folder.
        passages: what customers can be told.
        left_out: why nothing of it is told, "" when something is.
        is_wrong: is there something to put right?
        guessed: the encoding, when nothing in the file says it.
    """

    name: str
    passages: tuple[Passage, ...] = ()
    left_out: str = ""
    is_wrong: bool = False
    guessed: str = ""


def read_folder(folder: Path, today: date) -> list[Passage]:
    """All passages of the folder by file name; a file that cannot be read is left out and logged."""
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
    """What becomes of each file that looks like an article."""
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
        found.name, told, left_out="" if told else "the article has no text", guessed=file.guessed
    )


def _parts(text: str, suffix: str) -> list[Section]:
    if suffix in MARKDOWN:
        return sections(text, is_mdx=suffix == ".mdx")
    return [Section(blocks=[block.strip("\n") for block in text.split("\n\n") if block.strip()])]


def passages(markdown: str, fallback_title: str) -> list[Passage]:
    """The passages of one article in Markdown; those without text are left out."""
    about, text = split(markdown, date.min)
    return list(_passages(about, sections(text), fallback_title))


def _passages(about: FrontMatter, parts: list[Section], stem: str) -> Iterator[Passage]:
    tops = [part.heading for part in parts if part.level == 1]
    named = tops[0] if len(tops) == 1 else ""
    title = about.title or named or " ".join(stem.replace("-", " ").replace("_", " ").split())
    for part in parts:
        if part.text:
            yield Passage(title, part.heading, part.text, about.locale, about.tags)
