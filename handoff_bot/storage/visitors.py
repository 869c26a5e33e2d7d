"""Queries of a visitor's view: visible messages and changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, func, select

from handoff_bot.domain.customers import PARTS, Cursor, VisitorFile, VisitorLine
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.messages import Author, DeliveryStatus, Direction
from handoff_bot.storage import attachments
from handoff_bot.storage.models import (
    Agent,
    ContactAddress,
    Conversation,
    Delivery,
    Escalation,
    Event,
    Message,
    Work,
)
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.sealed import Unreadable
from handoff_bot.storage.transaction import Transaction, table_of

ADDRESS, AGENT, CONVERSATION = table_of(ContactAddress), table_of(Agent), table_of(Conversation)
DELIVERY, ESCALATION, EVENT = table_of(Delivery), table_of(Escalation), table_of(Event)
MESSAGE, WORK = table_of(Message), table_of(Work)

_SHOWN = [
    status.value
    for status in (
        DeliveryStatus.ACCEPTED,
        DeliveryStatus.SENT,
        DeliveryStatus.DELIVERED,
        DeliveryStatus.READ,
    )
]
_ON_ITS_WAY = [DeliveryStatus.QUEUED.value, DeliveryStatus.SENDING.value]

# Runs for every visitor on every change: built once, plain Core.
_CONVERSATION = (
    select(CONVERSATION.c.id)
    .join(ADDRESS, ADDRESS.c.contact_id == CONVERSATION.c.contact_id)
    .where(
        ADDRESS.c.channel == bindparam("channel"),
        ADDRESS.c.address == bindparam("address"),
        CONVERSATION.c.channel == bindparam("channel"),
    )
)
_INBOUND = (
    select(
        MESSAGE.c.id,
        MESSAGE.c.provider_id,
        MESSAGE.c.text,
        MESSAGE.c.media,
        MESSAGE.c.created_at,
    )
    .where(
        MESSAGE.c.conversation_id == bindparam("conversation_id"),
        MESSAGE.c.direction == Direction.INBOUND.value,
        MESSAGE.c.id > bindparam("after"),
    )
    .limit(bindparam("limit"))
)
_OUTBOUND = (
    select(
        DELIVERY.c.id,
        DELIVERY.c.part,
        DELIVERY.c.oid,
        DELIVERY.c.text,
        DELIVERY.c.file,
        MESSAGE.c.id.label("message_id"),
        MESSAGE.c.author,
        MESSAGE.c.payload,
        MESSAGE.c.created_at,
        AGENT.c.name,
        AGENT.c.id.label("agent_id"),
    )
    .join(MESSAGE, MESSAGE.c.id == DELIVERY.c.message_id)
    .outerjoin(AGENT, AGENT.c.id == MESSAGE.c.agent_id)
    .where(
        MESSAGE.c.conversation_id == bindparam("conversation_id"),
        DELIVERY.c.status.in_(_SHOWN),
        DELIVERY.c.superseded_at.is_(None),
        DELIVERY.c.id > bindparam("after"),
    )
    .limit(bindparam("limit"))
)
_LAST_INBOUND = select(func.max(MESSAGE.c.id)).where(
    MESSAGE.c.conversation_id == bindparam("conversation_id"),
    MESSAGE.c.direction == Direction.INBOUND.value,
)
_LAST_OUTBOUND = (
    select(func.max(MESSAGE.c.id))
    .join(DELIVERY, DELIVERY.c.message_id == MESSAGE.c.id)
    .where(MESSAGE.c.conversation_id == bindparam("conversation_id"), DELIVERY.c.status.in_(_SHOWN))
)
_UNHANDLED = select(WORK.c.id).where(WORK.c.lane == bindparam("lane"), WORK.c.status == "ready")
_STATUSES = (
    select(DELIVERY.c.oid, DELIVERY.c.status)
    .join(MESSAGE, MESSAGE.c.id == DELIVERY.c.message_id)
    .join(CONVERSATION, CONVERSATION.c.id == MESSAGE.c.conversation_id)
    .join(ADDRESS, ADDRESS.c.contact_id == CONVERSATION.c.contact_id)
    .where(
        DELIVERY.c.oid.in_(bindparam("oids", expanding=True)),
        CONVERSATION.c.channel == bindparam("channel"),
        ADDRESS.c.channel == bindparam("channel"),
        ADDRESS.c.address == bindparam("address"),
    )
)
_UNSENT = (
    select(DELIVERY.c.id)
    .join(MESSAGE, MESSAGE.c.id == DELIVERY.c.message_id)
    .where(
        MESSAGE.c.conversation_id == bindparam("conversation_id"),
        DELIVERY.c.status.in_(_ON_ITS_WAY),
    )
)
_AHEAD = Prepared(
    select(func.count()).where(
        ESCALATION.c.status == Status.QUEUED.value,
        (ESCALATION.c.priority_rank < bindparam("rank"))
        | (
            (ESCALATION.c.priority_rank == bindparam("rank"))
            & (
                (ESCALATION.c.opened_at < bindparam("opened_at"))
                | (
                    (ESCALATION.c.opened_at == bindparam("opened_at"))
                    & (ESCALATION.c.id < bindparam("id"))
                )
            )
        ),
    )
)
_LAST_EVENT = select(func.max(EVENT.c.id))
_EVENTS = select(
    EVENT.c.id, EVENT.c.kind, CONVERSATION.c.address, CONVERSATION.c.channel
).outerjoin(CONVERSATION, CONVERSATION.c.id == EVENT.c.conversation_id)
_EVENTS_AFTER = (
    _EVENTS.where(EVENT.c.id > bindparam("after")).order_by(EVENT.c.id).limit(bindparam("limit"))
)
_EVENTS_AMONG = _EVENTS.where(EVENT.c.id.in_(bindparam("numbers", expanding=True)))


class Happening(NamedTuple):
    """One log entry, and its conversation, if any."""

    id: int
    kind: str
    address: str | None
    channel: str | None


def desk_id_of(tx: Transaction, agent_id: int) -> str:
    """Returns an agent's id in Slack; "" if unknown."""
    return tx.core.execute(select(AGENT.c.desk_id).where(AGENT.c.id == agent_id)).scalar() or ""


