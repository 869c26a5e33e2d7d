"""The knowledge base's files: which are read, and their title, language and readers."""

# ruff: noqa: E501 - one line for each language

from __future__ import annotations

import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from handoff_bot.ai.assistant.documents import ARCHIVE, DOCUMENTS
from handoff_bot.ai.assistant.documents import LARGEST as LARGEST_DOCUMENT
from handoff_bot.ai.assistant.words import words_of
from handoff_bot.domain.text import Decoded, decoded

# -- which files are read, and why others are skipped

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


# -- the language of an article without front matter, by its small words or its script


_SMALL = {
    "en": "the and is are you your we our for with can not from how what do does if this that it or on of to have",
    "de": "der die das und ist sind sie wir nicht mit ein eine fur von im den dem wie was kann konnen auf bei ihre ihr",
    "es": "el los las y es son usted no con una para del como que puede se su por en nuestra nuestro cuanto",
    "fr": "le les et est sont vous nous pas avec une pour des du dans comment que peut votre nos sur au en il",
    "it": "il gli e di sono non con una per del della che come puo siamo nostro nostra alla dalle si lo",
    "pt": "os as e nao com uma para do da em que como pode voce seu sua nosso nossa por ao dos das",
    "nl": "het een en van is zijn niet met voor op wij u uw ons kan kunt hoe wat dat bij als deze",
    "pl": "jest nie na do w z i sie jak co czy moze po od dla lub oraz to naszej naszego przez",
    "sv": "och ar inte med ett en for som pa av det kan du vi din hur vad om till eller fran vara",
    "tr": "ve bir bu icin ile var mi ne nasil siz biz degil olarak cok da de kadar her saat",
    "id": "dan yang di ke dari untuk dengan tidak anda kami ini itu dapat atau pada adalah bisa",
    "vi": "va la cua khong co cho duoc trong ban chung toi mot cac voi nhu hoac tai ve",
}
_WORDS = {code: frozenset(text.split()) for code, text in _SMALL.items()}
_SCRIPTS = {
    "ja": re.compile("[\u3040-\u30ff]"),
    "ko": re.compile("[\uac00-\ud7af]"),
    "uk": re.compile("[іїєґ]", re.IGNORECASE),
    "ru": re.compile("[\u0400-\u04ff]"),
    "el": re.compile("[\u0370-\u03ff]"),
    "he": re.compile("[\u0590-\u05ff]"),
    "ar": re.compile("[\u0600-\u06ff]"),
    "hi": re.compile("[\u0900-\u097f]"),
    "th": re.compile("[\u0e00-\u0e7f]"),
    "zh": re.compile("[\u4e00-\u9fff]"),
}
_SHARE = 0.1
_FEWEST, _LEAD = 2, 1.4
_LONGEST_SAMPLE = 4_000


def language_of(text: str) -> str:
    """Returns the ISO 639-1 code; "" if it is unclear."""
    text = text[:_LONGEST_SAMPLE]
    letters = sum(map(str.isalpha, text))
    for code, script in _SCRIPTS.items():
        share = 0.01 if code in ("uk", "ja") else _SHARE
        if letters and len(script.findall(text)) >= max(1, share * letters):
            return code
    words = Counter(words_of(text))
    found = {code: sum(words[word] for word in small) for code, small in _WORDS.items()}
    (best, most), (_, second) = Counter(found).most_common(2)
    return best if most >= _FEWEST and most >= _LEAD * second else ""


# -- front matter: title, language, and whether customers may read it

_BEFORE = r"\A(?:\s|(?><!--(?s:.*?)-->))*"
"""Comments, such as a licence or a linter directive, may precede it."""
_BLOCK = re.compile(
    _BEFORE + r"(---|\+\+\+)[ \t]*\n(.*?)(?:^|\n)(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL
)
_UNCLOSED = re.compile(_BEFORE + r"(?:---[ \t]*\n[\w -]+:|\+\+\+[ \t]*\n[\w -]+=)")
_LONGEST = 20_000
"""In characters: a Python parser takes a second for ten times as many."""

_YES = frozenset({"true", "yes", "y", "on", "1"})
_NO = frozenset({"false", "no", "n", "off", "0", "", "null", "~", "none"})
_WITHHOLDS = (
    "draft", "internal", "internal_only", "private", "hidden", "archived", "unlisted", "confidential",
)  # fmt: skip
_ADMITS = ("published", "publish", "public")
_STATES = ("status", "state", "visibility", "audience")
_UNPUBLISHED = re.compile(
    r"draft|wip|work in progress|internal|private|hidden|archived|unlisted|unpublished|deprecated"
    r"|(?:in |needs )?review|staff|team|agents|confidential|pending|planned"
)
_FROM = ("publish_date", "publishdate", "published")
_UNTIL = ("expiry_date", "expirydate", "unpublish_date", "unpublishdate", "expires")


