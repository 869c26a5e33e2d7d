"""Canned replies: validation, search and choice of language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from handoff_bot.domain import templates
from handoff_bot.domain.text import is_language

PLACEHOLDERS = frozenset({"customer", "agent", "ticket"})
LONGEST_NAME = 40
LONGEST = 2000
PAGE_ROWS = 15
ENGLISH = "en"

_CUSTOMER = "{customer}"
_NAME = re.compile(r"[^\W_][\w-]*")
EXAMPLE = {"customer": "Dana", "agent": "Ana", "ticket": "1042"}
"""Values for previews."""


@dataclass(frozen=True)
class CannedReply:
    """One reply in one language.

    Attributes:
        name: the name used with `!reply`; lowercase, no spaces.
        language: ISO 639-1, "" for all languages.
        text: with placeholders.
        id: our id, 0 for an unsaved reply.
    """

    name: str
    language: str
    text: str
    id: int = 0

    def preview(self) -> str:
        """Renders the reply with example values."""
        return templates.fill(self.text, **EXAMPLE)


@dataclass(frozen=True)
class CannedPage:
    """One page of search results; `page` counts from 0, `found` is the total."""

    rows: tuple[CannedReply, ...]
    page: int
    pages: int
    found: int


def tidy_name(words: str) -> str:
    """Returns the name in its stored form."""
    return words.strip().casefold().removeprefix("!reply ").strip()


def name_problem(name: str) -> str:
    """Returns the error message for a name, or ""."""
    if len(name) > LONGEST_NAME:
        return f"At most {LONGEST_NAME} characters."
    if not _NAME.fullmatch(name):
        return "Use letters, digits and hyphens without spaces, e.g. refund-policy."
    return ""


def text_problem(text: str) -> str:
    """Returns the error message for a text, or ""."""
    return templates.problem(text, PLACEHOLDERS, longest=LONGEST)


def language_problem(language: str) -> str:
    """Returns the error message for a language, or ""."""
    return "" if not language or is_language(language) else "Unknown language."


def without_customer(text: str) -> str:
    """Removes the customer placeholder and the space before it, for a customer without a known name."""
    *before, last = text.split(_CUSTOMER)
    return "".join([*map(_without_gap, before), last])


def _without_gap(text: str) -> str:
    """Strips trailing blanks and commas. Not a regex, because it would retry from each blank."""
    bare = text.rstrip()
    return bare.removesuffix(",").rstrip() if bare.endswith(",") else bare


def fitting(replies: Iterable[CannedReply], query: str, language: str = "") -> list[CannedReply]:
    """Returns matching replies, best first: by name, then by text; in that language or for all."""
    words = query.casefold().split()
    ranked = [
        (_rank(reply, words), reply.name, reply.language, reply)
        for reply in replies
        if not language or reply.language in (language, "")
    ]
    return [entry[-1] for entry in sorted(ranked, key=lambda entry: entry[:3]) if entry[0] < _NONE]


_NONE = 4


def _rank(reply: CannedReply, words: Sequence[str]) -> int:
    if not words or words == [reply.name]:
        return 0
    if len(words) == 1 and reply.name.startswith(words[0]):
        return 1
    if all(word in reply.name for word in words):
        return 2
    said = f"{reply.name} {reply.text}".casefold()
    return 3 if all(word in said for word in words) else _NONE


def best(replies: Iterable[CannedReply], language: str) -> CannedReply | None:
    """Returns the reply in the customer's language, else for all languages, else English, else the
    first.
    """
    order = {language: 0, "": 1, ENGLISH: 2}
    return min(
        replies, key=lambda reply: (order.get(reply.language, 3), reply.language), default=None
    )
