"""The knowledge folder as admins edit it in Slack: lists, reads and writes Markdown files.

A write is atomic, and a new file never replaces one: several processes may share the folder. All of
them notice the change within a second, by the file's size and time.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import secrets
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path, PurePosixPath
from typing import IO, Any

import yaml

from handoff_bot.ai.assistant.articles import named
from handoff_bot.ai.assistant.folder import (
    MARKDOWN,
    PLAIN,
    Found,
    articles,
    front_matter_fields,
    front_matter_parts,
    read,
    split_front_matter,
)
from handoff_bot.domain.articles import (
    LONGEST_TEXT,
    Article,
    ArticleBusy,
    ArticleError,
    ArticleFile,
)

MOST = 1_000
"""Number of articles that are listed."""
CHANGED_MEANWHILE = (
    "This article was changed in the meantime. Open it again, and make your change there."
)
GONE = "This article has been deleted."
NOT_WRITABLE = (
    "The knowledge folder cannot be written ({why}). Ask your operator to make KNOWLEDGE_DIR "
    "writable."
)
LONG = "It has {size:,} characters, and Slack shows at most {most:,}. Edit the file {name}."
TOML = "Its front matter is TOML. Edit the file {name}."
NOT_READ = "{why} Edit the file {name}."
NOT_KEPT = "Not all of its front matter would stay as it is. Edit the file {name}."
CRAWLED = "Read from {source}. Edit the page there."
IN_USE = "The knowledge folder is in use. Try again."
_MARK = "handoff_draft"
"""Field that names the draft that a file was written for."""
_WAIT, _POLL = 2.0, 0.05
"""Seconds: Slack waits three for the answer to a modal."""
_TEMPORARY = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""What `link` raises on file systems without hard links, such as exFAT and some network folders."""
_LOCK = ".handoff.lock"
_CRAWLED_INTO = "web"
"""Folder of the pages of KNOWLEDGE_URLS, which a run replaces when they change."""
_LONGEST_NAME = 60
_MOST_SUFFIXES = 100
_EDITED = (
    "title", "locale", "language", "lang", "locales", "languages", "tags", "keywords", "aliases", "sample",
)  # fmt: skip
"""Fields that an edit replaces; an edited article no longer belongs to the sample shop."""
_REPLACED = re.compile(rf"(?:{'|'.join(_EDITED)})\s*:", re.IGNORECASE)
_FIELD = re.compile(r"^(?=[\w-]+[ \t]*:)", re.MULTILINE)
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


class FolderLibrary:
    """Implements `ports.Library` on a folder. Safe for several threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def articles(self) -> Sequence[ArticleFile]:
        """Returns the articles by title, without their texts."""
        found = [_shown(one) for one in self._files()]
        return sorted(found, key=lambda one: (one.article.title.casefold(), one.name))

    def get(self, name: str) -> ArticleFile | None:
        """Returns an article; it is locked if an edit would lose some of its front matter."""
        found = self._found(name)
        if found is None:
            return None
        opened = _opened(found)
        try:
            if not opened.locked:
                _edited(found, opened.article)
        except ArticleError as error:
            return replace(opened, article=replace(opened.article, text=""), locked=str(error))
        return opened

    def create(self, article: Article, mark: str = "") -> str:
        """Writes a new file; returns its name. The same article, or one with the same mark, is only
        written once.

        Raises:
            ArticleError: the folder cannot be written.
        """
        data = _written(article, "", f"{_MARK}: {mark}" if mark else "").encode()
        with self._held():
            names = list(_names(article.title))
            taken = [name for name in names if os.path.lexists(self._folder / name)]
            for name in taken:
                if _is_same(self._folder / name, data, mark):
                    return name
            with _temporary(self._folder, data) as temporary:
                for name in names:
                    if name not in taken and _placed(temporary, self._folder / name):
                        return name
        raise ArticleError("There are too many articles with this title. Choose another one.")

    def save(self, name: str, article: Article, digest: str) -> None:
        """Replaces an article; other fields of its front matter stay.

        Raises:
            ArticleError: it has changed since `digest`, or cannot be edited or written.
        """
        with self._held():
            found = self._found(name)
            if found is None:
                raise ArticleError(GONE)
            before = _opened(found)
            if before.locked:
                raise ArticleError(before.locked)
            if before.digest != digest:
                raise ArticleError(CHANGED_MEANWHILE)
            data = _edited(found, article).encode()
            # Through a link the file itself is replaced, so that the link stays.
            path = found.path.resolve()
            write_file(path, data, mode=path.stat().st_mode & 0o777)

    def _files(self) -> list[Found]:
        kept = (one for one in articles(self._folder) if not one.left_out)
        return [one for one in kept if one.path.suffix.lower() in MARKDOWN | PLAIN][:MOST]

    def _found(self, name: str) -> Found | None:
        """Only names of listed files are opened, whatever a modal's metadata says."""
        return next((one for one in self._files() if one.name == name), None)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Holds the folder, so that two admins' changes are compared one after the other."""
        try:
            with (self._folder / _LOCK).open("a") as lock:
                _locked(lock)
                yield
        except OSError as error:
            why = NOT_WRITABLE.format(why=error.strerror or type(error).__name__)
            raise (ArticleBusy if error.errno in _TEMPORARY else ArticleError)(why) from error


