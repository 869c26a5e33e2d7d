"""Replies kept ready: what one may look like, which fit a search, and which language of it is said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from handoff_bot.domain import templates
from handoff_bot.domain.languages import CODES

PLACEHOLDERS = frozenset({"customer", "agent", "ticket"})
LONGEST_NAME = 40
LONGEST = 2000
PAGE_ROWS = 15
ENGLISH = "en"

_CUSTOMER = "{customer}"
_NAME = re.compile(r"[^\W_][\w-]*")
EXAMPLE = {"customer": "Dana", "agent": "Ana", "ticket": "1042"}
"""What a preview is filled with."""


@dataclass(frozen=True)
class CannedReply:
    """One reply in one language.

    Attributes:
        name: what follows `!reply`; in small letters, no spaces.
        language: ISO 639-1, "" for any.
        text: with placeholders.
        id: ours, 0 for one that is not kept yet.
    """

    name: str
    language: str
    text: str
    id: int = 0

    def preview(self) -> str:
        """How it reads, filled with examples."""
        return templates.fill(self.text, **EXAMPLE)


@dataclass(frozen=True)
class CannedPage:
    """One page of the replies that fit a search; `page` counts from 0, `found` is how many fit in all."""

    rows: tuple[CannedReply, ...]
    page: int
    pages: int
    found: int


def tidy_name(words: str) -> str:
    """A name as it is kept."""
    return words.strip().casefold().removeprefix("!reply ").strip()


def name_problem(name: str) -> str:
    """Why this cannot be a name, "" when it can."""
    if len(name) > LONGEST_NAME:
        return f"At most {LONGEST_NAME} characters."
    if not _NAME.fullmatch(name):
        return "Use letters, digits and hyphens without spaces, e.g. refund-policy."
    return ""


def text_problem(text: str) -> str:
    """Why this cannot be a reply, "" when it can."""
    return templates.problem(text, PLACEHOLDERS, longest=LONGEST)


def language_problem(language: str) -> str:
    """Why this cannot be its language, "" when it can."""
    return "" if not language or language in CODES else "Unknown language."


def without_customer(text: str) -> str:
    """The text for a customer whose name is not known: without the word, and without the gap before it."""
    *before, last = text.split(_CUSTOMER)
    return "".join([*map(_without_gap, before), last])


def _without_gap(text: str) -> str:
    """The text less the blanks at its end and a comma among them. A pattern would try from each blank."""
    bare = text.rstrip()
    return bare.removesuffix(",").rstrip() if bare.endswith(",") else bare


def fitting(replies: Iterable[CannedReply], query: str, language: str = "") -> list[CannedReply]:
    """Those that fit, the closest first: by name, then by words in the text; in that language or any."""
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
    """Of one name's languages: the customer's, else the one for any, else English, else the first."""
    order = {language: 0, "": 1, ENGLISH: 2}
    return min(
        replies, key=lambda reply: (order.get(reply.language, 3), reply.language), default=None
    )
