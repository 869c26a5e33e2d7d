"""Questions about who changed which setting, and who did what with conversations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_
from sqlmodel import col, select

from handoff_bot.storage.desk_models import SettingChange
from handoff_bot.storage.models import Agent, Escalation, Event
from handoff_bot.storage.transaction import Transaction

SETTING_CHANGED = "setting.changed"
CHANNEL_PURPOSE = "channel.purpose"
CANNED_CHANGED = "canned.changed"
REPORT_ORDERED = "report.ordered"
BY_DESK_ID = (SETTING_CHANGED, CHANNEL_PURPOSE, CANNED_CHANGED, REPORT_ORDERED)
"""Kinds of events that name who did it in their data, as `by`, for it need not be an agent."""
LEFT_OUT = ("csat.answered", "reply.accepted", "note.kept", "escalation.not_needed")
"""Kinds that name an agent and are no steps: a customer's answer, single replies and notes, a reason."""


def remember(
    tx: Transaction, key: str, before: Any, after: Any, by: str, at: datetime
) -> SettingChange:
    """Keep one change."""
    held = {"value": before}, {"value": after}
    return tx.add(SettingChange(key=key, before=held[0], after=held[1], by=by, at=at))


def of_settings(
    tx: Transaction, limit: int, offset: int = 0, prefix: str = ""
) -> Sequence[SettingChange]:
    """Changes of settings whose keys begin so, newest first."""
    found = select(SettingChange).where(col(SettingChange.key).startswith(prefix, autoescape=True))
    newest = found.order_by(col(SettingChange.id).desc()).offset(offset).limit(limit)
    return list(tx.session.execute(newest).scalars())


def newest_of(tx: Transaction, keys: Collection[str]) -> int:
    """The id of the newest change of one of these settings, 0 when there is none."""
    found = select(func.max(SettingChange.id)).where(col(SettingChange.key).in_(keys))
    return tx.session.execute(found).scalar() or 0


def by_people(
    tx: Transaction, limit: int, before: int | None = None, desk_id: str = ""
) -> Sequence[Any]:
    """Events that people caused, newest first: (event, desk id, ticket's number)."""
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
