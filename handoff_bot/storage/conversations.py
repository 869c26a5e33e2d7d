"""Queries and changes of contacts, conversations, messages and notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, func, union_all, update
from sqlmodel import col, select

from handoff_bot.domain.desk import NAMELESS
from handoff_bot.domain.messages import Author, Direction, InboundMessage
from handoff_bot.domain.text import is_visible
from handoff_bot.storage.models import (
    Agent,
    Contact,
    ContactAddress,
    Conversation,
    Delivery,
    Message,
    Note,
)
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import Transaction, select_all, table_of

_NEVER = datetime.min.replace(tzinfo=UTC)

# Runs for every message. Built once, because building a statement costs as much as running it.
_MESSAGE, _CONVERSATION = table_of(Message), table_of(Conversation)
_CONTACT = table_of(Contact)
MOST_ATTRIBUTES = 24
"""Of one customer, from all sources."""
_OF_CONTACT = Prepared(
    select_all(Conversation)
    .where(
        _CONVERSATION.c.contact_id == bindparam("contact_id"),
        _CONVERSATION.c.channel == bindparam("channel"),
    )
    .with_for_update()
)
_NAMES = Prepared(
    select(ContactAddress.address, ContactAddress.contact_id).where(
        ContactAddress.channel == bindparam("channel"),
        col(ContactAddress.address).in_(bindparam("names", expanding=True)),
    )
)
_RECEIVED = Prepared(
    select_all(Message).where(
        _MESSAGE.c.channel == bindparam("channel"),
        _MESSAGE.c.provider_id == bindparam("provider_id"),
    )
)
_NEWEST_FIRST = (
    select_all(Message)
    .where(_MESSAGE.c.conversation_id == bindparam("conversation_id"))
    .order_by(_MESSAGE.c.id.desc())
    .limit(bindparam("most"))
)
_NEWEST_OF_ALL = select(func.max(_MESSAGE.c.id))
NEWEST = 5_000
"""Messages among which the latest conversations and answers are looked for: there may be millions."""
_RECENT = Prepared(_NEWEST_FIRST)
_RECENT_OF = Prepared(_NEWEST_FIRST.where(_MESSAGE.c.author == bindparam("author")))


_OURS = Prepared(
    select(col(Conversation.id))
    .where(
        col(Conversation.channel) == bindparam("its_channel"),
        col(Conversation.recipient) == bindparam("our"),
    )
    .limit(1)
)


def different(column: Any, *where: Any) -> Any:
    """Builds the query for a text column's different values, in order, by one look into an index for each.

    DISTINCT reads the column of all rows. The column must be indexed after those of the conditions,
    which may not be about itself: an index takes one lower bound.
    """
    lowest = select(column).where(*where, column >= "").order_by(column).limit(1)
    found = select(lowest.scalar_subquery().label("value")).cte(recursive=True)
    # No min(): with a condition on another column, SQLite reads all rows for it.
    after = select(column).where(*where, column > found.c.value).order_by(column).limit(1)
    following = select(after.scalar_subquery()).where(found.c.value.is_not(None))
    found = found.union_all(following)
    return select(found.c.value).where(found.c.value.is_not(None))


def channels(tx: Transaction) -> tuple[str, ...]:
    """Returns the kinds of channels with customers, in alphabetical order."""
    return tuple(tx.core.execute(different(table_of(ContactAddress).c.channel)).scalars())


def of_inbound(tx: Transaction, inbound: InboundMessage, now: datetime) -> Conversation:
    """Returns an inbound message's conversation, created if new, and locked until commit."""
    contact_id = _contact_of(tx, inbound, now)
    asked = {"contact_id": contact_id, "channel": inbound.channel}
    found = tx.entities(Conversation, _OF_CONTACT, asked)
    if not found:
        new = Conversation(
            contact_id=contact_id,
            channel=inbound.channel,
            address=inbound.address,
            language=inbound.language,
            created_at=now,
        )
        tx.add_unless_known(new, "contact_id", "channel")
        found = tx.entities(Conversation, _OF_CONTACT, asked)
    (conversation,) = found
    if conversation.forgotten_at:  # while this transaction waited for the lock
        return of_inbound(tx, inbound, now)
    hear(tx, conversation, inbound, now)
    return conversation


def hear(
    tx: Transaction, conversation: Conversation, inbound: InboundMessage, now: datetime
) -> None:
    """Records the customer's last contact."""
    tx.set(
        conversation,
        address=inbound.address,
        recipient=inbound.recipient,
        counted_with=list(inbound.counted_with),
        last_inbound_at=max(sent_at(inbound, now), conversation.last_inbound_at or _NEVER),
    )


def call(contact: Contact, inbound: InboundMessage) -> None:
    """Updates the contact's name and attributes from the message, if given."""
    if is_visible(inbound.profile_name):
        contact.name = inbound.profile_name
    if inbound.attributes is not None:
        contact.attributes = dict(inbound.attributes)


