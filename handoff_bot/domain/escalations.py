"""Escalation life cycle: statuses, actions, and the table of legal actions."""

from __future__ import annotations

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
