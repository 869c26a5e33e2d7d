"""How an escalation ends, in the agent's words: outcome, tags, a memory for the assistant, why not needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

MOST_TAGS = 20
LONGEST_TAG = 40
LONGEST_WORDS = 1500


class SolvedAs(StrEnum):
    """What a resolved conversation came to."""

    SOLVED = "solved"
    ANSWERED = "answered"
    WORKAROUND = "workaround"
    PASSED_ON = "passed_on"
    NO_REPLY = "no_reply"


class NotNeeded(StrEnum):
    """Why nobody was needed; the detector learns from it."""

    AI_COULD = "ai_could"
    ALREADY_ANSWERED = "already_answered"
    SPAM = "spam"
    MISTAKE = "mistake"


@dataclass(frozen=True)
class Ending:
    """What an agent says as they end it; all of it may be left out.

    Attributes:
        solved_as: for Resolve.
        tags: for the ticket.
        closing: said to the customer instead of the usual text, "" for that.
        memory: one line for the assistant (Return): what was done and promised. Never quoted to the customer.
        why: for Not needed.
        ask: False leaves the question "how did we do?" out.
    """

    solved_as: SolvedAs = SolvedAs.SOLVED
    tags: tuple[str, ...] = ()
    closing: str = ""
    memory: str = ""
    why: NotNeeded | None = None
    ask: bool = True


PLAIN = Ending()


def tags_of(words: str | Iterable[str]) -> tuple[str, ...]:
    """Tags as they are kept: lower case, no "#", each once, in the order in which they were given."""
    parts = words.replace(",", " ").split() if isinstance(words, str) else words
    clean = (part.strip().lstrip("#").casefold()[:LONGEST_TAG] for part in parts)
    return tuple(dict.fromkeys(tag for tag in clean if tag))[:MOST_TAGS]
