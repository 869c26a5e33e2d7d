"""Deliveries: the parts of outbound messages."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, or_, update
from sqlmodel import col, select

from handoff_bot.domain.messages import Author, DeliveryStatus, DeliveryUpdate, earlier_than
from handoff_bot.storage.models import Conversation, Delivery, Message
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import Transaction, table_of

DELIVERY = table_of(Delivery)

_STATUSES = Prepared(
    select(DELIVERY.c.message_id, DELIVERY.c.status).where(
        DELIVERY.c.message_id.in_(bindparam("message_ids", expanding=True)),
        DELIVERY.c.superseded_at.is_(None),
    )
)

_ITSELF = update(DELIVERY).where(DELIVERY.c.id == bindparam("of"))
_NAME = Prepared(_ITSELF.where(DELIVERY.c.provider_id.is_(None)))
_MOVE = Prepared(_ITSELF.where(DELIVERY.c.status.in_(bindparam("before", expanding=True))))
_SET_SENDING = Prepared(_ITSELF)

LOST = frozenset({DeliveryStatus.DROPPED, DeliveryStatus.FAILED})
"""Final statuses of a delivery that the customer did not receive."""


def add(
    tx: Transaction, message_id: int, part: int, text: str, now: datetime, file: str = ""
) -> Delivery:
    """Creates a delivery with an unguessable id."""
    return tx.add(
        Delivery(
            message_id=message_id,
            part=part,
            oid=secrets.token_urlsafe(16),
            text=text,
            file=file,
            status=DeliveryStatus.QUEUED,
            updated_at=now,
        )
    )


def get(tx: Transaction, delivery_id: int) -> Delivery | None:
    """Returns a delivery, re-read from the database."""
    return tx.session.get(Delivery, delivery_id, populate_existing=True)


def current(tx: Transaction, message_id: int) -> Sequence[Delivery]:
    """Returns a message's current deliveries in order."""
    rows = tx.session.execute(
        select(Delivery)
        .where(Delivery.message_id == message_id, col(Delivery.superseded_at).is_(None))
        .order_by(col(Delivery.part))
    ).scalars()
    return list(rows)


def of_message(tx: Transaction, message_id: int) -> tuple[Message | None, list[DeliveryStatus]]:
    """Returns a message with the statuses of its current deliveries, in one query."""
    found = tx.session.execute(
        select(Message, col(Delivery.status))
        .join(Delivery, col(Delivery.message_id) == Message.id)
        .where(Message.id == message_id, col(Delivery.superseded_at).is_(None))
    ).all()
    return (found[0][0] if found else None), [DeliveryStatus(status) for _, status in found]


def statuses(tx: Transaction, message_ids: Iterable[int]) -> dict[int, list[DeliveryStatus]]:
    """Returns message id -> statuses of its current deliveries."""
    numbers = list(message_ids)
    if not numbers:
        return {}
    tx.flush()
    rows = _STATUSES.rows(tx.core, {"message_ids": numbers})
    found: dict[int, list[DeliveryStatus]] = {}
    for message_id, status in rows:
        found.setdefault(message_id, []).append(DeliveryStatus(status))
    return found


def for_status_update(tx: Transaction, news: DeliveryUpdate) -> Delivery | None:
    """Returns the delivery of a status update, by our id or the provider's.

    None if it belongs to another channel or customer, or has another provider id.
    """
    ours = (
        select(Delivery)
        .join(Message, col(Message.id) == Delivery.message_id)
        .join(Conversation, col(Conversation.id) == Message.conversation_id)
        .where(Message.channel == news.channel)
        .limit(1)
    )
    if news.address:
        ours = ours.where(Conversation.address == news.address)
    found = None
    if news.oid:
        named = ours.where(
            Delivery.oid == news.oid,
            or_(
                col(Delivery.provider_id).is_(None),
                col(Delivery.provider_id) == news.provider_id,
            ),
        )
        found = tx.session.execute(named).scalar_one_or_none()
    return (
        found
        or tx.session.execute(
            ours.where(Delivery.provider_id == news.provider_id)
        ).scalar_one_or_none()
    )


def move(
    tx: Transaction,
    delivery_id: int,
    status: DeliveryStatus,
    now: datetime,
    *,
    provider_id: str | None = None,
    error_code: str = "",
    error: str = "",
    in_doubt: bool = False,
) -> bool:
    """Moves a delivery forward; an earlier stage changes nothing. Returns True if it moved.

    A failed delivery was not sent, unless `in_doubt`.
    """
    if provider_id:
        tx.flush()
        _NAME.run(tx.core, {"of": delivery_id, "provider_id": provider_id})
    values: dict[str, object] = {"of": delivery_id, "status": status.value, "updated_at": now}
    if status is DeliveryStatus.FAILED and not in_doubt:
        values["begun_at"] = None
    if error or error_code:
        values |= {"error_code": error_code, "error": error}
    values["before"] = [stage.value for stage in earlier_than(status)]
    tx.flush()
    return bool(_MOVE.run(tx.core, values))


