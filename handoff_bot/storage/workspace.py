"""Queries and changes of the Slack workspace: channels, the conversations they hold, lacking blocks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, update
from sqlalchemy import exists as exists_row
from sqlmodel import col, select

from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.domain.roles import Conversation
from handoff_bot.storage.models import Agent, DeskChannel, DeskThread, Escalation, LackingBlock
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import Transaction, table_of

# -- Slack channels that the bot was invited to

_CHANNEL = table_of(DeskChannel)
_WORKING = Prepared(
    select(_CHANNEL.c.slack_channel)
    .where(_CHANNEL.c.purpose == bindparam("of"), _CHANNEL.c.suspended_at.is_(None))
    .limit(1)
)

MOST_CHANNELS = 50


def channel_of(tx: Transaction, slack_channel: str, by: str, now: datetime) -> DeskChannel:
    """Returns a channel's row, created if new."""
    row = tx.session.get(DeskChannel, slack_channel)
    if row is not None:
        return row
    new = DeskChannel(slack_channel=slack_channel, added_by=by, added_at=now)
    return tx.ensure(new, "slack_channel")


def known_channel(tx: Transaction, slack_channel: str) -> DeskChannel | None:
    """Returns a channel's row, or None if unknown."""
    return tx.session.get(DeskChannel, slack_channel)


def channels_with_purpose(tx: Transaction, purpose: str) -> Sequence[DeskChannel]:
    """Returns the channels with this purpose."""
    found = select(DeskChannel).where(DeskChannel.purpose == purpose)
    return list(tx.session.execute(found).scalars())


def working_channel(tx: Transaction, purpose: str) -> str:
    """Returns the open channel with this purpose, or ""."""
    tx.flush()
    return _WORKING.scalar(tx.core, {"of": purpose}) or ""


def every_channel(tx: Transaction) -> Sequence[DeskChannel]:
    """Returns all channels that the bot was invited to, oldest first."""
    found = select(DeskChannel).order_by(col(DeskChannel.added_at)).limit(MOST_CHANNELS)
    return list(tx.session.execute(found).scalars())


# -- which Slack channel holds a conversation, and which conversations a channel holds

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


def claimed_after(tx: Transaction, after: int, limit: int) -> Sequence[Escalation]:
    """Returns assigned escalations with higher ids, oldest first."""
    found = select(Escalation).where(
        Escalation.status == Status.CLAIMED.value, col(Escalation.id) > after
    )
    return list(tx.session.execute(found.order_by(col(Escalation.id)).limit(limit)).scalars())


def claimed_by(tx: Transaction, desk_id: str) -> Sequence[Escalation]:
    """Returns escalations assigned to this agent."""
    found = (
        select(Escalation)
        .join(Agent, col(Agent.id) == Escalation.owner_id)
        .where(Escalation.status == Status.CLAIMED.value, Agent.desk_id == desk_id)
    )
    return list(tx.session.execute(found).scalars())


# -- types of Slack's blocks that the workspace refused, with the time of the last refusal


def blocks_refused_since(tx: Transaction, moment: datetime) -> frozenset[str]:
    """Returns the types that were refused at that time or later."""
    found = select(LackingBlock.type).where(col(LackingBlock.refused_at) >= moment)
    return frozenset(tx.session.execute(found).scalars())


def blocks_refused(tx: Transaction, types: Collection[str], now: datetime) -> None:
    """Stores a refusal; a later one of the same type replaces its time."""
    for type in sorted(types):
        tx.add_unless_known(LackingBlock(type=type, refused_at=now), "type")
    mine = col(LackingBlock.type).in_(types)
    tx.session.execute(update(LackingBlock).where(mine).values(refused_at=now))
