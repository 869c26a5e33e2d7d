"""One customer as several contacts: agents merge contacts, which keep their rows and conversations.

Each merged contact names the first one (`merged_into_id`), so that the event log, lanes and
addresses stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Select, select

from handoff_bot.storage.conversations import same_customer
from handoff_bot.storage.models import Contact, Conversation
from handoff_bot.storage.transaction import Transaction, table_of

CONTACT, CONVERSATION = table_of(Contact), table_of(Conversation)


def ids(tx: Transaction, contact_ids: Collection[int]) -> list[int]:
    """Returns the ids of these contacts, and of those that are the same customers."""
    found = {one for each in contact_ids for one in tx.core.execute(same_customer(each)).scalars()}
    return sorted(found)


def conversations_of(tx: Transaction, contact_ids: Collection[int]) -> Sequence[Conversation]:
    """Returns the conversations of these contacts, oldest first."""
    theirs = select(Conversation).where(CONVERSATION.c.contact_id.in_(contact_ids))
    return list(tx.session.execute(theirs.order_by(CONVERSATION.c.id)).scalars())


def hold_conversations_of(tx: Transaction, contact_ids: Collection[int]) -> Sequence[Conversation]:
    """Returns the conversations of these contacts as they are now, locked until commit."""
    theirs = select(Conversation).where(CONVERSATION.c.contact_id.in_(contact_ids))
    return _locked(tx, theirs)


def siblings(tx: Transaction, conversation: Conversation) -> Sequence[Conversation]:
    """Returns the customer's other conversations on the same channel, locked until commit."""
    theirs = select(Conversation).where(
        CONVERSATION.c.contact_id.in_(same_customer(conversation.contact_id)),
        CONVERSATION.c.channel == conversation.channel,
        CONVERSATION.c.id != conversation.id,
        CONVERSATION.c.forgotten_at.is_(None),
    )
    return _locked(tx, theirs)


def _locked(tx: Transaction, found: Select[Any]) -> Sequence[Conversation]:
    """Returns these rows as they are now, locked in the order of their ids."""
    tx.flush()  # what is read again would be lost
    locked = found.order_by(CONVERSATION.c.id).with_for_update()
    renewed = locked.execution_options(populate_existing=True)
    return list(tx.session.execute(renewed).scalars())


def merge(tx: Transaction, contact_ids: Collection[int]) -> None:
    """Makes all of these one customer. A contact without a name takes the first name."""
    found = select(Contact).where(CONTACT.c.id.in_(contact_ids)).order_by(CONTACT.c.id)
    first, *others = tx.session.execute(found.with_for_update()).scalars()
    name = next((one.name for one in (first, *others) if one.name), "")
    tx.set(first, merged_into_id=None, name=first.name or name)
    for other in others:
        tx.set(other, merged_into_id=first.id, name=other.name or name)
