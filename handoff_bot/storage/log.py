"""The append-only event log, the live settings, and queries about their changes."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, cast, func, insert
from sqlmodel import col, select

from handoff_bot.domain.events import ConnectorKind, EventKind
from handoff_bot.storage.conversations import same_customer
from handoff_bot.storage.models import (
    Agent,
    Conversation,
    Escalation,
    Event,
    Preference,
    SettingChange,
)
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import (
    PREFERENCES,
    Transaction,
    delete_some,
    select_all,
    table_of,
)

# -- the event log and the live settings

Kind = EventKind | ConnectorKind

_RECORD = Prepared(insert(table_of(Event)))
_KEY = col(Preference.key)
_TOLD = "watch.told:"
"""Prefix of marks, one for each conversation whose messages were ever late: too many to read at once."""
_AFTER_TOLD = "watch.told;"
"""The first text after all that begin with `_TOLD`: ";" follows ":"."""
_PREFERENCES = Prepared(
    select(_KEY, cast(col(Preference.value), Text)).where(_KEY.not_like(f"{_TOLD}%"))
)
_EVENT = table_of(Event)
_OF_ESCALATION = Prepared(
    select_all(Event)
    .where(
        _EVENT.c.escalation_id == bindparam("escalation_id"), _EVENT.c.kind == bindparam("of_kind")
    )
    .order_by(_EVENT.c.id)
)


def record(
    tx: Transaction,
    kind: Kind,
    at: datetime,
    *,
    conversation: Conversation | None = None,
    escalation: Escalation | None = None,
    message_id: int | None = None,
    agent_id: int | None = None,
    **data: Any,
) -> None:
    """Appends an event. Contains ids and our own terms only, never free text or names."""
    conversation_id = conversation.id if conversation else None
    if escalation and conversation_id is None:
        conversation_id = escalation.conversation_id
    values = {
        "at": at,
        "kind": kind,
        "conversation_id": conversation_id,
        "escalation_id": escalation.id if escalation else None,
        "message_id": message_id,
        "agent_id": agent_id,
        "data": data,
    }
    _RECORD.run(tx.core, values)


def events(tx: Transaction, kind: Kind | None = None) -> Sequence[Event]:
    """Returns all events, or those of a kind, oldest first."""
    statement = select(Event).order_by(col(Event.id))
    if kind:
        statement = statement.where(Event.kind == kind)
    return list(tx.session.execute(statement).scalars())


def count(tx: Transaction, kind: Kind, since: datetime) -> int:
    """Returns the number of events of this kind since then."""
    found = (
        select(func.count()).select_from(Event).where(Event.kind == kind, col(Event.at) >= since)
    )
    return tx.session.execute(found).scalar_one()


def count_of_customer(tx: Transaction, kind: Kind, contact_id: int, since: datetime) -> int:
    """Returns the number of events of this kind in a customer's conversations since then."""
    theirs = select(col(Conversation.id)).where(
        col(Conversation.contact_id).in_(same_customer(contact_id))
    )
    found = (
        select(func.count())
        .select_from(Event)
        .where(col(Event.conversation_id).in_(theirs), Event.kind == kind, col(Event.at) >= since)
    )
    return tx.session.execute(found).scalar_one()


def was_recorded(tx: Transaction, kind: Kind, conversation: Conversation, at: datetime) -> bool:
    """Returns whether a conversation has an event of this kind at this very time."""
    found = select(col(Event.id)).where(
        Event.conversation_id == conversation.id, Event.kind == kind, Event.at == at
    )
    return tx.session.execute(found.limit(1)).first() is not None


def of_escalation(tx: Transaction, escalation_id: int, kind: Kind) -> Sequence[Event]:
    """Returns this kind's events of an escalation, oldest first."""
    values = {"escalation_id": escalation_id, "of_kind": kind}
    return tx.entities(Event, _OF_ESCALATION, values)


def has(tx: Transaction, kind: Kind, escalation_id: int) -> bool:
    found = select(col(Event.id)).where(Event.escalation_id == escalation_id, Event.kind == kind)
    return tx.session.execute(found.limit(1)).first() is not None


def any_of(tx: Transaction, kind: Kind) -> bool:
    """Returns whether there is any event of this kind."""
    return (
        tx.session.execute(select(col(Event.id)).where(Event.kind == kind).limit(1)).first()
        is not None
    )


def preference(tx: Transaction, key: str, default: Any) -> Any:
    """Returns a live setting, or its default."""
    if key.startswith(_TOLD):
        row = tx.session.get(Preference, key)
        return row.value["value"] if row else default
    held = _stored(tx).get(key)
    return default if held is None else json.loads(held)["value"]


def preferences(tx: Transaction, prefix: str) -> dict[str, Any]:
    """Returns the live settings with this prefix, by the rest of the key."""
    return {
        key.removeprefix(prefix): json.loads(held)["value"]
        for key, held in _stored(tx).items()
        if key.startswith(prefix)
    }


