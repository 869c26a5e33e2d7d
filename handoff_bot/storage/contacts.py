"""Contacts: where their rows are, how each table is blanked, and how two contacts are merged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, Text, case, cast, delete, func, literal, select, update
from sqlmodel import SQLModel

from handoff_bot.domain.articles import DraftStatus
from handoff_bot.domain.messages import DeliveryStatus
from handoff_bot.storage.conversations import same_customer
from handoff_bot.storage.models import (
    ArticleDraft,
    Attachment,
    Contact,
    ContactAddress,
    Conversation,
    Delivery,
    DeskPost,
    DeskThread,
    EarlierThread,
    Escalation,
    Event,
    EventRight,
    HeldEscalation,
    Message,
    Note,
    Reservation,
    Spent,
    Ticket,
    TicketLink,
    TicketTag,
)
from handoff_bot.storage.transaction import Transaction, table_of

# -- where the rows are, and how each table is blanked
# Rows that tickets, metrics and the log refer to stay, without their content; all others are
# deleted. Forgetting and retention share this.

FORGOTTEN = "forgotten"
"""Stands where an address was."""
CONTACT, CONVERSATION = table_of(Contact), table_of(Conversation)
MESSAGE, DELIVERY, NOTE = table_of(Message), table_of(Delivery), table_of(Note)
ESCALATION, TICKET, EVENT = table_of(Escalation), table_of(Ticket), table_of(Event)
ATTACHMENT, DRAFT = table_of(Attachment), table_of(ArticleDraft)
_WAITING = (DeliveryStatus.QUEUED.value, DeliveryStatus.SENDING.value)
BLANK: Mapping[Table, Mapping[str, Any]] = {
    CONTACT: {"name": "", "attributes": None, "looked_up": None, "looked_up_at": None},
    CONVERSATION: {"address": FORGOTTEN, "counted_with": [], "language": ""},
    MESSAGE: {
        "text": "",
        "media": [],
        "payload": {},
        "context": {},
        "provider_id": None,
        "desk_channel": None,
        "desk_ts": None,
    },
    DELIVERY: {
        "text": "",
        "file": "",
        "error": "",
        "provider_id": None,
        # A late status callback must not find it.
        "oid": literal(f"{FORGOTTEN}-", Text) + cast(DELIVERY.c.id, Text),
        "status": case(
            (DELIVERY.c.status.in_(_WAITING), DeliveryStatus.DROPPED.value),
            else_=DELIVERY.c.status,
        ),
    },
    NOTE: {"text": "", "files": []},
    ESCALATION: {"evidence": "", "summary": "", "tried": "", "mood": ""},
    DRAFT: {
        "title": "",
        "text": "",
        "language": "",
        "status": case(
            (DRAFT.c.status == DraftStatus.OPEN.value, DraftStatus.EXPIRED.value),
            else_=DRAFT.c.status,
        ),
    },
    TICKET: {"subject": "Forgotten", "searched": FORGOTTEN},
}
"""Table -> the values of a blanked row."""
_OF_MESSAGES = {DELIVERY: "message_id"}
_OF_CONVERSATIONS = {
    MESSAGE: "conversation_id",
    NOTE: "conversation_id",
    ESCALATION: "conversation_id",
    TICKET: "conversation_id",
    ATTACHMENT: "conversation_id",
    DRAFT: "conversation_id",
    table_of(HeldEscalation): "conversation_id",
}
_OF_ESCALATIONS = {
    table_of(one): "escalation_id" for one in (DeskThread, EarlierThread, DeskPost, Reservation)
}
_OF_TICKETS = {table_of(one): "ticket_id" for one in (TicketTag, TicketLink)}
_OF_CONTACTS: Mapping[Table, str] = {
    CONTACT: "id",
    CONVERSATION: "contact_id",
    table_of(ContactAddress): "contact_id",
    table_of(Spent): "contact_id",
}


def where(table: Table, contact_id: int) -> Any:
    """Returns the condition for a contact's rows in a table."""
    conversations = select(CONVERSATION.c.id).where(CONVERSATION.c.contact_id == contact_id)
    if table in _OF_CONTACTS:
        return table.c[_OF_CONTACTS[table]] == contact_id
    if table in _OF_CONVERSATIONS:
        return table.c[_OF_CONVERSATIONS[table]].in_(conversations)
    parent = next(
        one
        for one, columns in (
            (MESSAGE, _OF_MESSAGES),
            (ESCALATION, _OF_ESCALATIONS),
            (TICKET, _OF_TICKETS),
        )
        if table in columns
    )
    column = {**_OF_MESSAGES, **_OF_ESCALATIONS, **_OF_TICKETS}[table]
    ids = select(parent.c.id).where(parent.c.conversation_id.in_(conversations))
    return table.c[column].in_(ids)


