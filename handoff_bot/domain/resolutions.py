"""How an agent ends an escalation: outcome, tags, handback note, dismissal reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

MOST_TAGS = 20
LONGEST_TAG = 40
LONGEST_WORDS = 1500


class ResolvedAs(StrEnum):
    """Outcome of a resolved conversation."""

    SOLVED = "solved"
    ANSWERED = "answered"
    WORKAROUND = "workaround"
    PASSED_ON = "passed_on"
    NO_REPLY = "no_reply"


class DismissReason(StrEnum):
    """Dismissal reason; used as feedback for the detector."""

    AI_COULD = "ai_could"
    ALREADY_ANSWERED = "already_answered"
    SPAM = "spam"
    MISTAKE = "mistake"


@dataclass(frozen=True)
class Resolution:
    """An agent's input when ending an escalation; everything is optional.

    Attributes:
        solved_as: outcome for Resolve.
        tags: for the ticket.
        closing: replaces the usual closing message, "" to keep it.
        memory: handback note for the assistant (Return); never quoted to the customer.
        why: dismissal reason.
        ask: False skips the CSAT survey.
    """

    solved_as: ResolvedAs = ResolvedAs.SOLVED
    tags: tuple[str, ...] = ()
    closing: str = ""
    memory: str = ""
    why: DismissReason | None = None
    ask: bool = True


PLAIN = Resolution()


def tags_of(words: str | Iterable[str]) -> tuple[str, ...]:
    """Returns tags in their stored form: lowercase, without "#", unique, in the given order."""
    parts = words.replace(",", " ").split() if isinstance(words, str) else words
    clean = (part.strip().lstrip("#").casefold()[:LONGEST_TAG] for part in parts)
    return tuple(dict.fromkeys(tag for tag in clean if tag))[:MOST_TAGS]
