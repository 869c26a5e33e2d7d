"""The state of erasures, and their items outside the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, literal, or_, select, update

from handoff_bot.storage import contact_data, contacts
from handoff_bot.storage.contact_data import CONVERSATION, FORGOTTEN, MESSAGE
from handoff_bot.storage.models import (
    Contact,
    ContactAddress,
    Delivery,
    DeskPost,
    DeskThread,
    EarlierThread,
    Erasure,
    ErasureItem,
    Escalation,
    Ticket,
)
from handoff_bot.storage.transaction import DIALECTS, Transaction, table_of

ADDRESS, ERASURE, ITEM = table_of(ContactAddress), table_of(Erasure), table_of(ErasureItem)
LONGEST_ID = 18
"""Digits; longer numbers are no id, and do not fit into the databases' integers."""


# -- finding a contact


def contacts_at(tx: Transaction, given: str) -> list[int]:
    """Returns the contacts meant by an id, an address, or "channel:address", and those that agents
    have merged them with.
    """
    if given.isascii() and given.isdecimal() and len(given) <= LONGEST_ID:
        known = tx.session.get(Contact, int(given))
        return contacts.ids(tx, [known.id]) if known else []
    with_channel = ADDRESS.c.channel + literal(":")
    found = select(ADDRESS.c.contact_id).where(
        or_(
            ADDRESS.c.address == given,
            with_channel + ADDRESS.c.address == given,
            ADDRESS.c.address == with_channel + literal(given),
        )
    )
    return contacts.ids(tx, set(tx.core.execute(found).scalars()))


@dataclass(frozen=True)
class Address:
    """One address of a contact; `recipient` is the address of ours that they wrote to."""

    channel: str
    address: str
    recipient: str = ""


def addresses(tx: Transaction, contact_id: int) -> list[Address]:
    """Returns a contact's addresses, also the last one of each conversation."""
    ours = dict(
        tx.core.execute(
            select(CONVERSATION.c.channel, CONVERSATION.c.recipient).where(
                CONVERSATION.c.contact_id == contact_id
            )
        ).all()
    )
    stored = select(ADDRESS.c.channel, ADDRESS.c.address).where(ADDRESS.c.contact_id == contact_id)
    last = select(CONVERSATION.c.channel, CONVERSATION.c.address).where(
        CONVERSATION.c.contact_id == contact_id, CONVERSATION.c.address != FORGOTTEN
    )
    found = tx.core.execute(stored.union(last)).all()
    return [Address(channel, one, ours.get(channel, "")) for channel, one in sorted(found)]


# -- erasures


def of_contact(tx: Transaction, contact_id: int) -> Erasure | None:
    """Returns the newest erasure of a contact, locked until commit."""
    found = select(Erasure).where(ERASURE.c.contact_id == contact_id).order_by(ERASURE.c.id.desc())
    return tx.session.execute(found.limit(1).with_for_update()).scalar_one_or_none()


def begin(
    tx: Transaction, contact_id: int, by: str, step: str, now: datetime, receipt: dict[str, Any]
) -> Erasure:
    """Stores an erasure and takes the contact's addresses away, so that they are a stranger's."""
    known = [vars(one) for one in addresses(tx, contact_id)]
    contact_data.close_conversations(tx, contact_id, now)
    tx.core.execute(delete(ADDRESS).where(ADDRESS.c.contact_id == contact_id))
    return tx.add(
        Erasure(
            contact_id=contact_id,
            requested_by=by,
            requested_at=now,
            step=step,
            addresses=known,
            receipt=receipt,
        )
    )


def held(tx: Transaction, erasure_id: int) -> Erasure | None:
    """Returns an erasure, locked until commit."""
    return tx.lock(Erasure, erasure_id)


def addresses_of(erasure: Erasure) -> list[Address]:
    """Returns the addresses that are being erased."""
    return [Address(**one) for one in erasure.addresses]


def open_escalations(tx: Transaction, contact_id: int, statuses: Collection[str]) -> list[int]:
    """Returns a contact's escalations in these statuses."""
    table = table_of(Escalation)
    found = select(table.c.id).where(
        contact_data.where(table, contact_id), table.c.status.in_(list(statuses))
    )
    return list(tx.core.execute(found).scalars())


# -- what is outside