OF_A_CONTACT: Sequence[Table] = (
    *_OF_MESSAGES,
    *_OF_ESCALATIONS,
    *_OF_TICKETS,
    *_OF_CONVERSATIONS,
    *_OF_CONTACTS,
)
"""Every table with rows of a contact, so that no row is needed to find those of a later table."""


def row_ids(tx: Transaction, model: type[SQLModel], contact_id: int) -> list[int]:
    """Returns the ids of a contact's rows."""
    table = table_of(model)
    found = select(table.c.id).where(where(table, contact_id)).order_by(table.c.id)
    return list(tx.core.execute(found).scalars())


def counts(tx: Transaction, contact_id: int) -> dict[str, int]:
    """Returns the number of rows of a contact by table, without empty ones."""
    found = {
        table.name: tx.core.execute(
            select(func.count()).select_from(table).where(where(table, contact_id))
        ).scalar_one()
        for table in OF_A_CONTACT
    }
    return {name: number for name, number in found.items() if number}


def blank(tx: Transaction, table: Table, condition: Any) -> int:
    """Blanks or deletes these rows; returns how many."""
    values = BLANK.get(table)
    statement: Any = update(table).values(values) if values else delete(table)
    return int(getattr(tx.core.execute(statement.where(condition)), "rowcount", 0))


def blank_contact(tx: Transaction, contact_id: int) -> None:
    """Blanks all rows of a contact."""
    tx.session.flush()
    for table in OF_A_CONTACT:
        blank(tx, table, where(table, contact_id))
    tx.session.expire_all()


_TERM = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.:+-ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LONGEST_TERM = 40


def blank_events(tx: Transaction, contact_id: int, personal: Sequence[str]) -> None:
    """Blanks texts in the log's data that are not our own terms, or that contain one of these.

    The log holds none by its own rules; this is the only code with the right to change it.
    """
    tx.core.execute(table_of(EventRight).insert().values(contact_id=contact_id))
    conversations = select(CONVERSATION.c.id).where(CONVERSATION.c.contact_id == contact_id)
    found = select(EVENT.c.id, EVENT.c.data).where(EVENT.c.conversation_id.in_(conversations))
    for number, data in tx.core.execute(found).all():
        blanked = _without(data, [one.casefold() for one in personal if one])
        if blanked != data:
            tx.core.execute(update(EVENT).where(EVENT.c.id == number).values(data=blanked))
    tx.core.execute(delete(table_of(EventRight)))


def _without(value: Any, personal: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(one, personal) for name, one in value.items()}
    if isinstance(value, list):
        return [_without(one, personal) for one in value]
    if not isinstance(value, str):
        return value
    is_term = len(value) <= _LONGEST_TERM and _TERM.issuperset(value)
    is_personal = any(one in value.casefold() for one in personal)
    return value if is_term and not is_personal else ""


def nameless(lane: str) -> str:
    """Returns a lane of the same queue without an address in its name."""
    return f"{lane.partition(':')[0]}:{FORGOTTEN}"


def close_conversations(tx: Transaction, contact_id: int, now: datetime) -> None:
    """Nothing is added to a contact's conversations from now on, and no AI message leaves."""
    tx.core.execute(
        update(CONVERSATION)
        .where(CONVERSATION.c.contact_id == contact_id)
        .values(forgotten_at=now, epoch=CONVERSATION.c.epoch + 1)
    )


_NOT_EXPORTED = frozenset({"data", "token", "received_as", "work_id", "searched", "counted_with"})
"""Columns that are bytes, open a file to anyone, or repeat others."""


