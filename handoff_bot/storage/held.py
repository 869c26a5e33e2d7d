"""Queries and changes of held escalations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, delete, func
from sqlmodel import col, select

from handoff_bot.domain.queue import HeldRow
from handoff_bot.storage.models import Contact, Conversation, HeldEscalation, Message
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import Transaction, select_all, table_of

HELD = table_of(HeldEscalation)
_OF = Prepared(
    select_all(HeldEscalation).where(HELD.c.conversation_id == bindparam("conversation_id"))
)

_AWAITED = Prepared(
    select(HELD.c.refused_by)
    .where(HELD.c.refused_by.in_(bindparam("groups", expanding=True)))
    .limit(1)
)
_COUNT = Prepared(select(func.count()).select_from(HELD))


def of(tx: Transaction, conversation_id: int) -> HeldEscalation | None:
    """Returns this conversation's held escalation, re-read from the database."""
    found = tx.entities(HeldEscalation, _OF, {"conversation_id": conversation_id}, again=True)
    return found[0] if found else None


def first(tx: Transaction, group: str) -> HeldEscalation | None:
    """Returns the oldest one held by this group's limit."""
    found = select(HeldEscalation).where(HeldEscalation.refused_by == group)
    return tx.session.execute(found.order_by(col(HeldEscalation.id)).limit(1)).scalar_one_or_none()


def awaited(tx: Transaction, groups: Iterable[str]) -> str:
    """Returns the first of these groups with held escalations, or ""."""
    tx.flush()
    return _AWAITED.scalar(tx.core, {"groups": sorted(groups)}) or ""


def remove(tx: Transaction, held_id: int) -> bool:
    """Returns True if this call removed it."""
    gone = tx.session.execute(delete(HELD).where(HELD.c.id == held_id))
    return getattr(gone, "rowcount", 0) == 1


def count(tx: Transaction) -> int:
    tx.flush()
    return int(_COUNT.scalar(tx.core, {}))


def oldest(tx: Transaction, limit: int) -> Sequence[HeldRow]:
    """Returns held escalations, oldest first."""
    found = (
        select(  # type: ignore[call-overload] # SQLModel knows up to four columns
            Contact.name,
            Conversation.address,
            Conversation.channel,
            Message.text,
            HeldEscalation.held_at,
        )
        .select_from(HeldEscalation)
        .join(Conversation, col(Conversation.id) == HeldEscalation.conversation_id)
        .join(Contact, col(Contact.id) == Conversation.contact_id)
        .outerjoin(Message, col(Message.id) == HeldEscalation.message_id)
        .order_by(col(HeldEscalation.id))
        .limit(limit)
    )
    return [
        HeldRow(name or address, channel, text or "", held_at)
        for name, address, channel, text, held_at in tx.session.execute(found)
    ]
