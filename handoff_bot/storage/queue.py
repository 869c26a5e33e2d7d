"""Queries and changes of the queue: pages, the next conversations, held and reserved escalations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, case, delete, func
from sqlmodel import col, select

from handoff_bot.domain.desk import AgentRef, BoardRow, Filter, HeldRow, Place, Whose
from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.storage import workspace
from handoff_bot.storage.models import (
    Agent,
    Contact,
    Conversation,
    DeskThread,
    Escalation,
    HeldEscalation,
    Message,
    Reservation,
)
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import Transaction, select_all, table_of

# -- held escalations

HELD = table_of(HeldEscalation)
_OF = Prepared(
    select_all(HeldEscalation).where(HELD.c.conversation_id == bindparam("conversation_id"))
)

_AWAITED = Prepared(
    select(HELD.c.refused_by)
    .where(HELD.c.refused_by.in_(bindparam("groups", expanding=True)))
    .limit(1)
)
_COUNT = Prepared(select(func.count()).select_from(HELD))


def held_of(tx: Transaction, conversation_id: int) -> HeldEscalation | None:
    """Returns this conversation's held escalation, re-read from the database."""
    found = tx.entities(HeldEscalation, _OF, {"conversation_id": conversation_id}, again=True)
    return found[0] if found else None


def first_held(tx: Transaction, group: str) -> HeldEscalation | None:
    """Returns the oldest one held by this group's limit."""
    found = select(HeldEscalation).where(HeldEscalation.refused_by == group)
    return tx.session.execute(found.order_by(col(HeldEscalation.id)).limit(1)).scalar_one_or_none()


def awaited(tx: Transaction, groups: Iterable[str]) -> str:
    """Returns the first of these groups with held escalations, or ""."""
    tx.flush()
    return _AWAITED.scalar(tx.core, {"groups": sorted(groups)}) or ""


def remove_held(tx: Transaction, held_id: int) -> bool:
    """Returns True if this call removed it."""
    gone = tx.session.execute(delete(HELD).where(HELD.c.id == held_id))
    return getattr(gone, "rowcount", 0) == 1


def count_held(tx: Transaction) -> int:
    tx.flush()
    return int(_COUNT.scalar(tx.core, {}))


def oldest_held(tx: Transaction, limit: int) -> Sequence[HeldRow]:
    """Returns held escalations, oldest first."""
    found = (
        select(  # type: ignore[call-overload] # SQLModel knows up to four columns
            Contact.name,
            Conversation.address,
            Conversation.channel,
            Message.text,
            HeldEscalation.held_at,
        )
        .select_from(HeldEscalation)
        .join(Conversation, col(Conversation.id) == HeldEscalation.conversation_id)
        .join(Contact, col(Contact.id) == Conversation.contact_id)
        .outerjoin(Message, col(Message.id) == HeldEscalation.message_id)
        .order_by(col(HeldEscalation.id))
        .limit(limit)
    )
    return [
        HeldRow(name or address, channel, text or "", held_at)
        for name, address, channel, text, held_at in tx.session.execute(found)
    ]


# -- reserved escalations


def reservation_of(tx: Transaction, escalation_id: int) -> Reservation | None:
    """Returns an escalation's reservation, including an expired one."""
    return tx.session.get(Reservation, escalation_id, populate_existing=True)


def live_reservation(tx: Transaction, escalation_id: int, now: datetime) -> Reservation | None:
    """Returns an escalation's reservation if it has not expired."""
    found = reservation_of(tx, escalation_id)
    return found if found and found.until > now else None


def reserve(tx: Transaction, escalation_id: int, desk_id: str, name: str, until: datetime) -> None:
    """Reserves an escalation; an expired reservation is replaced."""
    found = reservation_of(tx, escalation_id)
    if found is None:
        row = Reservation(escalation_id=escalation_id, desk_id=desk_id, name=name, until=until)
        tx.session.add(row)
    else:
        found.desk_id, found.name, found.until = desk_id, name, until
        found.others = [one for one in found.others if one != desk_id]
    tx.session.flush()


def reservation_told(tx: Transaction, reservation: Reservation, desk_id: str) -> None:
    """Records that another agent was told of it."""
    if desk_id not in reservation.others:
        reservation.others = [*reservation.others, desk_id]
        tx.session.flush()


def end_reservation(tx: Transaction, escalation_id: int) -> None:
    found = reservation_of(tx, escalation_id)
    if found:
        tx.session.delete(found)
        tx.session.flush()


# -- pages, and the next conversations


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
        ).where(workspace.held_in(slack_channels))
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
        found = found.where(workspace.held_in(wanted.slack_channels))
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
