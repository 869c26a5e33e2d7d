"""The life of an escalation: statuses, steps, and the one table that says which step is legal when."""

from __future__ import annotations

from enum import StrEnum

from handoff_bot.domain.errors import IllegalStep


class Status(StrEnum):
    """Where an escalation is. The first two are open."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    RESOLVED = "resolved"
    RETURNED = "returned"
    DISMISSED = "dismissed"


class Step(StrEnum):
    """What an agent does to an escalation. `dismiss` is the button "Not needed"."""

    CLAIM = "claim"
    RELEASE = "release"
    REASSIGN = "reassign"
    RESOLVE = "resolve"
    RETURN = "return"
    DISMISS = "dismiss"


class TicketStatus(StrEnum):
    """Where a ticket is; it outlives its escalation."""

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
    """The status that a step leads to.

    Raises:
        IllegalStep: the step is not legal from there.
    """
    try:
        return TRANSITIONS[status, step]
    except KeyError:
        raise IllegalStep(f"cannot {step} an escalation that is {status}") from None


def origins(step: Step) -> tuple[Status, ...]:
    """The statuses from which a step is legal."""
    return tuple(status for status, known in TRANSITIONS if known is step)