def sent_at(inbound: InboundMessage, now: datetime) -> datetime:
    """Returns when it was sent: now, unless it was fetched later."""
    if inbound.sent_at is None:
        return now
    return min(now, datetime.fromtimestamp(inbound.sent_at, UTC))


def is_one_of_ours(tx: Transaction, channel: str, address: str) -> bool:
    """Returns whether the address is one of our own senders, so never a customer."""
    tx.flush()
    return _OURS.first(tx.core, {"its_channel": channel, "our": address}) is not None


def received(tx: Transaction, inbound: InboundMessage) -> Message | None:
    """Returns the message if it is already stored."""
    values = {"channel": inbound.channel, "provider_id": inbound.provider_id}
    found = tx.entities(Message, _RECEIVED, values)
    return found[0] if found else None


def by_provider_id(
    tx: Transaction, conversation: Conversation, provider_id: str
) -> tuple[Message, str] | None:
    """Returns the message with this provider id in the conversation, and its part."""
    ours = (
        select(Message, col(Delivery.text))
        .join(Delivery, col(Delivery.message_id) == Message.id)
        .where(
            Delivery.provider_id == provider_id,
            Message.conversation_id == conversation.id,
        )
    )
    sent = tx.session.execute(ours.limit(1)).first()
    if sent:
        return sent[0], sent[1]
    theirs = select(Message).where(
        Message.channel == conversation.channel,
        Message.provider_id == provider_id,
        Message.conversation_id == conversation.id,
    )
    found = tx.session.execute(theirs).scalar_one_or_none()
    return (found, "") if found else None


def _contact_of(tx: Transaction, inbound: InboundMessage, now: datetime) -> int:
    """Returns the contact with these names; a new name is stored."""
    names = dict.fromkeys((inbound.address, *inbound.aliases))
    called = inbound.profile_name if is_visible(inbound.profile_name) else ""
    owners = _owners(tx, inbound.channel, names)
    new = sorted(names.keys() - owners.keys())
    for name in new:  # other processes may store the same new customer at this moment
        tx.one_at_a_time(f"contact:{inbound.channel}:{name}")
    if new and not tx.is_sqlite:
        owners = _owners(tx, inbound.channel, names)
    contact_id = next((owners[name] for name in names if name in owners), None)
    if contact_id is None:
        new_contact = Contact(name=called, attributes=inbound.attributes, created_at=now)
        contact_id = tx.add(new_contact).id
    elif called:
        call(tx.session.get_one(Contact, contact_id), inbound)
    for name in names:
        if name not in owners:
            address = ContactAddress(contact_id=contact_id, channel=inbound.channel, address=name)
            tx.add_unless_known(address, "channel", "address")
    return contact_id


def _owners(tx: Transaction, channel: str, names: Iterable[str]) -> dict[str, int]:
    """Returns the contacts of these names, as far as known."""
    return dict(_NAMES.rows(tx.core, {"channel": channel, "names": list(names)}))


def add_inbound(
    tx: Transaction,
    conversation: Conversation,
    inbound: InboundMessage,
    work_id: int,
    now: datetime,
    context: dict[str, Any] | None = None,
) -> Message:
    """Stores a new inbound message; `context` is its content besides the text, in stored form."""
    return tx.insert(
        Message,
        conversation_id=conversation.id,
        work_id=work_id,
        direction=Direction.INBOUND,
        author=Author.CONTACT,
        channel=inbound.channel,
        text=inbound.text,
        media=[{"url": file.url, "content_type": file.content_type} for file in inbound.media],
        provider_id=inbound.provider_id,
        payload=dict(inbound.fields),
        context=context or {},
        created_at=sent_at(inbound, now),
    )


def at(tx: Transaction, channel: str, address: str) -> Conversation | None:
    """Returns the conversation with this address, if any."""
    found = select(Conversation).where(
        Conversation.channel == channel, Conversation.address == address
    )
    newest = found.order_by(col(Conversation.id).desc()).limit(1)
    return tx.session.execute(newest).scalar_one_or_none()


def get(tx: Transaction, conversation_id: int) -> Conversation:
    return tx.session.get_one(Conversation, conversation_id)


def hold(tx: Transaction, conversation_id: int) -> Conversation:
    """Returns a conversation, locked until commit. Every state change locks it first."""
    return tx.session.get_one(
        Conversation, conversation_id, with_for_update=True, populate_existing=True
    )


def contact_name(tx: Transaction, conversation: Conversation) -> str:
    """Returns the contact's own name, else the address."""
    return own_name(tx, conversation) or conversation.address


def own_name(tx: Transaction, conversation: Conversation) -> str:
    """Returns the contact's own name, "" if unknown."""
    return tx.session.get_one(Contact, conversation.contact_id).name


