"""Looks up everything known about an inbound message in one query: most senders are known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, and_, bindparam, exists, select

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
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import Transaction, table_of

_ADDRESS, _CONVERSATION = table_of(ContactAddress), table_of(Conversation)
_CONTACT, _ESCALATION = table_of(Contact), table_of(Escalation)
_THREAD, _MESSAGE = table_of(DeskThread), table_of(Message)
_SOURCE, _PREFERENCE = table_of(Source), table_of(Preference)
_CHANNEL: BindParameter[str] = bindparam("channel")
_NAMES = _ADDRESS.c.address.in_(bindparam("names", expanding=True))
_ITS_CONVERSATION = and_(
    _CONVERSATION.c.contact_id == _ADDRESS.c.contact_id, _CONVERSATION.c.channel == _CHANNEL
)
_HOLD = Prepared(
    select(_CONVERSATION.c.id)
    .join(_ADDRESS, _ITS_CONVERSATION)
    .where(_ADDRESS.c.channel == _CHANNEL, _NAMES)
    .order_by(_CONVERSATION.c.id)
    .with_for_update(of=_CONVERSATION)
)
_KNOWN = Prepared(
    select(
        _ADDRESS.c.address,
        _THREAD.c.slack_channel,
        _THREAD.c.ts,
        select(_MESSAGE.c.work_id)
        .where(_MESSAGE.c.channel == _CHANNEL, _MESSAGE.c.provider_id == bindparam("provider_id"))
        .scalar_subquery(),
        select(_SOURCE.c.unread_until).where(_SOURCE.c.name == _CHANNEL).scalar_subquery(),
        select(_PREFERENCE.c.value)
        .where(_PREFERENCE.c.key == bindparam("translation"))
        .scalar_subquery(),
        exists().where(
            _CONVERSATION.c.channel == _CHANNEL,
            _CONVERSATION.c.recipient == bindparam("address"),
        ),
        _CONVERSATION,
        _CONTACT,
        _ESCALATION,
    )
    .select_from(_ADDRESS)
    .join(_CONVERSATION, _ITS_CONVERSATION)
    .join(_CONTACT, _CONTACT.c.id == _ADDRESS.c.contact_id)
    .outerjoin(
        _ESCALATION,
        and_(
            _ESCALATION.c.conversation_id == _CONVERSATION.c.id,
            _ESCALATION.c.status.in_([status.value for status in OPEN]),
        ),
    )
    .outerjoin(_THREAD, _THREAD.c.escalation_id == _ESCALATION.c.id)
    .where(_ADDRESS.c.channel == _CHANNEL, _NAMES)
)
_ENTITIES = 7
"""Index of the first entity's columns."""


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
        _HOLD.rows(tx.core, asked)
    values = asked | {"provider_id": inbound.provider_id, "address": inbound.address}
    values["translation"] = translation
    tx.flush()
    found = {row[0]: row for row in _KNOWN.rows(tx.core, values)}
    if found.keys() != set(names):
        return None
    row = found[names[0]]
    _, *where, work_id, unread_until, setting, is_ours = row[:_ENTITIES]
    columns = iter(row[_ENTITIES:])
    conversation = tx.entity(Conversation, columns)
    contact = tx.entity(Contact, columns)
    escalation = tx.entity(Escalation, columns)
    if conversation is None or contact is None:  # not with these joins
        return None
    if escalation and all(where):
        tx.remembered[PLACE, escalation.id] = Place(*where)
    translation = setting and setting["value"]  # as in `log.preference`
    return Known(
        conversation, contact, escalation, work_id, unread_until, translation, bool(is_ours)
    )
