"""Queries and changes of sources: last contact, and gaps still to be read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import bindparam, case, func, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select

from handoff_bot.domain.desk import Place
from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.storage.conversations import different
from handoff_bot.storage.models import (
    Conversation,
    DeskThread,
    Escalation,
    Message,
    Source,
    Work,
    retained,
)
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import Transaction, table_of

_SOURCE, _THREAD = table_of(Source), table_of(DeskThread)
_CONVERSATION = table_of(Conversation)
_UNREAD_UNTIL = Prepared(select(_SOURCE.c.unread_until).where(_SOURCE.c.name == bindparam("of")))
_MESSAGE = table_of(Message)
_EACH = 50
"""Messages of one customer, so that `most` customers are found among the newest of all."""
_OPEN = [status.value for status in OPEN]


def get(tx: Transaction, name: str) -> Source | None:
    """Returns a source, None before its first contact."""
    return tx.session.get(Source, name, populate_existing=True)


def beat(tx: Transaction, name: str, now: datetime, first_read: datetime) -> datetime | None:
    """Records a contact; returns the previous one, None if there was none.

    `first_read` is from when on a new source's messages are listed.
    """
    known = tx.session.execute(
        select(Source).where(Source.name == name).with_for_update()
    ).scalar_one_or_none()
    if known is None:
        _insert(tx, name, now, first_read)
        return None
    before, known.in_contact_at = known.in_contact_at, max(now, known.in_contact_at)
    tx.session.add(known)
    tx.session.flush()
    return before


def _insert(tx: Transaction, name: str, now: datetime, first_read: datetime) -> None:
    """Creates the source; concurrent processes may do so at once."""
    insert = (sqlite if tx.is_sqlite else postgresql).insert
    row = {"name": name, "in_contact_at": now, "read_until": first_read}
    made = insert(_SOURCE).values(**row).on_conflict_do_nothing(index_elements=[_SOURCE.c.name])
    tx.core.execute(made)


def missed(tx: Transaction, name: str, since: datetime, until: datetime) -> None:
    """Records a gap: messages of this period may have been missed."""
    tx.core.execute(
        update(_SOURCE)
        .where(_SOURCE.c.name == name)
        .values(
            unread_since=func.coalesce(_SOURCE.c.unread_since, since),
            unread_until=until,
            read_until=case((_SOURCE.c.read_until > since, since), else_=_SOURCE.c.read_until),
        )
    )


def read(tx: Transaction, name: str, until: datetime, *, complete: bool) -> None:
    """Records that messages until then were listed; `complete` if the gap is closed."""
    values: dict[str, datetime | None] = {"read_until": until}
    if complete:
        values |= {"unread_since": None, "unread_until": None}
    tx.core.execute(update(_SOURCE).where(_SOURCE.c.name == name).values(**values))


def is_unread(tx: Transaction, name: str, ended_after: datetime) -> bool:
    """Returns whether a gap that ended after then has not been read yet."""
    tx.flush()
    until = _UNREAD_UNTIL.scalar(tx.core, {"of": name})
    return until is not None and until > ended_after


def recipients(tx: Transaction, channel: str, most: int) -> Sequence[str]:
    """Returns our own addresses that customers of a channel have written to."""
    found = different(_CONVERSATION.c.recipient, _CONVERSATION.c.channel == channel)
    return [one for one in tx.core.execute(found.limit(most + 1)).scalars() if one][:most]


def addresses(tx: Transaction, channel: str, since: datetime, most: int) -> Sequence[str]:
    """Returns the addresses of customers who wrote since then, latest first."""
    # From the messages, because conversations are not indexed by time: that would cost each message.
    latest = (
        select(_MESSAGE.c.conversation_id)
        .where(_MESSAGE.c.channel == channel, _MESSAGE.c.created_at >= since, retained("message"))
        .order_by(_MESSAGE.c.created_at.desc())
        .limit(most * _EACH)
    )
    found = (
        select(Conversation.address)
        .where(
            col(Conversation.id).in_(latest.scalar_subquery()),
            col(Conversation.last_inbound_at) >= since,
        )
        .order_by(col(Conversation.last_inbound_at).desc())
        .limit(most)
    )
    return list(tx.session.execute(found).scalars())


def known(tx: Transaction, channel: str, provider_ids: Collection[str]) -> set[str]:
    """Returns those ids whose messages were received."""
    keys = [f"{channel}:{one}" for one in provider_ids]
    stored = select(Work.key).where(col(Work.key).in_(keys))
    waiting = (str(key) for key in tx.session.execute(stored).scalars())
    return handled(tx, channel, provider_ids) | {key.removeprefix(f"{channel}:") for key in waiting}


def handled(tx: Transaction, channel: str, provider_ids: Collection[str]) -> set[str]:
    """Returns those ids whose messages are stored in their conversations."""
    found = select(Message.provider_id).where(
        Message.channel == channel, col(Message.provider_id).in_(provider_ids)
    )
    return {str(one) for one in tx.session.execute(found).scalars()}


# -- Slack threads


def thread(tx: Transaction, place: Place) -> DeskThread | None:
    """Returns the escalation's thread at this location if it is open, or closed before it was read
    back.
    """
    return tx.session.execute(
        select(DeskThread)
        .join(Escalation, col(Escalation.id) == DeskThread.escalation_id)
        .where(
            DeskThread.slack_channel == place.slack_channel,
            DeskThread.ts == place.ts,
            or_(col(Escalation.status).in_(_OPEN), col(DeskThread.unread_since).is_not(None)),
        )
    ).scalar_one_or_none()


def threads_missed(tx: Transaction, since: datetime, most: int) -> Sequence[Place]:
    """Marks open threads for reading back and returns them, claimed ones first."""
    found = tx.session.execute(
        select(DeskThread)
        .join(Escalation, col(Escalation.id) == DeskThread.escalation_id)
        .where(col(Escalation.status).in_(_OPEN))
        .order_by(col(Escalation.status) == Status.QUEUED.value, col(DeskThread.id).desc())
        .limit(most)
    ).scalars()
    places = []
    for one in found:
        one.unread_since = min(since, one.unread_since or since)
        tx.session.add(one)
        places.append(Place(one.slack_channel, one.ts))
    tx.session.flush()
    return places


def threads_to_look_at(tx: Transaction, before: datetime, most: int) -> Sequence[Place]:
    """Returns claimed threads not read back since then, oldest first."""
    last = func.coalesce(_THREAD.c.read_until, _THREAD.c.created_at)
    found = tx.session.execute(
        select(_THREAD.c.slack_channel, _THREAD.c.ts)
        .join(Escalation, col(Escalation.id) == _THREAD.c.escalation_id)
        .where(
            Escalation.status == Status.CLAIMED.value,
            last < before,
            or_(_THREAD.c.unread_since.is_(None), _THREAD.c.unread_since < before),
        )
        .order_by(last)
        .limit(most)
    )
    return [Place(slack_channel, ts) for slack_channel, ts in found]


def thread_read(tx: Transaction, place: Place, until: datetime) -> None:
    """Records that a thread was read back until then."""
    tx.core.execute(
        update(_THREAD)
        .where(_THREAD.c.slack_channel == place.slack_channel, _THREAD.c.ts == place.ts)
        .values(read_until=until, unread_since=None)
    )
