"""Delivery status of an outbound message. It only moves forward."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class DeliveryStatus(StrEnum):
    """Stages of a delivery in order; `failed`, `dropped` and `read` are final.

    `sending` lasts from the start of the provider call to its response. `dropped` means that we
    decided not to send (an AI message superseded by a claim, a reply deleted in time).
    """

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    DROPPED = "dropped"


_RANK = {status: rank for rank, status in enumerate(DeliveryStatus)}
FINAL = frozenset({DeliveryStatus.READ, DeliveryStatus.FAILED, DeliveryStatus.DROPPED})


def advance(current: DeliveryStatus, news: DeliveryStatus) -> DeliveryStatus:
    """Returns the status after an update. Updates of an earlier stage change nothing; a final
    status stays.

    A failure reported after a delivery is ignored: the phone had the message.
    """
    if current in FINAL:
        return current
    if news is DeliveryStatus.FAILED and current is DeliveryStatus.DELIVERED:
        return current
    return max(current, news, key=_RANK.__getitem__)


def earlier_than(status: DeliveryStatus) -> tuple[DeliveryStatus, ...]:
    """Returns the stages from which a delivery can still move to `status`."""
    return tuple(
        before
        for before in DeliveryStatus
        if before != status and advance(before, status) == status
    )


def overall(parts: Iterable[DeliveryStatus]) -> DeliveryStatus:
    """Returns the status of a message with several parts: failed if one failed, else the earliest
    stage.
    """
    stages = list(parts)
    if DeliveryStatus.FAILED in stages:
        return DeliveryStatus.FAILED
    return min(stages, key=_RANK.__getitem__)


class ReplyMark(StrEnum):
    """What one reaction says of an agent's message in a thread; there is never more than one."""

    WAITING = "waiting"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    NOTE = "note"


_MARKS = {
    DeliveryStatus.ACCEPTED: ReplyMark.SENT,
    DeliveryStatus.SENT: ReplyMark.SENT,
    DeliveryStatus.DELIVERED: ReplyMark.DELIVERED,
    DeliveryStatus.READ: ReplyMark.READ,
    DeliveryStatus.FAILED: ReplyMark.FAILED,
}


def mark_of(status: DeliveryStatus, *, held: bool) -> ReplyMark | None:
    """Returns the mark of a reply; None while it is only on its way to the provider."""
    if status is DeliveryStatus.QUEUED and held:
        return ReplyMark.WAITING
    return _MARKS.get(status)
