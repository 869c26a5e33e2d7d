"""Queries for what happened to a message: its row, deliveries, events and jobs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import String, and_, cast, or_, select
from sqlmodel import col

from handoff_bot.storage.conversations import different
from handoff_bot.storage.models import (
    ContactAddress,
    Delivery,
    DeskThread,
    Escalation,
    Event,
    Message,
    Note,
    Work,
)
from handoff_bot.storage.transaction import Transaction, table_of

MOST = 200
"""Rows of a kind that are shown."""
_WORK = table_of(Work)


def by_provider_id(tx: Transaction, provider_id: str) -> Sequence[Message]:
    """Returns the messages that a provider knows by this id."""
    sent = select(col(Delivery.message_id)).where(col(Delivery.provider_id) == provider_id)
    received = select(col(Message.id)).where(_is_received_as([provider_id]))
    found = select(Message).where(col(Message.id).in_(received.union(sent)))
    return list(tx.session.execute(found.limit(MOST)).scalars())


def _is_received_as(provider_ids: Collection[str]) -> Any:
    """Condition for a message with one of these ids on any channel; the index begins with the channel."""
    channels = different(table_of(ContactAddress).c.channel)
    return and_(col(Message.channel).in_(channels), col(Message.provider_id).in_(provider_ids))


def by_desk_ts(tx: Transaction, ts: str) -> Sequence[Message]:
    """Returns the message of a post in Slack, or all of a card's thread."""
    # Indexes of places begin with the Slack channel, of which there are few.
    places = different(table_of(DeskThread).c.slack_channel)
    exact = select(Message).where(col(Message.desk_channel).in_(places), col(Message.desk_ts) == ts)
    if found := list(tx.session.execute(exact).scalars()):
        return found
    threads = select(col(DeskThread.escalation_id)).where(
        col(DeskThread.slack_channel).in_(places), col(DeskThread.ts) == ts
    )
    noted = select(col(Note.escalation_id)).where(
        col(Note.desk_channel).in_(places), col(Note.desk_ts) == ts
    )
    of_thread = select(Message).where(col(Message.escalation_id).in_(threads.union(noted)))
    return list(tx.session.execute(of_thread.order_by(col(Message.id)).limit(MOST)).scalars())


def of_ticket(tx: Transaction, number: int) -> Sequence[Message]:
    """Returns the messages of a ticket's escalations, newest last."""
    escalations = select(col(Escalation.id)).where(col(Escalation.ticket_id) == number)
    first = select(col(Escalation.message_id)).where(col(Escalation.ticket_id) == number)
    theirs = select(col(Message.id)).where(col(Message.escalation_id).in_(escalations))
    found = (
        select(Message)
        .where(col(Message.id).in_(theirs.union(first)))
        .order_by(col(Message.id).desc())
        .limit(MOST)
    )
    return list(reversed(list(tx.session.execute(found).scalars())))


def of_trace(tx: Transaction, trace: str) -> Sequence[Message]:
    """Returns the messages of the jobs with a log line's id."""
    found = [job.payload for job in jobs(tx, (), (), (trace,))]
    ids = {one["message_id"] for one in found if "message_id" in one}
    sent = {one["delivery_id"] for one in found if "delivery_id" in one}
    given = {one["provider_id"] for one in found if "provider_id" in one}
    of_parts = select(col(Delivery.message_id)).where(col(Delivery.id).in_(sent))
    received = select(col(Message.id)).where(_is_received_as(given))
    found_by = select(col(Message.id)).where(col(Message.id).in_(ids)).union(of_parts, received)
    rows = select(Message).where(col(Message.id).in_(found_by))
    return list(tx.session.execute(rows.order_by(col(Message.id)).limit(MOST)).scalars())


def deliveries(tx: Transaction, message_ids: Collection[int]) -> Sequence[Delivery]:
    found = select(Delivery).where(col(Delivery.message_id).in_(message_ids))
    return list(tx.session.execute(found.order_by(col(Delivery.id))).scalars())


def events(tx: Transaction, message_ids: Collection[int]) -> Sequence[Event]:
    theirs = select(col(Message.conversation_id)).where(col(Message.id).in_(message_ids))
    found = select(Event).where(
        col(Event.conversation_id).in_(theirs), col(Event.message_id).in_(message_ids)
    )
    return list(tx.session.execute(found.order_by(col(Event.id)).limit(MOST)).scalars())


def jobs(
    tx: Transaction,
    message_ids: Collection[int],
    delivery_ids: Collection[int],
    traces: Collection[str] = (),
    keys: Collection[str] = (),
) -> Sequence[Any]:
    """Returns jobs about these messages or deliveries, or with these ids of log lines, or these keys.

    Reads all jobs, which are kept for 30 days: seconds with a million of them.
    """

    def is_in(name: str, values: Collection[object]) -> Any:
        return cast(_WORK.c.payload[name].as_string(), String).in_([str(one) for one in values])

    found = select(_WORK).where(
        or_(
            is_in("message_id", message_ids),
            is_in("delivery_id", delivery_ids),
            is_in("trace", traces),
            _WORK.c.key.in_(keys),
        )
    )
    return tx.core.execute(found.order_by(_WORK.c.id).limit(MOST)).all()
