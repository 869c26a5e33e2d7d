"""Erasures: their state, their items outside the database, and jobs with data of an erased contact."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, delete, func, select, update

from handoff_bot.storage import contacts, conversations
from handoff_bot.storage.columns import Row
from handoff_bot.storage.contacts import CONVERSATION, FORGOTTEN, MESSAGE
from handoff_bot.storage.models import (
    ArticleDraft,
    Contact,
    ContactAddress,
    Conversation,
    Delivery,
    DeskPost,
    DeskThread,
    EarlierThread,
    Erasure,
    ErasureItem,
    Escalation,
    Lane,
    Message,
    Note,
    Preference,
    SettingChange,
    Ticket,
    Work,
)
from handoff_bot.storage.transaction import DIALECTS, Transaction, table_of

# -- tables

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
    found: set[int] = set()
    for channel in conversations.channels(tx):
        names = {given, given.removeprefix(f"{channel}:"), f"{channel}:{given}"}
        theirs = select(ADDRESS.c.contact_id).where(
            ADDRESS.c.channel == channel, ADDRESS.c.address.in_(sorted(names))
        )
        found.update(tx.core.execute(theirs).scalars())
    return contacts.ids(tx, found)


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
    contacts.close_conversations(tx, contact_id, now)
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
        contacts.where(table, contact_id), table.c.status.in_(list(statuses))
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
        here = select(table.c.slack_channel, table.c.ts).where(contacts.where(table, contact_id))
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


# -- jobs with data of an erased contact

_ITEM = table_of(ErasureItem)
LANE, WORK = table_of(Lane), table_of(Work)
_OPEN = ("ready", "failed")


_PLAIN = re.compile(r"[\s().\-]")
_ID_FIELDS: dict[str, type[Row]] = {
    "conversation_id": Conversation,
    "escalation_id": Escalation,
    "about": Escalation,
    "ticket_id": Ticket,
    "message_id": Message,
    "inbound": Message,
    "delivery_id": Delivery,
    "note_id": Note,
    "draft_id": ArticleDraft,
}
"""Field of a job's payload -> the table whose id it is."""


@dataclass(frozen=True)
class Traces:
    """What identifies a contact in jobs: ids by field, threads, addresses, and jobs that stored a
    message.
    """

    ids: dict[str, frozenset[int]]
    threads: frozenset[str]
    addresses: tuple[str, ...]
    since: datetime
    jobs: frozenset[int]

    def has_ids(self, value: Any, name: str = "") -> bool:
        """Returns whether a payload refers to a row or a thread of the contact."""
        if isinstance(value, dict):
            return any(self.has_ids(one, key) for key, one in value.items())
        if isinstance(value, list):
            return any(self.has_ids(one, name) for one in value)
        if isinstance(value, str):
            return value in self.threads
        return name in self.ids and value in self.ids[name]

    def has_address(self, value: Any) -> bool:
        """Returns whether any text contains an address."""
        if isinstance(value, dict):
            return any(self.has_address(one) for one in (*value, *value.values()))
        if isinstance(value, list):
            return any(self.has_address(one) for one in value)
        return isinstance(value, str) and any(one in value for one in self.addresses)


def traces(tx: Transaction, erasure: Erasure) -> Traces:
    """Returns what identifies the erasure's contact in jobs."""
    known = {
        model: frozenset(contacts.row_ids(tx, model, erasure.contact_id))
        for model in set(_ID_FIELDS.values())
    }
    places = slack_threads(tx, erasure.contact_id) | {
        (str(one.get("slack_channel")), str(one.get("ts")))
        for one in tx.core.execute(
            select(_ITEM.c.target).where(
                _ITEM.c.erasure_id == erasure.id, _ITEM.c.target["ts"].is_not(None)
            )
        ).scalars()
    }
    return Traces(
        ids={name: known[model] for name, model in _ID_FIELDS.items()},
        threads=frozenset(ts for _, ts in places),
        addresses=tuple(one.address for one in addresses_of(erasure)),
        since=erasure.requested_at,
        jobs=frozenset(
            tx.core.execute(
                select(MESSAGE.c.work_id).where(contacts.where(MESSAGE, erasure.contact_id))
            ).scalars()
        ),
    )


@dataclass(frozen=True)
class Swept:
    """One page of jobs: the last one, None at the end, and whether some are running now."""

    last: int | None
    is_busy: bool