def add_items(tx: Transaction, erasure_id: int, items: Iterable[tuple[str, str, Any]]) -> list[int]:
    """Adds items (what, name, target) that are not known yet; returns the new ones."""
    rows = [
        {"erasure_id": erasure_id, "what": what, "name": name, "target": target, "outcome": ""}
        for what, name, target in items
    ]
    statement = DIALECTS[tx.is_sqlite](ITEM).on_conflict_do_nothing(
        index_elements=["erasure_id", "what", "name"]
    )
    new = (tx.core.execute(statement.returning(ITEM.c.id), row).scalar() for row in rows)
    return [number for number in new if number is not None]


def waiting_items(tx: Transaction, erasure_id: int) -> list[int]:
    """Returns the items that are not settled."""
    found = select(ITEM.c.id).where(ITEM.c.erasure_id == erasure_id, ITEM.c.outcome == "")
    return list(tx.core.execute(found.order_by(ITEM.c.id)).scalars())


def is_waiting(tx: Transaction, erasure_id: int, what: str) -> bool:
    """Returns whether items of this kind are not settled."""
    found = select(ITEM.c.id).where(
        ITEM.c.erasure_id == erasure_id, ITEM.c.what == what, ITEM.c.outcome == ""
    )
    return tx.core.execute(found.limit(1)).first() is not None


def item(tx: Transaction, item_id: int) -> ErasureItem | None:
    return tx.session.get(ErasureItem, item_id, populate_existing=True)


def settle_item(tx: Transaction, item_id: int, outcome: str, target: Any) -> None:
    """Records an outcome, "" if it is not done, and what the next call must know."""
    values = {"outcome": outcome, "target": dict(target)}
    tx.core.execute(update(ITEM).where(ITEM.c.id == item_id).values(values))


def outcomes(tx: Transaction, erasure_id: int) -> dict[str, dict[str, int]]:
    """Returns the number of items by kind and outcome."""
    found = (
        select(ITEM.c.what, ITEM.c.outcome, func.count())
        .where(ITEM.c.erasure_id == erasure_id)
        .group_by(ITEM.c.what, ITEM.c.outcome)
        .order_by(ITEM.c.what, ITEM.c.outcome)
    )
    told: dict[str, dict[str, int]] = {}
    for what, outcome, number in tx.core.execute(found):
        told.setdefault(what, {})[outcome] = number
    return told


def drop_items(tx: Transaction, erasure_id: int) -> None:
    tx.core.execute(delete(ITEM).where(ITEM.c.erasure_id == erasure_id))


def slack_threads(tx: Transaction, contact_id: int) -> set[tuple[str, str]]:
    """Returns the places of a contact's cards, also earlier ones."""
    return _places(tx, (DeskThread, EarlierThread), contact_id)


def slack_posts(tx: Transaction, contact_id: int) -> set[tuple[str, str]]:
    """Returns the places of posts about a contact outside threads."""
    return _places(tx, (DeskPost,), contact_id)


def _places(tx: Transaction, models: Iterable[Any], contact_id: int) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for model in models:
        table = table_of(model)
        here = select(table.c.slack_channel, table.c.ts).where(
            contact_data.where(table, contact_id)
        )
        found |= {(channel, ts) for channel, ts in tx.core.execute(here)}
    return found


def provider_ids(tx: Transaction, contact_id: int) -> list[tuple[str, str, str, str]]:
    """Returns (channel, provider id, address, recipient) of a contact's messages in both directions."""
    delivery, condition = table_of(Delivery), CONVERSATION.c.contact_id == contact_id
    where = (CONVERSATION.c.address, CONVERSATION.c.recipient)
    theirs = (
        select(MESSAGE.c.channel, MESSAGE.c.provider_id, *where)
        .join(CONVERSATION, CONVERSATION.c.id == MESSAGE.c.conversation_id)
        .where(condition, MESSAGE.c.provider_id.is_not(None))
    )
    ours = (
        select(MESSAGE.c.channel, delivery.c.provider_id, *where)
        .join(MESSAGE, MESSAGE.c.id == delivery.c.message_id)
        .join(CONVERSATION, CONVERSATION.c.id == MESSAGE.c.conversation_id)
        .where(condition, delivery.c.provider_id.is_not(None))
    )
    return [tuple(row) for row in tx.core.execute(theirs.union(ours))]


def tickets(tx: Transaction, contact_id: int) -> list[Ticket]:
    found = select(Ticket).where(table_of(Ticket).c.contact_id == contact_id)
    return list(tx.session.execute(found).scalars())
