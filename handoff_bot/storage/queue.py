"""Queries of the queue: pages, and the next conversations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, case, func
from sqlmodel import col, select

from handoff_bot.domain.desk import AgentRef, BoardRow, Place
from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.domain.queue import Filter, Whose
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.storage import access
from handoff_bot.storage.models import Agent, Contact, Conversation, DeskThread, Escalation
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import Transaction


def page(
    tx: Transaction, wanted: Filter, now: datetime, offset: int, limit: int
) -> tuple[Sequence[BoardRow], int]:
    """Returns matching rows, most urgent first (snoozed last), and their total number."""
    if wanted == Filter(whose=wanted.whose):
        return _whole_page(tx, wanted.whose, now, offset, limit)
    found = _fitting(wanted, now)
    count = tx.session.execute(select(func.count()).select_from(found.subquery())).scalar_one()
    rows = tx.session.execute(found.order_by(*_urgency(now)).offset(offset).limit(limit))
    return [_row(now, *each) for each in rows], count


def _whole_page(
    tx: Transaction, whose: Whose, now: datetime, offset: int, limit: int
) -> tuple[Sequence[BoardRow], int]:
    """Same as `page` without any condition but the status: the board, after each escalation."""
    tx.flush()
    counted, listed = _whole(whose)
    values = {"now": now, "first": offset, "most": limit}
    found = []
    for row in map(iter, listed.rows(tx.core, values)):
        escalation = tx.entity(Escalation, row)
        if escalation:
            found.append(_row(now, escalation, *row))
    return found, int(counted.scalar(tx.core, {}))


@cache
def _whole(whose: Whose) -> tuple[Prepared, Prepared]:
    """Returns the statements of `_whole_page`."""
    now: Any = bindparam("now")
    found = _fitting(Filter(whose=whose), now)
    listed = found.order_by(*_urgency(now)).offset(bindparam("first")).limit(bindparam("most"))
    counted = select(func.count()).where(col(Escalation.status).in_(_STATUSES[whose]))
    return Prepared(counted), Prepared(listed)


def next_waiting(
    tx: Transaction, now: datetime, limit: int, slack_channels: Collection[str] | None = None
) -> Sequence[int]:
    """Returns the ids of the next conversations, most urgent first, without snoozed ones."""
    waiting: Select[Any] = select(col(Escalation.id).label("id")).where(
        Escalation.status == Status.QUEUED.value, ~_is_snoozed(now)
    )
    if slack_channels is not None:
        waiting = waiting.outerjoin(
            DeskThread, col(DeskThread.escalation_id) == Escalation.id
        ).where(access.held_in(slack_channels))
    found = tx.session.execute(waiting.order_by(*_urgency(now)).limit(limit))
    return [row.id for row in found]


def waiting_since(tx: Transaction, since: datetime | None, now: datetime) -> int:
    """Returns how many customers wait, without snoozed ones, who came after that; None for all."""
    waiting = select(func.count()).where(
        Escalation.status == Status.QUEUED.value, ~_is_snoozed(now)
    )
    if since is not None:
        waiting = waiting.where(col(Escalation.opened_at) > since)
    return int(tx.session.execute(waiting).scalar_one())


def _urgency(now: Any) -> tuple[Any, ...]:
    return (
        case((_is_snoozed(now), 1), else_=0),
        col(Escalation.priority_rank),
        col(Escalation.opened_at),
        col(Escalation.id),
    )


def _is_snoozed(now: Any) -> Any:
    return func.coalesce(col(Escalation.snoozed_until) > now, False)


def _fitting(wanted: Filter, now: datetime) -> Select[Any]:
    found = (
        select(  # type: ignore[call-overload] # SQLModel knows up to four columns
            Escalation,
            Conversation.channel,
            Conversation.address,
            Contact.name,
            DeskThread.slack_channel,
            DeskThread.ts,
            Agent.desk_id,
            col(Agent.name).label("owner_name"),
        )
        .join(Conversation, col(Conversation.id) == Escalation.conversation_id)
        .join(Contact, col(Contact.id) == Conversation.contact_id)
        .outerjoin(DeskThread, col(DeskThread.escalation_id) == Escalation.id)
        .outerjoin(Agent, col(Agent.id) == Escalation.owner_id)
        .where(col(Escalation.status).in_(_STATUSES[wanted.whose]))
    )
    if wanted.owner:
        found = found.where(Agent.desk_id == wanted.owner)
    if wanted.channel:
        found = found.where(Conversation.channel == wanted.channel)
    if wanted.priority:
        found = found.where(Escalation.priority == wanted.priority.value)
    if wanted.reason:
        found = found.where(Escalation.reason == wanted.reason.value)
    if wanted.slack_channels is not None:
        found = found.where(access.held_in(wanted.slack_channels))
    if wanted.waited:
        found = found.where(Escalation.opened_at <= now - wanted.waited)
    return found  # type: ignore[no-any-return]


_STATUSES: dict[Whose, list[str]] = {
    Whose.WAITING: [Status.QUEUED.value],
    Whose.MINE: [Status.CLAIMED.value],
    Whose.CLAIMED: [Status.CLAIMED.value],
    Whose.OPEN: [status.value for status in OPEN],
}


def _row(
    now: datetime,
    escalation: Escalation,
    channel: str,
    address: str,
    name: str,
    slack_channel: str | None,
    ts: str | None,
    owner: str | None,
    owner_name: str | None,
) -> BoardRow:
    until = escalation.snoozed_until
    return BoardRow(
        escalation_id=escalation.id or 0,
        contact=name or address,
        channel=channel,
        reason=Signal(escalation.reason),
        priority=Priority(escalation.priority),
        opened_at=escalation.opened_at,
        thread=Place(slack_channel, ts) if slack_channel and ts else None,
        owner=AgentRef(owner, owner_name or "") if owner else None,
        vip=escalation.vip,
        snoozed_until=until if until and until > now else None,
    )


def owners(tx: Transaction, limit: int) -> Sequence[AgentRef]:
    """Returns agents with open conversations, by name."""
    found = (
        select(Agent.desk_id, Agent.name)
        .join(Escalation, col(Escalation.owner_id) == Agent.id)
        .where(Escalation.status == Status.CLAIMED.value)
        .distinct()
        .order_by(Agent.name, Agent.desk_id)
        .limit(limit)
    )
    return [AgentRef(desk_id, name) for desk_id, name in tx.session.execute(found)]


def channels(tx: Transaction) -> Sequence[str]:
    """Returns the kinds of channels of open escalations, in alphabetical order."""
    found = (
        select(Conversation.channel)
        .join(Escalation, col(Escalation.conversation_id) == Conversation.id)
        .where(col(Escalation.status).in_([status.value for status in OPEN]))
        .distinct()
        .order_by(Conversation.channel)
    )
    return list(tx.session.execute(found).scalars())