def _locked(lock: IO[str]) -> None:
    until = time.monotonic() + _WAIT
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise ArticleBusy(IN_USE) from None
            time.sleep(_POLL)
        else:
            return


def _is_same(path: Path, data: bytes, mark: str) -> bool:
    """Returns whether a file has this content, or was written for this draft and edited since."""
    held = _content(path)
    if held == data or not mark:
        return held == data
    try:
        return front_matter_fields(held.decode()).get(_MARK) == mark
    except ValueError:
        return False


def _placed(temporary: Path, path: Path) -> bool:
    """Gives a written file its name; False if the name is taken."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _renamed(temporary, path)
    return True


def _renamed(temporary: Path, path: Path) -> bool:
    """Like `_placed`, without a hard link: an empty file reserves the name for a moment."""
    try:
        path.open("xb").close()
    except FileExistsError:
        return False
    try:
        temporary.replace(path)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return True


def write_file(path: Path, data: bytes, mode: int = 0) -> None:
    """Writes a file completely or not at all; replaces an existing one. Raises OSError."""
    with _temporary(path.parent, data) as temporary:
        if mode:
            temporary.chmod(mode)
        temporary.replace(path)


@contextmanager
def _temporary(folder: Path, data: bytes) -> Iterator[Path]:
    path = folder / f".handoff-{secrets.token_hex(8)}.tmp"
    try:
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield path
    finally:
        path.unlink(missing_ok=True)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _shown(found: Found) -> ArticleFile:
    opened = _opened(found)
    about = opened.article
    return ArticleFile(
        found.name,
        Article(about.title, "", about.language),
        opened.digest,
        opened.locked,
        opened.source,
    )


def _opened(found: Found) -> ArticleFile:
    digest = hashlib.sha256(_content(found.path)).hexdigest()[:16]
    try:
        file = read(found.path)
        about, text = split_front_matter(file.text, date.min)
    except ValueError as error:
        locked = NOT_READ.format(why=error, name=found.name)
        return ArticleFile(found.name, Article(found.path.stem, ""), digest, locked)
    text = text.strip()
    title = about.title or named(text, found.path)
    locked = ""
    if file.text[: len(file.text) - len(text)].lstrip().startswith("+++"):
        locked = TOML.format(name=found.name)
    elif len(text) > LONGEST_TEXT:
        locked = LONG.format(size=len(text), most=LONGEST_TEXT, name=found.name)
    elif about.source and PurePosixPath(found.name).is_relative_to(_CRAWLED_INTO):
        locked = CRAWLED.format(source=about.source)
    article = Article(title, "" if locked else text, about.locale, about.tags)
    return ArticleFile(found.name, article, digest, locked, about.source)


def _edited(found: Found, article: Article) -> str:
    """Returns the file with another article in it.

    Raises:
        ArticleError: another field would be lost or changed, such as one that withholds the article.
    """
    before = read(found.path).text
    try:
        after = _written(article, *_front(before))
        about, text = split_front_matter(after, date.min)
        is_kept = _other_fields(before) == _other_fields(after)
    except ValueError:
        is_kept = False
    told = is_kept and (about.title, about.locale, about.tags, text.strip())
    asked = " ".join(article.title.split()), article.language, article.tags, article.text.strip()
    if told != asked:
        raise ArticleError(NOT_KEPT.format(name=found.name))
    return after


def _other_fields(text: str) -> dict[str, Any]:
    found = front_matter_fields(text)
    return {name: value for name, value in found.items() if name not in _EDITED}


def _front(text: str) -> tuple[str, str]:
    """Returns what stands before the front matter, and the fields in it that an edit keeps."""
    parts = front_matter_parts(text)
    if parts is None:
        return "", ""
    above, block = parts
    kept = (one for one in _FIELD.split(block) if not _REPLACED.match(one))
    return above, "".join(kept).strip()


def _written(article: Article, above: str, kept: str) -> str:
    """Returns the file: the given front matter, then the text."""
    fields: dict[str, object] = {"title": " ".join(article.title.split())}
    if article.language:
        fields["locale"] = article.language
    if article.tags:
        fields["tags"] = list(article.tags)
    block = yaml.safe_dump(fields, allow_unicode=True, sort_keys=False, width=1_000)
    rest = f"{kept}\n" if kept else ""
    return f"{above}---\n{block}{rest}---\n\n{article.text.strip()}\n"


def _names(title: str) -> Iterator[str]:
    """Yields harmless file names for a title; titles without Latin letters become a short hash."""
    bare = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = _NOT_IN_NAMES.sub("-", bare)[:_LONGEST_NAME].strip("-")
    if len(slug) < 3:
        slug = f"article-{hashlib.sha256(title.encode()).hexdigest()[:8]}"
    yield f"{slug}.md"
    yield from (f"{slug}-{number}.md" for number in range(2, _MOST_SUFFIXES))