def exported(tx: Transaction, contact_id: int) -> dict[str, list[dict[str, Any]]]:
    """Returns a contact's rows by table, oldest first, with the log's entries; without bytes."""
    tables = [(table, where(table, contact_id)) for table in reversed(OF_A_CONTACT)]
    conversations = select(CONVERSATION.c.id).where(CONVERSATION.c.contact_id == contact_id)
    tables.append((EVENT, EVENT.c.conversation_id.in_(conversations)))
    found = {}
    for table, condition in tables:
        kept = [one for one in table.c if table is EVENT or one.name not in _NOT_EXPORTED]
        ordered = select(*kept).where(condition).order_by(*table.primary_key)
        found[table.name] = [dict(row) for row in tx.core.execute(ordered).mappings()]
    return found


def tokens(tx: Transaction, contact_id: int) -> list[tuple[str, int, str]]:
    """Returns (token, id, name) of a contact's stored files."""
    found = select(ATTACHMENT.c.token, ATTACHMENT.c.id, ATTACHMENT.c.name)
    rows = tx.core.execute(found.where(where(ATTACHMENT, contact_id)).order_by(ATTACHMENT.c.id))
    return [(token, number, name) for token, number, name in rows]


def content(tx: Transaction, attachment_id: int) -> bytes:
    """Returns a file's bytes."""
    found = select(ATTACHMENT.c.data).where(ATTACHMENT.c.id == attachment_id)
    return bytes(tx.core.execute(found).scalar_one_or_none() or b"")


# -- one customer as several contacts: agents merge them, and they keep their rows and conversations
# Each merged contact names the first one (`merged_into_id`), so that the event log, lanes and
# addresses stay as they are.

CONTACT, CONVERSATION = table_of(Contact), table_of(Conversation)


def ids(tx: Transaction, contact_ids: Collection[int]) -> list[int]:
    """Returns the ids of these contacts, and of those that are the same customers."""
    found = {one for each in contact_ids for one in tx.core.execute(same_customer(each)).scalars()}
    return sorted(found)


def conversations_of(tx: Transaction, contact_ids: Collection[int]) -> Sequence[Conversation]:
    """Returns the conversations of these contacts, oldest first."""
    theirs = select(Conversation).where(CONVERSATION.c.contact_id.in_(contact_ids))
    return list(tx.session.execute(theirs.order_by(CONVERSATION.c.id)).scalars())


def hold_conversations_of(tx: Transaction, contact_ids: Collection[int]) -> Sequence[Conversation]:
    """Returns the conversations of these contacts as they are now, locked until commit."""
    theirs = select(Conversation).where(CONVERSATION.c.contact_id.in_(contact_ids))
    return _locked(tx, theirs)


def siblings(tx: Transaction, conversation: Conversation) -> Sequence[Conversation]:
    """Returns the customer's other conversations on the same channel, locked until commit."""
    theirs = select(Conversation).where(
        CONVERSATION.c.contact_id.in_(same_customer(conversation.contact_id)),
        CONVERSATION.c.channel == conversation.channel,
        CONVERSATION.c.id != conversation.id,
        CONVERSATION.c.forgotten_at.is_(None),
    )
    return _locked(tx, theirs)


def _locked(tx: Transaction, found: Select[Any]) -> Sequence[Conversation]:
    """Returns these rows as they are now, locked in the order of their ids."""
    tx.flush()  # what is read again would be lost
    locked = found.order_by(CONVERSATION.c.id).with_for_update()
    renewed = locked.execution_options(populate_existing=True)
    return list(tx.session.execute(renewed).scalars())


def merge(tx: Transaction, contact_ids: Collection[int]) -> None:
    """Makes all of these one customer. A contact without a name takes the first name."""
    found = select(Contact).where(CONTACT.c.id.in_(contact_ids)).order_by(CONTACT.c.id)
    first, *others = tx.session.execute(found.with_for_update()).scalars()
    name = next((one.name for one in (first, *others) if one.name), "")
    tx.set(first, merged_into_id=None, name=first.name or name)
    for other in others:
        tx.set(other, merged_into_id=first.id, name=other.name or name)