class _Loader(yaml.BaseLoader):
    """Reads all values as text ("no" is Norwegian, not false) and refuses aliases.

    A few lines of nested aliases can expand beyond the memory.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


@dataclass(frozen=True)
class FrontMatter:
    """An article's metadata.

    Attributes:
        title: "" if not given.
        locale: ISO 639-1, "" if not given.
        tags: customers' other words for it.
        withheld: why customers may not read it, or "".
        is_sample: True if it belongs to the sample shop.
        source: address of the page that it was read from, "" for none.
    """

    title: str = ""
    locale: str = ""
    tags: tuple[str, ...] = ()
    withheld: str = ""
    is_sample: bool = False
    source: str = ""


def split_front_matter(text: str, today: date) -> tuple[FrontMatter, str]:
    """Splits an article into front matter, in YAML (`---`) or TOML (`+++`), and text.

    Raises:
        ValueError: unreadable, so it is unknown whether customers may read the article.
    """
    found = _BLOCK.match(text)
    if not found:
        if _UNCLOSED.match(text):
            raise ValueError("The front matter is not closed.")
        return FrontMatter(), text
    fields = _fields(found[2], is_toml=found[1] == "+++")
    if fields is None:  # a horizontal rule, not front matter
        return FrontMatter(), text
    return _read(fields, today), text[found.end() :]


def front_matter_parts(text: str) -> tuple[str, str] | None:
    """Returns what stands before YAML front matter, and the front matter itself; None without any."""
    found = _BLOCK.match(text)
    if not found or found[1] != "---" or _fields(found[2], is_toml=False) is None:
        return None
    return text[: found.start(1)], found[2]


def front_matter_fields(text: str) -> dict[str, Any]:
    """Returns all fields of an article's front matter, {} without any. Raises ValueError as `split`."""
    found = _BLOCK.match(text)
    return (_fields(found[2], is_toml=found[1] == "+++") or {}) if found else {}


def _fields(block: str, *, is_toml: bool) -> dict[str, Any] | None:
    """Returns the fields with lowercase, underscored names; None if the block is prose."""
    if len(block) > _LONGEST:
        raise ValueError("The front matter is too long.")
    try:
        held = tomllib.loads(block) if is_toml else yaml.load(block, _Loader)  # noqa: S506
    except (yaml.YAMLError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError("The front matter cannot be read.") from error
    if held is None or held == "":
        return {}
    if not isinstance(held, dict):
        return None
    return {str(name).strip().lower().replace("-", "_"): value for name, value in held.items()}


def _read(fields: Mapping[str, Any], today: date) -> FrontMatter:
    locale = _first(fields, "locale", "language", "lang", "locales", "languages")
    return FrontMatter(
        title=_first(fields, "title"),
        locale=re.split(r"[-_,\s]", locale.lower())[0][:2],
        tags=tuple(
            dict.fromkeys(
                tag for name in ("tags", "keywords", "aliases") for tag in _all(fields, name)
            )
        ),
        withheld=_withheld(fields, today),
        is_sample=_first(fields, "sample").casefold() not in _NO,
        source=_first(fields, "source"),
    )


def _withheld(fields: Mapping[str, Any], today: date) -> str:
    said = {name: " ".join(_all(fields, name)).casefold() for name in fields}
    for name in _WITHHOLDS:
        if said.get(name, "") not in _NO:
            return f"{name}: {said[name]}"
    for name in _ADMITS:
        if name in said and said[name] in _NO:
            return f"{name}: {said[name]}"
    for name in _STATES:
        if _UNPUBLISHED.fullmatch(said.get(name, "")):
            return f"{name}: {said[name]}"
    return _out_of_time(said, today)


def _out_of_time(said: Mapping[str, str], today: date) -> str:
    for names, is_out in ((_FROM, today.__lt__), (_UNTIL, today.__gt__)):
        for name in names:
            day = _day(said.get(name, ""))
            if day and is_out(day):
                return f"{name}: {said[name]}"
    return ""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _first(fields: Mapping[str, Any], *names: str) -> str:
    return next((text for name in names for text in _all(fields, name)), "")


def _all(fields: Mapping[str, Any], name: str) -> list[str]:
    """Returns a field's values, from a list or a text; tags may be separated by commas."""
    value = fields.get(name)
    if value is None:
        return []
    parts = value if isinstance(value, list) else [value]
    if name in ("tags", "keywords", "aliases") and not isinstance(value, list):
        parts = str(value).split(",")
    return [text for part in parts if (text := str(part).strip())]