def same_customer(contact_id: int | BindParameter[int]) -> Any:
    """Returns a subquery of the ids of all contacts that are the same customer as this one."""
    first = (
        select(func.coalesce(_CONTACT.c.merged_into_id, _CONTACT.c.id))
        .where(_CONTACT.c.id == contact_id)
        .scalar_subquery()
    )
    return union_all(
        select(_CONTACT.c.id).where(_CONTACT.c.id == first),
        select(_CONTACT.c.id).where(_CONTACT.c.merged_into_id == first),
    )


_ATTRIBUTES = Prepared(
    select(_CONTACT.c.looked_up, _CONTACT.c.attributes)
    .where(_CONTACT.c.id.in_(same_customer(bindparam("of_contact"))))
    .order_by(_CONTACT.c.id != bindparam("of_contact"), _CONTACT.c.id)
)


def attributes_of(tx: Transaction, contact_id: int) -> dict[str, str]:
    """Returns a customer's attributes: the team's system before the website, and this contact before
    those that it was merged with. Queried once per transaction: routing, notifications and the mention
    of the team all ask.
    """
    known: dict[str, str] | None = tx.remembered.get(("attributes", contact_id))
    if known is not None:
        return known
    tx.flush()
    rows = _ATTRIBUTES.rows(tx.core, {"of_contact": contact_id})
    found: dict[str, str] = {}
    for each in (one for row in rows for one in row if one):
        for name, value in each.items():
            found.setdefault(name, value)
    tx.remembered["attributes", contact_id] = found = dict(list(found.items())[:MOST_ATTRIBUTES])
    return found


Marked = tuple[type[Message] | type[Note], int]
"""A message or note by an agent, by its table and id."""


def set_mark(tx: Transaction, table: type[Message] | type[Note], number: int, mark: str) -> None:
    """Stores the reaction that Slack shows on it, "" for none."""
    row = table_of(table)
    tx.core.execute(update(row).where(row.c.id == number).values(mark=mark))


def recent(tx: Transaction, conversation_id: int, limit: int) -> Sequence[Message]:
    """Returns the last messages of a conversation, oldest first."""
    values = {"conversation_id": conversation_id, "most": limit}
    return tx.entities(Message, _RECENT, values)[::-1]


def latest(tx: Transaction, limit: int) -> Sequence[Conversation]:
    """Returns the conversations in which customers wrote last, newest first; those of the newest
    `NEWEST` messages.
    """
    wrote = col(Conversation.last_inbound_at)
    oldest = newest_message_of_all(tx) - NEWEST
    newest = select(_MESSAGE.c.conversation_id).where(_MESSAGE.c.id > oldest)
    found = (
        select(Conversation)
        .where(
            col(Conversation.id).in_(newest),
            wrote.is_not(None),
            col(Conversation.forgotten_at).is_(None),
        )
        .order_by(wrote.desc(), col(Conversation.id).desc())
    )
    return list(tx.session.execute(found.limit(limit)).scalars())


def newest_message_of_all(tx: Transaction) -> int:
    """Returns the id of the newest message, or 0."""
    return int(tx.core.execute(_NEWEST_OF_ALL).scalar() or 0)


def newest_of(tx: Transaction, conversation_id: int, author: Author) -> Message | None:
    """Returns this author's newest message in a conversation."""
    values = {"conversation_id": conversation_id, "author": author.value, "most": 1}
    found = tx.entities(Message, _RECENT_OF, values)
    return found[0] if found else None


def newest_message_id(tx: Transaction, conversation_id: int) -> int:
    """Returns the id of a conversation's newest message, or 0."""
    newest = select(func.max(col(Message.id))).where(Message.conversation_id == conversation_id)
    return tx.session.execute(newest).scalar_one() or 0


def until(tx: Transaction, conversation_id: int, message_id: int, limit: int) -> Sequence[Message]:
    """Returns a conversation's last messages up to this one, oldest first; empty if it no longer
    exists.
    """
    found = tx.session.execute(
        select(Message)
        .where(Message.conversation_id == conversation_id, col(Message.id) <= message_id)
        .order_by(col(Message.id).desc())
        .limit(limit)
    ).scalars()
    messages = list(found)[::-1]
    return messages if messages and messages[-1].id == message_id else []


def before(tx: Transaction, message_id: int, author: Author) -> Message | None:
    """Returns this author's newest message before this one."""
    here = tx.session.get(Message, message_id)
    if here is None:
        return None
    return tx.session.execute(
        select(Message)
        .where(
            Message.conversation_id == here.conversation_id,
            col(Message.id) < message_id,
            Message.author == author.value,
        )
        .order_by(col(Message.id).desc())
        .limit(1)
    ).scalar_one_or_none()


