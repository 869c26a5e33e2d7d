"""Queries about settings changes and agents' actions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_
from sqlmodel import col, select

from handoff_bot.domain.events import EventKind
from handoff_bot.storage.models import Agent, Escalation, Event, SettingChange
from handoff_bot.storage.transaction import Transaction

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


def remember(
    tx: Transaction, key: str, before: Any, after: Any, by: str, at: datetime
) -> SettingChange:
    """Stores one settings change."""
    held = {"value": before}, {"value": after}
    return tx.add(SettingChange(key=key, before=held[0], after=held[1], by=by, at=at))


def of_settings(
    tx: Transaction, limit: int, offset: int = 0, prefix: str = ""
) -> Sequence[SettingChange]:
    """Returns changes of settings with this key prefix, newest first."""
    found = select(SettingChange).where(col(SettingChange.key).startswith(prefix, autoescape=True))
    newest = found.order_by(col(SettingChange.id).desc()).offset(offset).limit(limit)
    return list(tx.session.execute(newest).scalars())


def newest_of(tx: Transaction, keys: Collection[str]) -> int:
    """Returns the id of the newest change of these settings, or 0."""
    found = select(func.max(SettingChange.id)).where(col(SettingChange.key).in_(keys))
    return tx.session.execute(found).scalar() or 0


def by_people(
    tx: Transaction, limit: int, before: int | None = None, desk_id: str = ""
) -> Sequence[Any]:
    """Returns events caused by people, newest first: (event, Slack id, ticket number)."""
    found = (
        select(Event, Agent.desk_id, Escalation.ticket_id)
        .outerjoin(Agent, col(Agent.id) == col(Event.agent_id))
        .outerjoin(Escalation, col(Escalation.id) == col(Event.escalation_id))
        .where(
            or_(col(Event.agent_id).is_not(None), col(Event.kind).in_(BY_DESK_ID)),
            col(Event.kind).not_in(LEFT_OUT),
        )
    )
    if before is not None:
        found = found.where(col(Event.id) < before)
    if desk_id:
        said = col(Event.data)["by"].as_string()
        theirs = col(Event.kind).in_(BY_DESK_ID) & (said == desk_id)
        found = found.where(or_(col(Agent.desk_id) == desk_id, theirs))
    return tx.session.execute(found.order_by(col(Event.id).desc()).limit(limit)).all()