def conversation_of(tx: Transaction, channel: str, address: str) -> int | None:
    """Returns the id of the conversation with this address, None before the first message."""
    found = tx.core.execute(_CONVERSATION, {"channel": channel, "address": address})
    return found.scalar_one_or_none()


def lines(tx: Transaction, conversation_id: int, after: Cursor, limit: int) -> list[VisitorLine]:
    """Returns visible messages after the cursor, at most `limit` inbound ones and as many of ours.

    In cursor order, which is nearly the conversation's order. From the start the last ones,
    otherwise the next ones.
    """
    given = {"conversation_id": conversation_id, "limit": limit}
    asked = given | {"after": after.inbound}
    theirs = _rows(tx, _INBOUND, MESSAGE.c.id, asked, newest=after.is_start)
    asked = given | {"after": after.delivery}
    ours = _rows(tx, _OUTBOUND, DELIVERY.c.id, asked, newest=after.is_start)
    tokens = [token for row in theirs for token in _tokens(row.media)]
    tokens += [row.file for row in ours if row.file]
    kept = attachments.kept(tx, tokens) if tokens else {}
    return [_with_files(line, kept) for line in _merged(theirs, ours, after)]


def _tokens(media: Sequence[dict[str, str]]) -> list[str]:
    """Returns the tokens of a message's stored files."""
    urls = (one.get("url", "") for one in media)
    return [url.removeprefix(attachments.OURS) for url in urls if url.startswith(attachments.OURS)]


def _with_files(line: VisitorLine, kept: dict[str, tuple[str, str]]) -> VisitorLine:
    """Returns the line with its files' names; a deleted file is only mentioned."""
    gone = ("", "")
    found = ((file.token, *kept.get(file.token, gone)) for file in line.files)
    files = (VisitorFile(token if name else "", name, kind) for token, name, kind in found)
    return replace(line, files=tuple(files)) if line.files else line


def _rows(
    tx: Transaction, statement: Any, key: Any, values: dict[str, int], *, newest: bool
) -> Sequence[Row[Any]]:
    order = key.desc() if newest else key
    rows = tx.core.execute(statement.order_by(order), values).all()
    return rows[::-1] if newest else rows


