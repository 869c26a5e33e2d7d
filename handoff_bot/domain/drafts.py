"""Drafts of replies, the tones in which a language model rewrites them, and agents' verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
