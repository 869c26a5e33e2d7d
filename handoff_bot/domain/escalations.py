"""Escalation life cycle: statuses, actions, the table of legal actions, and how one ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from handoff_bot.domain.errors import IllegalStep


class Status(StrEnum):
    """Status of an escalation. The first two are open."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    RESOLVED = "resolved"
    RETURNED = "returned"
    DISMISSED = "dismissed"


class Step(StrEnum):
    """Action on an escalation."""

    CLAIM = "claim"
    RELEASE = "release"
    REASSIGN = "reassign"
    RESOLVE = "resolve"
    RETURN = "return"
    DISMISS = "dismiss"


class TicketStatus(StrEnum):
    """Status of a ticket; a ticket outlives its escalation."""

    OPEN = "open"
    PENDING = "pending"
    SOLVED = "solved"
    CLOSED = "closed"


OPEN = frozenset({Status.QUEUED, Status.CLAIMED})

TRANSITIONS: dict[tuple[Status, Step], Status] = {
    (Status.QUEUED, Step.CLAIM): Status.CLAIMED,
    (Status.QUEUED, Step.REASSIGN): Status.CLAIMED,
    (Status.QUEUED, Step.RESOLVE): Status.RESOLVED,
    (Status.QUEUED, Step.RETURN): Status.RETURNED,
    (Status.QUEUED, Step.DISMISS): Status.DISMISSED,
    (Status.CLAIMED, Step.RELEASE): Status.QUEUED,
    (Status.CLAIMED, Step.REASSIGN): Status.CLAIMED,
    (Status.CLAIMED, Step.RESOLVE): Status.RESOLVED,
    (Status.CLAIMED, Step.RETURN): Status.RETURNED,
}


def after(status: Status, step: Step) -> Status:
    """Returns the status after an action.

    Raises:
        IllegalStep: the status does not allow the action.
    """
    try:
        return TRANSITIONS[status, step]
    except KeyError:
        raise IllegalStep(f"cannot {step} an escalation that is {status}") from None


def origins(step: Step) -> tuple[Status, ...]:
    """Returns the statuses that allow an action."""
    return tuple(status for status, known in TRANSITIONS if known is step)


LEFT_QUEUE = "left_queue"
"""Outcome of a ticket whose customer has left the queue."""

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
        by_customer: True if the customer has left the queue.
    """

    solved_as: ResolvedAs = ResolvedAs.SOLVED
    tags: tuple[str, ...] = ()
    closing: str = ""
    memory: str = ""
    why: DismissReason | None = None
    ask: bool = True
    by_customer: bool = False


PLAIN = Resolution()


def tags_of(words: str | Iterable[str]) -> tuple[str, ...]:
    """Returns tags in their stored form: lowercase, without "#", unique, in the given order."""
    parts = words.replace(",", " ").split() if isinstance(words, str) else words
    clean = (part.strip().lstrip("#").casefold()[:LONGEST_TAG] for part in parts)
    return tuple(dict.fromkeys(tag for tag in clean if tag))[:MOST_TAGS]
