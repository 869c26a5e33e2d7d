"""Which Slack channel holds a conversation, and which conversations some Slack channels hold."""

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
"""The Slack channel of an escalation, "" for the queue channel of the deployment's settings."""
_OPEN = [status.value for status in OPEN]


def conversation(tx: Transaction, escalation_id: int, queue_channel: str) -> Conversation | None:
    """What roles need to know of an escalation's conversation."""
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
    """Every Slack channel that holds a conversation, "" for the queue channel of the settings.

    Steps from one to the next in the index: there may be 100,000 threads in three Slack channels.
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
    """The Slack channels of open escalations whose cards are not posted yet."""
    posted = exists_row().where(col(DeskThread.escalation_id) == Escalation.id)
    open_ = select(Escalation.slack_channel).where(col(Escalation.status).in_(_OPEN), ~posted)
    return set(tx.session.execute(open_.distinct()).scalars())


def held_in(channels: Collection[str]) -> Any:
    """The condition for a query that has joined Escalation and (outer) DeskThread."""
    return _WHERE.in_(sorted(channels))


def of_ticket_held_in(channels: Collection[str], escalation_id: Any) -> Any:
    """The condition for a query of tickets, whose newest escalation's id is in this column."""
    return exists_row(
        select(Escalation.id)
        .outerjoin(DeskThread, col(DeskThread.escalation_id) == Escalation.id)
        .where(col(Escalation.id) == escalation_id, held_in(channels))
    )


def claimed(tx: Transaction, limit: int, offset: int = 0) -> Sequence[Escalation]:
    """Escalations that an agent has, oldest first."""
    found = select(Escalation).where(Escalation.status == Status.CLAIMED.value)
    page = found.order_by(col(Escalation.id)).limit(limit).offset(offset)
    return list(tx.session.execute(page).scalars())


def claimed_by(tx: Transaction, desk_id: str) -> Sequence[Escalation]:
    """Escalations that this agent has."""
    found = (
        select(Escalation)
        .join(Agent, col(Agent.id) == Escalation.owner_id)
        .where(Escalation.status == Status.CLAIMED.value, Agent.desk_id == desk_id)
    )
    return list(tx.session.execute(found).scalars())