def sweep(
    tx: Transaction, found: Traces, after: int, limit: int, now: datetime, *, waiting: bool
) -> Swept:
    """Cancels and blanks the contact's jobs among the next ones.

    Args:
        waiting: only jobs that wait or have failed. A job whose lane is leased may be running, so it
            is left alone.
    """
    page = select(
        WORK.c.id, WORK.c.lane, WORK.c.key, WORK.c.payload, WORK.c.status, WORK.c.first_due_at
    )
    page = page.where(WORK.c.id > after).order_by(WORK.c.id).limit(limit)
    rows = tx.core.execute(page.where(WORK.c.status.in_(_OPEN)) if waiting else page).all()
    theirs = [row for row in rows if _concerns(found, row)]
    running = _leased(tx, {row.lane for row in theirs if row.status == "ready"})
    stopped = [row for row in theirs if row.lane not in running or row.status != "ready"]
    _cancel(tx, found, stopped, now)
    return Swept(rows[-1].id if len(rows) == limit else None, len(stopped) < len(theirs))


def _concerns(found: Traces, row: Any) -> bool:
    lane = row.lane.partition(":")[2].partition(":")[0]
    in_lane = lane.isdecimal() and _is_lane_of(found, row.lane, int(lane))
    if row.id in found.jobs or in_lane or found.has_ids(row.payload):
        return True
    # Addresses alone also name the stranger who has written since.
    return row.first_due_at < found.since and found.has_address([row.lane, row.key, row.payload])


def _is_lane_of(found: Traces, lane: str, number: int) -> bool:
    queue = lane.partition(":")[0]
    field_of = {"out": "conversation_id", "answer": "conversation_id", "desk": "escalation_id"}
    return number in found.ids.get(field_of.get(queue, ""), ())


def _leased(tx: Transaction, lanes: Collection[str]) -> set[str]:
    """Returns those of these lanes that a worker runs; the others are locked until commit."""
    found = select(LANE.c.key, LANE.c.leased_by).where(LANE.c.key.in_(list(lanes)))
    rows = tx.core.execute(found.order_by(LANE.c.key).with_for_update()).all()
    return {key for key, leased_by in rows if leased_by is not None}


def _cancel(tx: Transaction, found: Traces, rows: Sequence[Any], now: datetime) -> None:
    for row in rows:
        names_them = found.has_address(row.key) or found.has_ids(row.key)
        tx.core.execute(
            update(WORK)
            .where(WORK.c.id == row.id)
            .values(
                lane=contacts.nameless(row.lane),
                payload={},
                error="",
                begun_at=None,
                key=None if names_them else WORK.c.key,
                status=case((WORK.c.status.in_(_OPEN), "dismissed"), else_=WORK.c.status),
                finished_at=func.coalesce(WORK.c.finished_at, now),
            )
        )


def drop_lanes(tx: Transaction, found: Traces) -> None:
    """Deletes idle lanes that are named after the contact."""
    waiting = select(WORK.c.id).where(WORK.c.lane == LANE.c.key, WORK.c.status == "ready")
    for one in found.addresses:
        tx.core.execute(
            delete(LANE).where(
                LANE.c.key.contains(one, autoescape=True),
                LANE.c.leased_by.is_(None),
                ~waiting.exists(),
            )
        )


# -- settings


def scrub_settings(tx: Transaction, found: Sequence[str]) -> None:
    """Removes addresses from settings, such as the list of VIPs, and from their history."""
    known = {_plainly(one) for one in found}
    for table, columns in (
        (table_of(Preference), ("value",)),
        (table_of(SettingChange), ("before", "after")),
    ):
        (key,) = table.primary_key
        for row in tx.core.execute(select(table)).mappings().all():
            new = {name: _scrubbed(row[name], known) for name in columns}
            if new != {name: row[name] for name in columns}:
                tx.core.execute(update(table).where(key == row[key.name]).values(new))


def _scrubbed(value: Any, known: Collection[str]) -> Any:
    if isinstance(value, dict):
        kept = {name: one for name, one in value.items() if not _names(name, known)}
        return {name: _scrubbed(one, known) for name, one in kept.items()}
    if isinstance(value, list):
        return [_scrubbed(one, known) for one in value if not _names(one, known)]
    if _names(value, known):
        return ""
    if isinstance(value, str):
        for one in known:
            value = value.replace(one, FORGOTTEN)
    return value


def _names(value: Any, known: Collection[str]) -> bool:
    return isinstance(value, str) and _plainly(value) in known


def _plainly(address: str) -> str:
    return _PLAIN.sub("", address).casefold().rpartition(":")[2]
