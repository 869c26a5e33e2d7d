"""Queries and changes of escalations, tickets, Slack threads and the queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, exists, func, or_, union_all
from sqlmodel import col, select

from handoff_bot.domain.desk import Place
from handoff_bot.domain.escalations import OPEN, Status, Step, origins
from handoff_bot.domain.events import CLAIMED, EventKind
from handoff_bot.storage.conversations import same_customer
from handoff_bot.storage.models import (
    Agent,
    Conversation,
    DeskPost,
    DeskThread,
    EarlierThread,
    Escalation,
    Event,
    Ticket,
    Work,
)
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import Transaction, select_all, table_of

ESCALATION = table_of(Escalation)
_OPEN = [status.value for status in OPEN]


def get(tx: Transaction, escalation_id: int) -> Escalation | None:
    return tx.session.get(Escalation, escalation_id, populate_existing=True)


RECENT = 1_000
"""Escalations whose card may be being posted, although they have ended."""
PLACE = "place"
"""`Transaction.remembered` of an escalation: its card's location."""
_OPEN_OF = Prepared(
    select_all(Escalation).where(
        ESCALATION.c.conversation_id == bindparam("conversation_id"),
        ESCALATION.c.status.in_(_OPEN),
    )
)
_THREAD = table_of(DeskThread)
_THREAD_OF = Prepared(
    select_all(DeskThread).where(_THREAD.c.escalation_id == bindparam("escalation_id"))
)

_TICKET = table_of(Ticket)
_TICKET_OF = Prepared(
    select_all(Ticket)
    .join(ESCALATION, ESCALATION.c.ticket_id == _TICKET.c.id)
    .where(ESCALATION.c.id == bindparam("escalation_id"))
)
_EARLIER_TICKETS = Prepared(
    select(func.count())
    .select_from(_TICKET)
    .where(
        _TICKET.c.contact_id.in_(same_customer(bindparam("of_contact"))),
        _TICKET.c.id < bindparam("before"),
    )
)
_COUNT = Prepared(
    select(func.count())
    .select_from(ESCALATION)
    .where(ESCALATION.c.status == bindparam("its_status"))
)
_EVENT = table_of(Event)
_EARLIER = _EVENT.alias("earlier")
_SINCE = bindparam("since", type_=_EVENT.c.at.type)


def _first_claims(kind: str, after: Any) -> Any:
    """Builds the query for the newest events of this kind that are their escalation's first claim.

    They are read from the end of the index by kind: a busy team has thousands in the period.
    """
    is_earlier = or_(
        _EARLIER.c.at < _EVENT.c.at,
        and_(_EARLIER.c.at == _EVENT.c.at, _EARLIER.c.id < _EVENT.c.id),
    )
    was_claimed = exists().where(
        _EARLIER.c.escalation_id == _EVENT.c.escalation_id,
        _EARLIER.c.kind.in_(CLAIMED),
        _EARLIER.c.at >= _SINCE,
        is_earlier,
    )
    return (
        select(ESCALATION.c.opened_at, _EVENT.c.at)
        .join(_EVENT, _EVENT.c.escalation_id == ESCALATION.c.id)
        .where(_EVENT.c.kind == kind, _EVENT.c.at >= after, ESCALATION.c.opened_at >= _SINCE)
        .where(~was_claimed)
        .order_by(_EVENT.c.at.desc())
        .limit(bindparam("most"))
    )


_CLAIMS = _first_claims(EventKind.ESCALATION_CLAIM, _SINCE).cte("claims")
# Few reassignments are first claims. Those older than all these claims are not looked at.
_OLDEST_CLAIM = (
    select(_CLAIMS.c.at).order_by(_CLAIMS.c.at.desc()).limit(1).offset(bindparam("last"))
)
_REASSIGNED = _first_claims(
    EventKind.ESCALATION_REASSIGN, func.coalesce(_OLDEST_CLAIM.scalar_subquery(), _SINCE)
).cte("reassigned")
_WAITS = union_all(select(_CLAIMS), select(_REASSIGNED)).subquery()
_RECENT_WAITS = Prepared(
    select(_WAITS.c.opened_at, _WAITS.c.at).order_by(_WAITS.c.at.desc()).limit(bindparam("most"))
)