def set_sending(tx: Transaction, delivery_id: int, now: datetime) -> None:
    """Records that the provider call starts."""
    tx.flush()
    status = DeliveryStatus.SENDING.value
    _SET_SENDING.run(
        tx.core, {"of": delivery_id, "status": status, "begun_at": now, "updated_at": now}
    )


def set_waiting(tx: Transaction, delivery_id: int, now: datetime, *, in_doubt: bool) -> None:
    """Records that no call is running; it will be repeated, unless the last one turns out to have
    succeeded.
    """
    values: dict[str, object] = {} if in_doubt else {"begun_at": None}
    tx.change(
        Delivery,
        DELIVERY.c.id == delivery_id,
        DELIVERY.c.status.in_([DeliveryStatus.SENDING.value, DeliveryStatus.QUEUED.value]),
        status=DeliveryStatus.QUEUED.value,
        updated_at=now,
        **values,
    )


def supersede(tx: Transaction, delivery_id: int, now: datetime) -> bool:
    """Supersedes a failed delivery by a new one. Returns True if this call did it."""
    changed = tx.change(
        Delivery,
        DELIVERY.c.id == delivery_id,
        DELIVERY.c.status == DeliveryStatus.FAILED.value,
        DELIVERY.c.superseded_at.is_(None),
        superseded_at=now,
    )
    return changed == 1


def is_in_doubt(part: Delivery) -> bool:
    """Returns whether it is unknown if the part was sent."""
    open_stages = (DeliveryStatus.QUEUED, DeliveryStatus.SENDING, DeliveryStatus.FAILED)
    return part.status in open_stages and part.begun_at is not None


def may_have_left(part: Delivery) -> bool:
    """Returns whether the part may have reached the provider."""
    if part.status in (DeliveryStatus.QUEUED, DeliveryStatus.FAILED):
        return is_in_doubt(part)
    return part.status != DeliveryStatus.DROPPED


def can_be_changed(parts: Sequence[Delivery]) -> bool:
    """Returns whether the message can still be edited, because no part was sent."""
    live = any(part.status != DeliveryStatus.DROPPED for part in parts)
    return live and not any(map(may_have_left, parts))


def withdraw(tx: Transaction, message_id: int, now: datetime) -> bool:
    """Drops a message without any sent part, including its failed parts. Returns True if dropped."""
    parts = current(tx, message_id)
    if not can_be_changed(parts):
        return False
    for part in parts:
        part.status, part.updated_at = DeliveryStatus.DROPPED, now
    return True


def is_withdrawn(tx: Transaction, message_id: int) -> bool:
    """Returns whether the whole message was withdrawn."""
    parts = current(tx, message_id)
    return bool(parts) and all(part.status == DeliveryStatus.DROPPED for part in parts)


def first_failed(tx: Transaction, message_id: int) -> int:
    """Returns the first failed and not retried delivery of a message, or 0."""
    found = select(func.min(DELIVERY.c.id)).where(
        DELIVERY.c.message_id == message_id,
        DELIVERY.c.superseded_at.is_(None),
        DELIVERY.c.status == DeliveryStatus.FAILED.value,
    )
    return tx.session.execute(found).scalar() or 0


def arrived(tx: Transaction, messages: Sequence[Message]) -> list[Message]:
    """Returns the messages that both sides know: completely dropped or failed ones are excluded."""
    ours = (message for message in messages if message.author != Author.CONTACT)
    stages = statuses(tx, [message.id for message in ours])
    lost = {number for number, found in stages.items() if set(found) <= LOST}
    return [message for message in messages if message.id not in lost]


def ai_is_sending(tx: Transaction, conversation_id: int) -> bool:
    """Returns whether an epoch-bound message is being sent right now."""
    found = tx.session.execute(
        select(DELIVERY.c.id)
        .join(table_of(Message), table_of(Message).c.id == DELIVERY.c.message_id)
        .where(
            table_of(Message).c.conversation_id == conversation_id,
            table_of(Message).c.epoch.is_not(None),
            DELIVERY.c.status == DeliveryStatus.SENDING.value,
        )
        .limit(1)
    ).first()
    return found is not None


def known_provider_ids(tx: Transaction, provider_ids: Iterable[str]) -> set[str]:
    """Returns those ids that the provider used for other deliveries."""
    found = tx.session.execute(
        select(DELIVERY.c.provider_id).where(DELIVERY.c.provider_id.in_(list(provider_ids)))
    )
    return {provider_id for provider_id in found.scalars() if provider_id}
