"""Selects the knowledge base's files, with reasons for skipped ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path

from handoff_bot.ai.assistant.documents import ARCHIVE, DOCUMENTS
from handoff_bot.ai.assistant.documents import LARGEST as LARGEST_DOCUMENT
from handoff_bot.domain.decoding import Decoded, decoded

MARKDOWN = frozenset({".md", ".markdown", ".mdx"})
PLAIN = frozenset({".txt"})
READ = MARKDOWN | PLAIN | DOCUMENTS | {ARCHIVE}
Stamp = tuple[date, tuple[tuple[str, int, int], ...]]
"""The date, because articles are published and expire by date, and the files' sizes and times."""
LARGEST = 1_000_000
MOST_FILES = 10_000

_DRAFTS = frozenset({"draft", "drafts", "node_modules", "__pycache__"})


@dataclass(frozen=True)
class Found:
    """A file with an article's extension.

    Attributes:
        path: its path.
        name: path within the folder, with `/`.
        left_out: why it is skipped, "" if it is read.
        is_wrong: True if that needs fixing, False if intended.
    """

    path: Path
    name: str
    left_out: str = ""
    is_wrong: bool = False


def articles(folder: Path) -> list[Found]:
    """Returns the article files of a folder and its subfolders by name."""
    root = folder.resolve()
    found = [_judged(each, folder, root) for each in candidates(folder)]
    return sorted(found, key=lambda one: one.name)


def candidates(folder: Path) -> list[Path]:
    """Returns the files with an article's extension, at most MOST_FILES, without opening any."""
    return list(islice(_walk(folder), MOST_FILES))


def stamp_of(folder: Path, today: date) -> Stamp:
    found = []
    for path in candidates(folder):
        try:
            facts = path.stat()
        except OSError:  # deleted between listing and reading
            continue
        found.append((str(path), facts.st_mtime_ns, facts.st_size))
    return today, tuple(found)


def _walk(folder: Path) -> Iterator[Path]:
    """Does not follow links to folders: targets inside are found anyway."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in list(folders):
            if Path(place, name).is_symlink():
                folders.remove(name)
        yield from (
            Path(place, name) for name in sorted(files) if Path(name).suffix.lower() in READ
        )


def _judged(path: Path, folder: Path, root: Path) -> Found:
    below = path.relative_to(folder)
    name = below.as_posix()
    hidden = next((part for part in below.parts if part.startswith((".", "_"))), "")
    if hidden:
        return Found(path, name, f"{hidden} is hidden")
    draft = next((part for part in below.parts[:-1] if part.lower() in _DRAFTS), "")
    if draft:
        return Found(path, name, f"{draft} is not for customers")
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return Found(path, name, "the link target does not exist", is_wrong=True)
    if not real.is_relative_to(root):
        return Found(path, name, "the link target is outside the folder", is_wrong=True)
    if not real.is_file():
        return Found(path, name, "not a file", is_wrong=True)
    return Found(path, name)


def read(path: Path) -> Decoded:
    """Reads a file.

    Raises:
        ValueError: too large or unreadable; with the reason.
    """
    return decoded(content(path, LARGEST))


def content(path: Path, most: int = LARGEST_DOCUMENT) -> bytes:
    """Returns a file's bytes.

    Raises:
        ValueError: larger than `most` bytes, or unreadable; with the reason.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise ValueError("The file cannot be opened.") from error
    if len(data) > most:
        raise ValueError(f"The file is larger than {most // 1_000_000} MB.")
    return data
