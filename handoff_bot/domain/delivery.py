"""How far a message has come on its way to the contact. It only moves forward."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class DeliveryStatus(StrEnum):
    """Stages of a delivery, in order; `failed`, `dropped` and `read` end it.

    `sending` is between the moment we begin to call the provider and its answer. `dropped` means that we
    decided not to send (an AI message overtaken by a claim, a reply deleted in time).
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
    """The status after the news: news of an earlier stage changes nothing, a final one stays.

    A provider that reports a failure after it reported delivery is not believed: the phone had it.
    """
    if current in FINAL:
        return current
    if news is DeliveryStatus.FAILED and current is DeliveryStatus.DELIVERED:
        return current
    return max(current, news, key=_RANK.__getitem__)


def earlier_than(status: DeliveryStatus) -> tuple[DeliveryStatus, ...]:
    """The stages from which a delivery may still move to `status`."""
    return tuple(
        before
        for before in DeliveryStatus
        if before != status and advance(before, status) == status
    )


def overall(parts: Iterable[DeliveryStatus]) -> DeliveryStatus:
    """The status of a message that left in several parts: failed if one failed, else the slowest part."""
    stages = list(parts)
    if DeliveryStatus.FAILED in stages:
        return DeliveryStatus.FAILED
    return min(stages, key=_RANK.__getitem__)