def answered(tx: Transaction, limit: int) -> Sequence[Message]:
    """Returns the assistant's newest answers that record the answered message, newest first; those
    among ten times as many messages.
    """
    oldest = newest_message_of_all(tx) - max(NEWEST, 10 * limit)
    found = (
        select(Message)
        .where(Message.author == Author.ASSISTANT.value, col(Message.id) > oldest)
        .order_by(col(Message.id).desc())
        .limit(limit)
    )
    return [one for one in tx.session.execute(found).scalars() if "answers" in one.payload]


def page(
    tx: Transaction, conversation_id: int, number: int, size: int
) -> tuple[Sequence[Message], int, datetime | None]:
    """Returns one page of a conversation, oldest first, the total number of messages, and when the
    next page begins.

    The last page is full: what is left over is on the first.
    """
    where = Message.conversation_id == conversation_id
    count = tx.session.execute(select(func.count()).select_from(Message).where(where)).scalar_one()
    end = count - (max(1, -(-count // size)) - 1 - number) * size
    start = max(0, end - size)
    rows = tx.session.execute(
        select(Message).where(where).order_by(col(Message.id)).offset(start).limit(end - start + 1)
    ).scalars()
    found = list(rows)
    follows = found.pop().created_at if len(found) > end - start else None
    return found, count, follows


def stayed_inside() -> Any:
    """Condition for notes that were not sent as messages."""
    return ~select(Message.id).where(col(Message.note_id) == col(Note.id)).exists()


def notes_of(tx: Transaction, conversation_id: int) -> Sequence[Note]:
    """Returns the internal notes of a conversation, oldest first."""
    ours = select(Note).where(Note.conversation_id == conversation_id, stayed_inside())
    return list(tx.session.execute(ours.order_by(col(Note.id))).scalars())


def last_notes(tx: Transaction, conversation_id: int, revision: str, limit: int) -> Sequence[Note]:
    """Returns the last notes of this kind, oldest first."""
    newest_first = tx.session.execute(
        select(Note)
        .where(Note.conversation_id == conversation_id, Note.revision == revision)
        .order_by(col(Note.id).desc())
        .limit(limit)
    ).scalars()
    return list(newest_first)[::-1]


def from_desk(tx: Transaction, slack_channel: str, ts: str) -> Message | None:
    """Returns the message sent from this thread reply."""
    return tx.session.execute(
        select(Message).where(Message.desk_channel == slack_channel, Message.desk_ts == ts)
    ).scalar_one_or_none()


def note_from_desk(tx: Transaction, slack_channel: str, ts: str, revision: str = "") -> Note | None:
    """Returns the note of this thread reply (or, with a revision, of this edit)."""
    return tx.session.execute(
        select(Note).where(
            Note.desk_channel == slack_channel, Note.desk_ts == ts, Note.revision == revision
        )
    ).scalar_one_or_none()


def notes_from_desk(tx: Transaction, slack_channel: str, ts: str) -> Sequence[Note]:
    """Returns all notes of this thread reply and its edits, oldest first."""
    ours = select(Note).where(Note.desk_channel == slack_channel, Note.desk_ts == ts)
    return list(tx.session.execute(ours.order_by(col(Note.id))).scalars())


def sent_as(tx: Transaction, notes: Iterable[Note]) -> Sequence[Message]:
    """Returns the messages sent from these notes, oldest first."""
    ours = select(Message).where(col(Message.note_id).in_([note.id for note in notes]))
    return list(tx.session.execute(ours.order_by(col(Message.id))).scalars())


def corrections(tx: Transaction, slack_channel: str, ts: str) -> Sequence[Message]:
    """Returns the sent corrections of a thread reply, oldest first."""
    edits = [note for note in notes_from_desk(tx, slack_channel, ts) if note.revision]
    return sent_as(tx, edits) if edits else []


def replies(tx: Transaction, escalation_id: int) -> Sequence[Message]:
    """Returns agents' messages to the customer in an escalation, oldest first."""
    ours = select(Message).where(
        Message.escalation_id == escalation_id, Message.author == Author.AGENT.value
    )
    return list(tx.session.execute(ours.order_by(col(Message.id))).scalars())


def agent_row(tx: Transaction, desk_id: str, name: str, now: datetime) -> Agent:
    """Returns the agent with this Slack id, created if new, with the current name."""
    known = _agent(tx, desk_id) or _new_agent(tx, desk_id, name, now)
    if name != NAMELESS:
        known.name = name
    return known


def _agent(tx: Transaction, desk_id: str) -> Agent | None:
    return tx.session.execute(select(Agent).where(Agent.desk_id == desk_id)).scalar_one_or_none()


def _new_agent(tx: Transaction, desk_id: str, name: str, now: datetime) -> Agent:
    return tx.ensure(Agent(desk_id=desk_id, name=name, created_at=now), "desk_id")
