"""Which Slack channel holds a conversation, and which conversations a channel holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import exists as exists_row
from sqlalchemy import func
from sqlmodel import col, select

from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.domain.roles import Conversation
from handoff_bot.storage.models import Agent, DeskThread, Escalation
from handoff_bot.storage.transaction import Transaction

_WHERE = func.coalesce(col(DeskThread.slack_channel), col(Escalation.slack_channel))
"""The Slack channel of an escalation, "" for the configured queue channel."""
_OPEN = [status.value for status in OPEN]


def conversation(tx: Transaction, escalation_id: int, queue_channel: str) -> Conversation | None:
    """Returns the data of an escalation's conversation that permission checks need."""
    found = tx.session.execute(
        select(Escalation.status, _WHERE, Agent.desk_id, Agent.name)
        .outerjoin(DeskThread, col(DeskThread.escalation_id) == Escalation.id)
        .outerjoin(Agent, col(Agent.id) == Escalation.owner_id)
        .where(Escalation.id == escalation_id)
    ).one_or_none()
    if found is None:
        return None
    status, where, desk_id, name = found
    is_taken = status == Status.CLAIMED
    return Conversation(
        slack_channel=where or queue_channel,
        assignee=(desk_id or "") if is_taken else "",
        assignee_name=(name or "") if is_taken else "",
    )


def slack_channels(tx: Transaction) -> set[str]:
    """Returns every Slack channel with a conversation, "" for the configured queue channel.

    Skips through the index: there may be 100,000 threads in three channels.
    """
    found: set[str] = set()
    column, last = col(DeskThread.slack_channel), ""
    while True:
        following = tx.session.execute(select(func.min(column)).where(column > last)).scalar_one()
        if following is None:
            return found | _unposted(tx)
        found.add(following)
        last = following


def _unposted(tx: Transaction) -> set[str]:
    """Returns the channels of open escalations whose cards are not posted yet."""
    posted = exists_row().where(col(DeskThread.escalation_id) == Escalation.id)
    open_ = select(Escalation.slack_channel).where(col(Escalation.status).in_(_OPEN), ~posted)
    return set(tx.session.execute(open_.distinct()).scalars())


def held_in(channels: Collection[str]) -> Any:
    """Condition for a query that joins Escalation and (outer) DeskThread."""
    return _WHERE.in_(sorted(channels))


def of_ticket_held_in(channels: Collection[str], escalation_id: Any) -> Any:
    """Condition for a query of tickets with their newest escalation's id in this column."""
    return exists_row(
        select(Escalation.id)
        .outerjoin(DeskThread, col(DeskThread.escalation_id) == Escalation.id)
        .where(col(Escalation.id) == escalation_id, held_in(channels))
    )


def claimed(tx: Transaction, limit: int, offset: int = 0) -> Sequence[Escalation]:
    """Returns assigned escalations, oldest first."""
    found = select(Escalation).where(Escalation.status == Status.CLAIMED.value)
    page = found.order_by(col(Escalation.id)).limit(limit).offset(offset)
    return list(tx.session.execute(page).scalars())


def claimed_by(tx: Transaction, desk_id: str) -> Sequence[Escalation]:
    """Returns escalations assigned to this agent."""
    found = (
        select(Escalation)
        .join(Agent, col(Agent.id) == Escalation.owner_id)
        .where(Escalation.status == Status.CLAIMED.value, Agent.desk_id == desk_id)
    )
    return list(tx.session.execute(found).scalars())