def _stored(tx: Transaction) -> dict[str, str]:
    """Returns all live settings as JSON, queried once per transaction: an escalation reads thirty."""
    held: dict[str, str] | None = tx.remembered.get(PREFERENCES)
    if held is None:
        held = tx.remembered[PREFERENCES] = dict(_PREFERENCES.rows(tx.core, {}))
    return held


def forget(tx: Transaction, key: str) -> None:
    """Resets a live setting."""
    row = tx.session.get(Preference, key)
    if row:
        tx.session.delete(row)
        tx.session.flush()
    tx.remembered.pop(PREFERENCES, None)


def prune_marks(tx: Transaction, before: datetime, limit: int) -> int:
    """Deletes at most `limit` marks of conversations whose messages were late before then; returns how
    many.
    """
    table = table_of(Preference)
    old = (table.c.key >= _TOLD, table.c.key < _AFTER_TOLD, table.c.updated_at < before)
    return delete_some(tx, table, limit, *old)


def prefer(tx: Transaction, key: str, value: Any, by: str, now: datetime) -> None:
    """Changes a live setting."""
    held = {"value": value}
    row = tx.session.get(Preference, key) or tx.ensure(
        Preference(key=key, value=held, updated_at=now, updated_by=by), "key"
    )
    row.value = held
    row.updated_at = now
    row.updated_by = by
    tx.session.flush()
    tx.remembered.pop(PREFERENCES, None)


# -- changes of settings, and agents' actions

BY_DESK_ID = (
    EventKind.SETTING_CHANGED,
    EventKind.CHANNEL_PURPOSE,
    EventKind.ARTICLE_CHANGED,
    EventKind.ARTICLE_REJECTED,
    EventKind.CANNED_CHANGED,
    EventKind.REPORT_ORDERED,
    EventKind.CONTACT_FORGOTTEN,
    EventKind.CONTACT_EXPORTED,
)
"""Event kinds whose data names the person as `by`, who need not be an agent."""
LEFT_OUT = (
    EventKind.CSAT_ANSWERED,
    EventKind.DISMISS_REASON,
    EventKind.ESCALATION_OFFERED,
    EventKind.MESSAGE_FAILED,
    EventKind.NOTE_HELD,
    EventKind.NOTE_KEPT,
    EventKind.REPLY_ACCEPTED,
)
"""Event kinds with an agent that are not actions: survey answers, offers, single replies and notes,
reasons.
"""


def remember_change(
    tx: Transaction, key: str, before: Any, after: Any, by: str, at: datetime
) -> SettingChange:
    """Stores one settings change."""
    held = {"value": before}, {"value": after}
    return tx.add(SettingChange(key=key, before=held[0], after=held[1], by=by, at=at))


def changes_of_settings(
    tx: Transaction, limit: int, offset: int = 0, prefix: str = ""
) -> Sequence[SettingChange]:
    """Returns changes of settings with this key prefix, newest first."""
    found = select(SettingChange).where(col(SettingChange.key).startswith(prefix, autoescape=True))
    newest = found.order_by(col(SettingChange.id).desc()).offset(offset).limit(limit)
    return list(tx.session.execute(newest).scalars())


def newest_change_of(tx: Transaction, keys: Collection[str]) -> int:
    """Returns the id of the newest change of these settings, or 0."""
    found = select(func.max(SettingChange.id)).where(col(SettingChange.key).in_(keys))
    return tx.session.execute(found).scalar() or 0


def changes_by_people(
    tx: Transaction, limit: int, before: int | None = None, desk_id: str = ""
) -> Sequence[Any]:
    """Returns events caused by people, newest first: (event, Slack id, ticket number)."""
    # Two queries, each with an index of its own: in one, the log would be read from its end until
    # the page is full, which for a person with few actions is at its beginning.
    acted: ColumnElement[bool] = col(Event.agent_id).is_not(None)
    said: ColumnElement[bool] = col(Event.kind).in_(BY_DESK_ID)
    if desk_id:
        known = select(Agent.id).where(Agent.desk_id == desk_id).scalar_subquery()
        acted = col(Event.agent_id) == known
        said = said & (col(Event.data)["by"].as_string() == desk_id)
    numbers: set[int] = set()
    for where in (acted, said):
        newest = select(col(Event.id)).where(where, col(Event.kind).not_in(LEFT_OUT))
        if before is not None:
            newest = newest.where(col(Event.id) < before)
        newest = newest.order_by(col(Event.id).desc()).limit(limit)
        numbers.update(one for one in tx.session.execute(newest).scalars() if one)
    found = (
        select(Event, Agent.desk_id, Escalation.ticket_id)
        .outerjoin(Agent, col(Agent.id) == col(Event.agent_id))
        .outerjoin(Escalation, col(Escalation.id) == col(Event.escalation_id))
        .where(col(Event.id).in_(numbers))
    )
    return tx.session.execute(found.order_by(col(Event.id).desc()).limit(limit)).all()
