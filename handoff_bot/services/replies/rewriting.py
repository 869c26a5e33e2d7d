"""Replaces the text of a waiting reply in place, so that an edit keeps the order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.domain.files import Piece
from handoff_bot.jobs import store
from handoff_bot.services.delivery import sending
from handoff_bot.services.delivery.sending import Channels
from handoff_bot.storage import deliveries
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.models import Conversation, Delivery, Message
from handoff_bot.storage.transaction import Transaction


def rewrite(
    tx: Transaction,
    conversation: Conversation,
    message: Message,
    channels: Channels,
    now: datetime,
) -> bool:
    """Updates the unsent parts of a message to its text and restarts the send hold.

    Returns:
        False if all parts have failed: it is sent when an agent selects Retry.
    """
    parts = deliveries.current(tx, id_of(message))
    waiting = [part for part in parts if part.status == DeliveryStatus.QUEUED]
    place = waiting or parts
    others = [part for part in parts if part not in place]
    refused = {part.file for part in others if part.file and not part.text}
    fresh = sending.pieces_of(message, channels, besides=refused)
    for part, piece in zip(place, fresh, strict=False):
        part.text, part.file, part.updated_at = piece.text, piece.file, now
    for part in [*place[len(fresh) :], *(part for part in others if part.text)]:
        part.status, part.superseded_at = DeliveryStatus.DROPPED, now
    status = DeliveryStatus.QUEUED if waiting else DeliveryStatus.FAILED
    more = list(_more(tx, message, fresh[len(place) :], status, parts[-1].part + 1, now))
    if waiting:
        _requeue(tx, conversation, waiting, more, now)
    return bool(waiting)


def _more(
    tx: Transaction,
    message: Message,
    pieces: Iterable[Piece],
    status: DeliveryStatus,
    first: int,
    now: datetime,
) -> Iterable[Delivery]:
    """Yields additional parts after the existing ones."""
    for number, piece in enumerate(pieces, start=first):
        made = deliveries.add(tx, id_of(message), number, piece.text, now, piece.file)
        made.status = status
        yield made


def _requeue(
    tx: Transaction,
    conversation: Conversation,
    parts: Sequence[Delivery],
    more: Sequence[Delivery],
    now: datetime,
) -> None:
    """Moves later messages behind the additional parts."""
    known = {part.id for part in parts}
    queued = store.waiting(tx, sending.lane_of(conversation))
    ours = [job for job in queued if job.payload.get("delivery_id") in known]
    store.put_off(tx, ours, now + sending.hold(tx))
    for made in more:
        sending.enqueue(tx, conversation, made, now)
    if more and ours:
        store.put_last(tx, [job for job in queued if job.id > ours[-1].id])