def open_of(tx: Transaction, conversation_id: int) -> Escalation | None:
    """Returns the open escalation of a conversation."""
    found = tx.entities(Escalation, _OPEN_OF, {"conversation_id": conversation_id})
    return found[0] if found else None


def closing(tx: Transaction, after: datetime, until: datetime) -> list[tuple[Escalation, datetime]]:
    """Returns open escalations whose messaging window closes in this period, and when."""
    closes_at = col(Conversation.window_closes_at)
    found = (
        select(Escalation, closes_at)
        .join(Conversation, col(Conversation.id) == Escalation.conversation_id)
        .where(col(Escalation.status).in_(_OPEN), closes_at > after, closes_at <= until)
    )
    return [(escalation, at) for escalation, at in tx.session.execute(found) if at]


def last_resolved(tx: Transaction, conversation_id: int, since: datetime) -> Escalation | None:
    """Returns the conversation's newest escalation, if an agent resolved it since then."""
    newest = tx.session.execute(
        select(Escalation)
        .where(Escalation.conversation_id == conversation_id)
        .order_by(col(Escalation.id).desc())
        .limit(1)
    ).scalar_one_or_none()
    if newest is None or newest.status != Status.RESOLVED or newest.closed_at is None:
        return None
    return newest if newest.closed_at >= since else None


def ended(tx: Transaction, limit: int) -> Sequence[Escalation]:
    """Returns closed escalations, newest first."""
    found = select(Escalation).where(col(Escalation.status).not_in(_OPEN))
    newest = found.order_by(col(Escalation.id).desc()).limit(limit)
    return list(tx.session.execute(newest).scalars())


def newest(tx: Transaction, limit: int) -> Sequence[Escalation]:
    """Returns escalations, newest first."""
    found = select(Escalation).order_by(col(Escalation.id).desc()).limit(limit)
    return list(tx.session.execute(found).scalars())


def any_after(tx: Transaction, conversation_id: int, message_id: int) -> bool:
    """Returns whether the conversation was escalated after this message."""
    found = select(col(Escalation.id)).where(
        Escalation.conversation_id == conversation_id, col(Escalation.message_id) > message_id
    )
    return tx.session.execute(found.limit(1)).first() is not None


_SETTLED = Prepared(
    select(func.max(ESCALATION.c.settled_message_id)).where(
        ESCALATION.c.conversation_id == bindparam("conversation_id")
    )
)


def settled_until(tx: Transaction, conversation_id: int) -> int:
    """Returns the conversation's newest message that an agent has settled, including all before it;
    or 0.
    """
    tx.flush()
    return _SETTLED.scalar(tx.core, {"conversation_id": conversation_id}) or 0


def settled_before(tx: Transaction, conversation_id: int, message_id: int) -> int:
    """Same as `settled_until`, as of this message."""
    found = select(func.max(col(Escalation.settled_message_id))).where(
        Escalation.conversation_id == conversation_id,
        col(Escalation.settled_message_id) < message_id,
    )
    return tx.session.execute(found).scalar_one() or 0


def step(tx: Transaction, escalation_id: int, taken: Step, **values: Any) -> bool:
    """Applies an action if the status allows it: one conditional UPDATE.

    `expected_owner_id` adds a condition. Returns True if this call did it.
    """
    where = [
        ESCALATION.c.id == escalation_id,
        ESCALATION.c.status.in_([status.value for status in origins(taken)]),
    ]
    if "expected_owner_id" in values:
        where.append(ESCALATION.c.owner_id == values.pop("expected_owner_id"))
    return tx.change(Escalation, *where, **values) == 1


def ticket_of(tx: Transaction, escalation_id: int) -> Ticket:
    """Returns an escalation's ticket. A reopened ticket has several escalations."""
    (ticket,) = tx.entities(Ticket, _TICKET_OF, {"escalation_id": escalation_id})
    return ticket


def previous_owner(tx: Transaction, escalation: Escalation) -> str:
    """Returns the assignee's name of the ticket's previous escalation, or ""."""
    found = tx.session.execute(
        select(Agent.name)
        .join(Escalation, col(Escalation.owner_id) == Agent.id)
        .where(
            Escalation.ticket_id == escalation.ticket_id,
            col(Escalation.id) < escalation.id,
        )
        .order_by(col(Escalation.id).desc())
        .limit(1)
    )
    return found.scalar_one_or_none() or ""


