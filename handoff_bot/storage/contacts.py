"""One customer as several contacts: agents merge contacts, which keep their rows and conversations.

Each merged contact names the first one (`merged_into_id`), so that the event log, lanes and
addresses stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import func, select, union_all

from handoff_bot.domain import attributes
from handoff_bot.storage.models import Contact
from handoff_bot.storage.transaction import Transaction, table_of

CONTACT = table_of(Contact)


def same_customer(contact_id: int) -> Any:
    """Returns a subquery of the ids of all contacts that are the same customer as this one."""
    first = (
        select(func.coalesce(CONTACT.c.merged_into_id, CONTACT.c.id))
        .where(CONTACT.c.id == contact_id)
        .scalar_subquery()
    )
    return union_all(
        select(CONTACT.c.id).where(CONTACT.c.id == first),
        select(CONTACT.c.id).where(CONTACT.c.merged_into_id == first),
    )


def ids(tx: Transaction, contact_ids: Collection[int]) -> list[int]:
    """Returns the ids of these contacts, and of those that are the same customers."""
    found = {one for each in contact_ids for one in tx.core.execute(same_customer(each)).scalars()}
    return sorted(found)


def attributes_of(tx: Transaction, contact_id: int) -> dict[str, str]:
    """Returns a customer's attributes: the team's system before the website, and this contact before
    those that it was merged with.
    """
    tx.flush()
    rows = tx.core.execute(
        select(CONTACT.c.looked_up, CONTACT.c.attributes)
        .where(CONTACT.c.id.in_(same_customer(contact_id)))
        .order_by((CONTACT.c.id != contact_id), CONTACT.c.id)
    ).all()
    return attributes.together(*(one for row in rows for one in row))
