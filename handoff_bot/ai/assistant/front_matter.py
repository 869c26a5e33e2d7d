"""Parses an article's front matter: title, language, and whether customers may read it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

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


def split(text: str, today: date) -> tuple[FrontMatter, str]:
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


def parts(text: str) -> tuple[str, str] | None:
    """Returns what stands before YAML front matter, and the front matter itself; None without any."""
    found = _BLOCK.match(text)
    if not found or found[1] != "---" or _fields(found[2], is_toml=False) is None:
        return None
    return text[: found.start(1)], found[2]


def fields(text: str) -> dict[str, Any]:
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