def earlier_tickets(tx: Transaction, contact_id: int, before: int) -> int:
    """Returns the number of the customer's earlier tickets."""
    tx.flush()
    return int(_EARLIER_TICKETS.scalar(tx.core, {"of_contact": contact_id, "before": before}))


def thread_of(tx: Transaction, escalation_id: int) -> DeskThread | None:
    """Returns a card's thread, None until it is posted."""
    found = tx.entities(DeskThread, _THREAD_OF, {"escalation_id": escalation_id})
    return found[0] if found else None


def place_of(tx: Transaction, escalation_id: int) -> Place | None:
    """Returns a card's location, queried once per transaction."""
    known: Place | None = tx.remembered.get((PLACE, escalation_id))
    if known is None:
        thread = thread_of(tx, escalation_id)
        known = Place(thread.slack_channel, thread.ts) if thread else None
        tx.remembered[PLACE, escalation_id] = known
    return known


def offers(tx: Transaction, escalation_id: int, kind: str) -> Sequence[tuple[DeskPost, Any]]:
    """Returns the offers of an escalation that were posted, each with the payload of its job."""
    found = (
        select(DeskPost, Work.payload)
        .join(Work, col(Work.id) == DeskPost.work_id)
        .where(DeskPost.escalation_id == escalation_id, Work.kind == kind)
    )
    rows = tx.session.execute(found.order_by(col(DeskPost.id)))
    return [(told, payload) for told, payload in rows if "until" in payload]


def thread_at(tx: Transaction, place: Place) -> DeskThread | EarlierThread | None:
    """Returns the thread at this location, if it is or was ours."""
    now = select(DeskThread).where(
        DeskThread.slack_channel == place.slack_channel, DeskThread.ts == place.ts
    )
    before = select(EarlierThread).where(
        EarlierThread.slack_channel == place.slack_channel, EarlierThread.ts == place.ts
    )
    found = tx.session.execute(now).scalar_one_or_none()
    return found or tx.session.execute(before).scalar_one_or_none()


def leave_thread(tx: Transaction, thread: DeskThread, now: datetime) -> None:
    """Removes a deleted card's thread until another card is posted."""
    earlier = EarlierThread(
        escalation_id=thread.escalation_id,
        slack_channel=thread.slack_channel,
        ts=thread.ts,
        left_at=now,
    )
    tx.session.delete(thread)
    tx.session.flush()
    tx.add(earlier)


def threads_left(tx: Transaction, escalation_id: int, since: datetime) -> int:
    """Returns how many cards of an escalation were lost since then."""
    found = select(func.count()).where(
        EarlierThread.escalation_id == escalation_id, EarlierThread.left_at >= since
    )
    return tx.session.execute(found).scalar_one()


def some_card_is_unplaced(tx: Transaction) -> bool:
    """Returns whether a card may be posted in Slack without a stored location: of an open escalation,
    or of one of the newest.
    """
    newest = select(func.max(ESCALATION.c.id)).scalar_subquery()
    recent = (ESCALATION.c.status.in_(_OPEN), ESCALATION.c.id > newest - RECENT)
    unplaced = (
        select(ESCALATION.c.id)
        .outerjoin(_THREAD, _THREAD.c.escalation_id == ESCALATION.c.id)
        .where(_THREAD.c.id.is_(None))
        .limit(1)
    )
    return any(tx.core.execute(unplaced.where(one)).first() is not None for one in recent)


def agent(tx: Transaction, agent_id: int | None) -> Agent | None:
    return tx.session.get(Agent, agent_id) if agent_id is not None else None


def count(tx: Transaction, status: Status) -> int:
    tx.flush()
    return int(_COUNT.scalar(tx.core, {"its_status": status.value}))


def recent_waits(
    tx: Transaction, since: datetime, limit: int
) -> Sequence[tuple[datetime, datetime]]:
    """Returns start and end of the waits since then, newest first. A wait ends with the first claim."""
    tx.flush()
    return _RECENT_WAITS.rows(tx.core, {"since": since, "most": limit, "last": limit - 1})
