"""Articles of the knowledge base, as admins write them and as the assistant drafts them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from handoff_bot.domain.errors import HandoffError
from handoff_bot.domain.text import is_language, is_visible

LONGEST_TITLE = 150
LONGEST_TEXT = 3000
"""In characters: Slack's limit for a text field."""
LONGEST_TAGS = 500
PAGE_ROWS = 10
GAP = "…"
"""Stands for removed personal data."""

UNTITLED = "Enter a title."
EMPTY = "Enter a text."
TOO_LONG = (
    f"An article can have {LONGEST_TEXT:,} characters in Slack. Shorten it, or write several."
)
NO_LANGUAGE = "Enter a language code of two letters, or leave it empty."


class ArticleError(HandoffError):
    """An article cannot be saved; the text says why and what to do."""


class ArticleBusy(ArticleError):
    """An article cannot be saved right now; a retry may help."""


class DraftStatus(StrEnum):
    """What became of a draft. `expired` is one whose text was deleted with the conversation's."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Article:
    """One article.

    Attributes:
        title: the source's name.
        text: Markdown without front matter.
        language: ISO 639-1, "" if not given.
        tags: other terms that customers use.
    """

    title: str
    text: str
    language: str = ""
    tags: tuple[str, ...] = ()

    def problem(self) -> tuple[str, str] | None:
        """Returns the wrong field ("title", "text" or "language") and why, or None."""
        if not is_visible(self.title):
            return "title", UNTITLED
        if not is_visible(self.text):
            return "text", EMPTY
        if len(self.text) > LONGEST_TEXT:
            return "text", TOO_LONG
        if self.language and not is_language(self.language):
            return "language", NO_LANGUAGE
        return None


@dataclass(frozen=True)
class ArticleFile:
    """An article's file.

    Attributes:
        name: path within the knowledge folder.
        article: its content; the text is "" if it cannot be edited in Slack.
        digest: of the whole file, to notice changes.
        locked: why it cannot be edited in Slack, "" if it can.
        source: where it was read from, "" for none.
    """

    name: str
    article: Article
    digest: str = ""
    locked: str = ""
    source: str = ""

    @property
    def cited(self) -> str:
        """Returns the name by which answers cite the article."""
        return f"{self.article.title} ({self.source})" if self.source else self.article.title


@dataclass(frozen=True)
class Unanswered:
    """A customer's message that the assistant had no answer to, or one that stands for several.

    Attributes:
        message_id: the message.
        text: what was asked (hostile); one line without personal data where it stands for several.
        language: ISO 639-1, "" if unknown.
        names: the customer's names.
        count: how many messages it stands for.
    """

    message_id: int
    text: str
    language: str = ""
    names: tuple[str, ...] = ()
    count: int = 1


@dataclass(frozen=True)
class Crawled:
    """Numbers of one run over the listed web pages, and what went wrong.

    `is_busy` is True if another run is in progress, so that this one has read nothing.
    """

    written: int = 0
    unchanged: int = 0
    removed: int = 0
    problems: tuple[str, ...] = ()
    is_busy: bool = False


@dataclass(frozen=True)
class Taught:
    """What an agent answered in an escalation that is resolved.

    Attributes:
        asked: the customer's messages until the first answer, oldest first (hostile).
        answered: the agents' messages to the customer, oldest first.
        names: names of the customer and the agents, which no article may contain.
        language: ISO 639-1, "" if unknown.
        contact_id: the contact whose spending cap applies.
    """

    asked: tuple[str, ...]
    answered: tuple[str, ...]
    names: tuple[str, ...] = ()
    language: str = ""
    contact_id: int | None = None