def _merged(
    theirs: Sequence[Row[Any]], ours: Sequence[Row[Any]], cursor: Cursor
) -> list[VisitorLine]:
    """Merges both sides; each keeps its own order, because a cursor must never go back."""
    merged: list[VisitorLine] = []
    mine, yours = list(theirs), list(ours)
    while mine or yours:
        if mine and (not yours or mine[0].id < yours[0].message_id):
            row = mine.pop(0)
            cursor = Cursor(row.id, cursor.delivery)
            merged.append(_inbound(row, cursor))
        else:
            row = yours.pop(0)
            cursor = Cursor(cursor.inbound, row.id)
            merged.append(_outbound(row, cursor))
    return merged


def _inbound(row: Row[Any], cursor: Cursor) -> VisitorLine:
    return VisitorLine(
        order=row.id * PARTS,
        cursor=cursor,
        author=Author.CONTACT,
        name="",
        text=_readable(row.text),
        at=row.created_at,
        provider_id=row.provider_id or "",
        files=tuple(VisitorFile(token, "", "") for token in _tokens(row.media)),
    )


def _outbound(row: Row[Any], cursor: Cursor) -> VisitorLine:
    return VisitorLine(
        order=row.message_id * PARTS + row.part,
        cursor=cursor,
        author=Author(row.author),
        name=row.name or "",
        text=_readable(row.text),
        at=row.created_at,
        oid=row.oid,
        files=(VisitorFile(row.file, "", ""),) if row.file else (),
        agent_id=row.agent_id,
        choices=tuple(row.payload.get("choices", ())) if row.part == 0 else (),
    )


def _readable(text: str) -> str:
    """Returns what a visitor may read: what an unreadable text says is for the team."""
    return "" if isinstance(text, Unreadable) else text


def marks(tx: Transaction, conversation_id: int) -> tuple[int, int]:
    """Returns the orders up to which inbound messages were handled, and were answered."""
    asked = {"conversation_id": conversation_id}
    handled = tx.core.execute(_LAST_INBOUND, asked).scalar() or 0
    answered = tx.core.execute(_LAST_OUTBOUND, asked).scalar() or 0
    return handled * PARTS, answered * PARTS


def is_composing(tx: Transaction, lane: str, conversation_id: int | None) -> bool:
    """Returns whether an inbound message is unhandled or an answer is unsent."""
    if tx.core.execute(_UNHANDLED.limit(1), {"lane": lane}).first():
        return True
    if conversation_id is None:
        return False
    unsent = tx.core.execute(_UNSENT.limit(1), {"conversation_id": conversation_id})
    return unsent.first() is not None


def statuses(
    tx: Transaction, channel: str, address: str, oids: Sequence[str]
) -> dict[str, DeliveryStatus]:
    """Returns the statuses of those deliveries that are for this address."""
    asked = {"channel": channel, "address": address, "oids": list(oids)}
    return {oid: DeliveryStatus(status) for oid, status in tx.core.execute(_STATUSES, asked)}


def has_waiting(tx: Transaction, lane: str, count: int) -> bool:
    """Returns whether the address has at least `count` unhandled messages."""
    waiting = tx.core.execute(_UNHANDLED.limit(count), {"lane": lane}).all()
    return len(waiting) >= count


def ahead(tx: Transaction, escalation: Escalation) -> int:
    """Returns how many wait in the queue before this one."""
    values = {
        "rank": escalation.priority_rank,
        "opened_at": escalation.opened_at,
        "id": escalation.id,
    }
    return int(_AHEAD.scalar(tx.core, values))


def last_event(tx: Transaction) -> int:
    """Returns the id of the log's last entry, or 0."""
    return tx.core.execute(_LAST_EVENT).scalar() or 0


def events_after(tx: Transaction, after: int, limit: int) -> list[Happening]:
    """Returns the log's next entries."""
    found = tx.core.execute(_EVENTS_AFTER, {"after": after, "limit": limit})
    return [Happening(*row) for row in found]


def events_among(tx: Transaction, numbers: list[int]) -> list[Happening]:
    """Returns those of these entries that exist."""
    return [Happening(*row) for row in tx.core.execute(_EVENTS_AMONG, {"numbers": numbers})]
