"""Jobs and settings that contain the data of an erased contact."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, delete, func, select, update

from handoff_bot.storage import contact_data
from handoff_bot.storage.columns import Row
from handoff_bot.storage.contact_data import FORGOTTEN, MESSAGE
from handoff_bot.storage.erasures import addresses_of, slack_threads
from handoff_bot.storage.models import (
    ArticleDraft,
    Conversation,
    Delivery,
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
from handoff_bot.storage.transaction import Transaction, table_of

ITEM = table_of(ErasureItem)
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
        model: frozenset(contact_data.ids(tx, model, erasure.contact_id))
        for model in set(_ID_FIELDS.values())
    }
    places = slack_threads(tx, erasure.contact_id) | {
        (str(one.get("slack_channel")), str(one.get("ts")))
        for one in tx.core.execute(
            select(ITEM.c.target).where(
                ITEM.c.erasure_id == erasure.id, ITEM.c.target["ts"].is_not(None)
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
                select(MESSAGE.c.work_id).where(contact_data.where(MESSAGE, erasure.contact_id))
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
                lane=contact_data.nameless(row.lane),
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
