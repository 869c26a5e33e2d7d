"""Prepared replies: drafts, canned replies, and WhatsApp message templates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from handoff_bot.domain import texts
from handoff_bot.domain.text import is_language

# -- drafts, the tones in which a language model rewrites them, and agents' verdicts


class Tone(StrEnum):
    """How a draft is rewritten; `translated` is into the customer's language."""

    SHORTER = "shorter"
    FRIENDLIER = "friendlier"
    TRANSLATED = "translated"


DRAFT = "draft"
"""What feedback is about, if it is not about an answer."""


class Verdict(StrEnum):
    """An agent's feedback on a draft or an answer of the assistant."""

    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True)
class Draft:
    """A draft; `text` is "" when the assistant has no answer.

    Attributes:
        sources: titles of the articles used.
        claims: True when the conversation is unassigned, so sending claims it.
        language: the customer's language (ISO 639-1), "" if unknown.
        tones: how it can be rewritten; none without a language model.
    """

    text: str
    sources: tuple[str, ...]
    claims: bool
    language: str = ""
    tones: tuple[Tone, ...] = ()


@dataclass(frozen=True)
class Previewed:
    """How the AI would answer a customer's last question with other guidance. Hostile text.

    Attributes:
        before: the AI's last message in that conversation, "" for none.
        after: its answer with the guidance, "" if it has none.
        by: which assistant answered, "" for none.
    """

    question: str
    before: str
    after: str
    by: str = ""


# -- canned replies: validation, search and choice of language

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
        return texts.fill_template(self.text, **EXAMPLE)


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
    return texts.template_problem(text, PLACEHOLDERS, longest=LONGEST)


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


# -- WhatsApp message templates, for when the messaging window is closed

MOST = 50
LONGEST_TEMPLATE_NAME = 60
LONGEST_TEXT = 1024
LONGEST_VALUE = 300
MOST_VARIABLES = 10

_SID = re.compile(r"HX[0-9a-fA-F]{32}", re.ASCII)
_VARIABLE = re.compile(r"\{\{\s*(\w{1,40})\s*\}\}", re.ASCII)
_TEMPLATE_NAME = re.compile(r"\w{1,40}", re.ASCII)
_NO_VALUE = re.compile(r"[\r\n\t]| {5}")


@dataclass(frozen=True)
class MessageTemplate:
    """A message template.

    Attributes:
        name: the name shown to agents.
        content_sid: the provider's id.
        text: the content with variables such as {{1}}.
        labels: a label per variable, including variables outside the text, in a button's or file's
            URL.
    """

    name: str
    content_sid: str
    text: str
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> tuple[str, ...]:
        """Returns the names of all variables: first those in the text, then those only in the labels."""
        return tuple(dict.fromkeys([*_VARIABLE.findall(self.text), *self.labels]))

    @property
    def further(self) -> tuple[str, ...]:
        """Returns the variables that are not in the text."""
        return tuple(name for name in self.labels if name not in _VARIABLE.findall(self.text))

    def label(self, variable: str) -> str:
        """Returns the label of a variable's field."""
        return self.labels.get(variable) or f"Value of {{{{{variable}}}}}"

    def filled(self, values: Mapping[str, str]) -> str:
        """Returns the content with these values; variables without a value stay."""
        return _VARIABLE.sub(lambda found: values.get(found[1]) or found[0], self.text)


def template_name_problem(name: str) -> str:
    """Returns the error message for a name, or ""."""
    if not name:
        return "Enter a name."
    return (
        f"At most {LONGEST_TEMPLATE_NAME} characters." if len(name) > LONGEST_TEMPLATE_NAME else ""
    )


def sid_problem(content_sid: str) -> str:
    """Returns the error message for a provider's id, or ""."""
    if _SID.fullmatch(content_sid):
        return ""
    return (
        "A ContentSid is HX followed by 32 hexadecimal digits. Copy it from Twilio's "
        "Content Template Builder."
    )


def template_text_problem(text: str) -> str:
    """Returns the error message for a text, or ""."""
    if not text.strip():
        return "Enter the template's text, with its variables such as {{1}}."
    if len(text) > LONGEST_TEXT:
        return f"At most {LONGEST_TEXT} characters."
    if len(MessageTemplate("", "", text).variables) > MOST_VARIABLES:
        return f"At most {MOST_VARIABLES} variables."
    left = _VARIABLE.sub("", text)
    if "{{" in left or "}}" in left:
        return "Write variables in double braces, such as {{1}}."
    return ""


def labels_in(lines: str, text: str) -> dict[str, str]:
    """Parses lines of the form "variable: label".

    Raises:
        ValueError: a line is invalid, or there are too many variables; with a message.
    """
    labels: dict[str, str] = {}
    for line in filter(None, map(str.strip, lines.splitlines())):
        name, colon, words = line.partition(":")
        name = name.strip().strip("{}").strip()
        if not colon or not words.strip():
            raise ValueError("One per line: variable, colon, label.")
        if not _TEMPLATE_NAME.fullmatch(name):
            raise ValueError("Variable names consist of letters, digits and underscores, e.g. 2.")
        labels[name] = words.strip()[:LONGEST_TEMPLATE_NAME]
    if len(MessageTemplate("", "", text, labels).variables) > MOST_VARIABLES:
        raise ValueError(f"At most {MOST_VARIABLES} variables.")
    return labels


def value_problem(value: str) -> str:
    """Returns the error message for a variable's value by WhatsApp's rules, or ""."""
    if not value.strip():
        return "Enter a value."
    if _NO_VALUE.search(value):
        return "Write one line, with at most four spaces in a row."
    return f"At most {LONGEST_VALUE} characters." if len(value) > LONGEST_VALUE else ""
