"""Looks up everything known about an inbound message in one query: most senders are known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, and_, bindparam, exists
from sqlmodel import col, select

from handoff_bot.domain.desk import Place
from handoff_bot.domain.escalations import OPEN
from handoff_bot.domain.messages import InboundMessage
from handoff_bot.storage.escalations import PLACE
from handoff_bot.storage.models import (
    Contact,
    ContactAddress,
    Conversation,
    DeskThread,
    Escalation,
    Message,
    Preference,
    Source,
)
from handoff_bot.storage.transaction import Transaction

_CHANNEL: BindParameter[str] = bindparam("channel")
_NAMES = col(ContactAddress.address).in_(bindparam("names", expanding=True))
_ITS_CONVERSATION = and_(
    col(Conversation.contact_id) == ContactAddress.contact_id,
    col(Conversation.channel) == _CHANNEL,
)
_HOLD = (
    select(col(Conversation.id))
    .join(ContactAddress, _ITS_CONVERSATION)
    .where(ContactAddress.channel == _CHANNEL, _NAMES)
    .order_by(col(Conversation.id))
    .with_for_update(of=Conversation)
)
_KNOWN = (
    select(  # type: ignore[call-overload]
        ContactAddress.address,
        Conversation,
        Contact,
        Escalation,
        DeskThread.slack_channel,
        DeskThread.ts,
        select(Message.work_id)
        .where(Message.channel == _CHANNEL, Message.provider_id == bindparam("provider_id"))
        .scalar_subquery(),
        select(Source.unread_until).where(Source.name == _CHANNEL).scalar_subquery(),
        select(Preference.value)
        .where(Preference.key == bindparam("translation"))
        .scalar_subquery(),
        exists().where(
            col(Conversation.channel) == _CHANNEL,
            col(Conversation.recipient) == bindparam("address"),
        ),
    )
    .join(Conversation, _ITS_CONVERSATION)
    .join(Contact, col(Contact.id) == ContactAddress.contact_id)
    .outerjoin(
        Escalation,
        and_(
            col(Escalation.conversation_id) == Conversation.id,
            col(Escalation.status).in_([status.value for status in OPEN]),
        ),
    )
    .outerjoin(DeskThread, col(DeskThread.escalation_id) == Escalation.id)
    .where(ContactAddress.channel == _CHANNEL, _NAMES)
)


@dataclass(frozen=True)
class Known:
    """Known data of an inbound message.

    Attributes:
        conversation: locked until commit.
        escalation: the open one.
        work_id: the job that stored it, None if not stored.
        unread_until: end of a gap whose older messages are not fetched yet.
        translation: the setting's value, None if not set.
        is_ours: True if the sender is one of our own addresses, so never a customer.
    """

    conversation: Conversation
    contact: Contact
    escalation: Escalation | None
    work_id: int | None
    unread_until: datetime | None
    translation: Any
    is_ours: bool


def known(tx: Transaction, inbound: InboundMessage, translation: str) -> Known | None:
    """Returns None if the customer, or one of the message's names for them, is new.

    `translation` is the key of the setting that is read along.
    """
    names = list(dict.fromkeys((inbound.address, *inbound.aliases)))
    asked = {"channel": inbound.channel, "names": names}
    if not tx.is_sqlite:  # SQLite has one writer; elsewhere a claim may be about to commit
        tx.core.execute(_HOLD, asked)
    values = asked | {"provider_id": inbound.provider_id, "address": inbound.address}
    values["translation"] = translation
    found = {row[0]: row[1:] for row in tx.session.execute(_KNOWN, values)}
    if found.keys() != set(names):
        return None
    conversation, contact, escalation, *where, work_id, unread_until, setting, is_ours = found[
        names[0]
    ]
    if escalation and all(where):
        tx.remembered[PLACE, escalation.id] = Place(*where)
    translation = setting and setting["value"]  # as in `log.preference`
    return Known(conversation, contact, escalation, work_id, unread_until, translation, is_ours)
