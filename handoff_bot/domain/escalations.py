"""Escalations: life cycle, and limits for anonymous visitors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from handoff_bot.domain.errors import IllegalStep

# -- the life cycle: statuses, actions, the table of legal actions, and how one ends


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


# -- limits per sender, per network and for all anonymous visitors together

CONVERSATION = "conversation"
NETWORK = "network"
STRANGERS = "strangers"
"""Kinds of groups that are counted together. A group's name is its kind, or begins with it and ":"."""


@dataclass(frozen=True)
class Quota:
    """At most `amount` per period; periods begin at multiples of their length (UTC)."""

    most: int
    within: timedelta

    def window(self, now: datetime) -> int:
        """Returns the number of the period at this time."""
        return int(now.timestamp() // self.within.total_seconds())

    def ends(self, now: datetime) -> datetime:
        """Returns the end of the current period."""
        return datetime.fromtimestamp((self.window(now) + 1) * self.within.total_seconds(), UTC)


@dataclass(frozen=True)
class EscalationLimits:
    """Limits on new escalations, by kind of group.

    Attributes:
        conversation: per customer, for repeated escalations.
        network: per internet address (IPv6: per /64) of anonymous visitors.
        strangers: for all visitors without a verified identity together.
    """

    conversation: Quota = field(default=Quota(6, timedelta(hours=1)))
    network: Quota = field(default=Quota(5, timedelta(minutes=10)))
    strangers: Quota = field(default=Quota(40, timedelta(minutes=10)))

    def of(self, group: str) -> Quota:
        quota: Quota = getattr(self, group.partition(":")[0])
        return quota

    def for_all(self, groups: Iterable[str]) -> Mapping[str, Quota]:
        return {group: self.of(group) for group in groups}
