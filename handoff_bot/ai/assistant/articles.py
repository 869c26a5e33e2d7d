"""Markdown files of the knowledge base, read into passages: one for each heading."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

_LARGEST = 1_000_000
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]\n]*)\]\(([^)\s]+)[^)\n]*\)")
_MARKUP = re.compile(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}(?!\w)|^>[ \t]?", re.MULTILINE)


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


def read_folder(folder: Path) -> list[Passage]:
    """All passages of the folder's .md files, by file name; a file that cannot be read is left out."""
    return [passage for path in article_files(folder) for passage in _read(path)]


def article_files(folder: Path) -> list[Path]:
    """The folder's articles, also in its subfolders."""
    return sorted(path for path in folder.rglob("*.md") if path.is_file())


def _read(path: Path) -> list[Passage]:
    try:
        if path.stat().st_size > _LARGEST:
            logger.warning("knowledge article is too large", extra={"article": path.name})
            return []
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        logger.warning("knowledge article cannot be read", extra={"article": path.name})
        return []
    return list(passages(text.replace("\r\n", "\n"), fallback_title=path.stem.replace("-", " ")))


def passages(markdown: str, fallback_title: str) -> Iterator[Passage]:
    """The passages of one article; those without text are left out."""
    found = _FRONT_MATTER.match(markdown)
    fields = _fields(found[1]) if found else {}
    title = fields.get("title") or fallback_title
    parts = _HEADING.split(markdown[found.end() if found else 0 :])
    for heading, body in zip(["", *parts[1::2]], parts[0::2], strict=True):
        if text := plain(body):
            yield Passage(
                title=title,
                heading=plain(heading),
                text=text,
                locale=fields.get("locale", "").lower()[:2],
                tags=tuple(
                    filter(None, (tag.strip() for tag in fields.get("tags", "").split(",")))
                ),
            )


def _fields(front_matter: str) -> dict[str, str]:
    """`name: value` lines; quotes around a value and brackets around a list are dropped."""
    lines = (line.partition(":") for line in front_matter.splitlines() if ":" in line)
    return {name.strip().lower(): value.strip().strip("[]\"'") for name, _, value in lines}


def plain(markdown: str) -> str:
    """Markdown as a phone shows it: links as "words (address)", no marks, no blank lines in a row."""
    text = _MARKUP.sub("", _LINK.sub(r"\1 (\2)", markdown))
    return re.sub(r"\n{3,}", "\n\n", text).strip()
