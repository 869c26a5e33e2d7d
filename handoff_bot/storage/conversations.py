"""Questions and changes about contacts, conversations, messages and notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, func
from sqlmodel import col, select

from handoff_bot.domain.desk import NAMELESS
from handoff_bot.domain.messages import Author, Direction, InboundMessage
from handoff_bot.domain.words import is_visible
from handoff_bot.storage.models import (
    Agent,
    Contact,
    ContactAddress,
    Conversation,
    Delivery,
    Message,
    Note,
)
from handoff_bot.storage.transaction import Transaction

_NEVER = datetime.min.replace(tzinfo=UTC)

# On the way of every message: built once, for building a statement costs as much as running it.
_OF_CONTACT = (
    select(Conversation)
    .where(
        Conversation.contact_id == bindparam("contact_id"),
        Conversation.channel == bindparam("channel"),
    )
    .with_for_update()
)
_NAMES = select(ContactAddress.address, ContactAddress.contact_id).where(
    ContactAddress.channel == bindparam("channel"),
    col(ContactAddress.address).in_(bindparam("names", expanding=True)),
)
_RECEIVED = select(Message).where(
    Message.channel == bindparam("channel"), Message.provider_id == bindparam("provider_id")
)


def of_inbound(tx: Transaction, inbound: InboundMessage, now: datetime) -> Conversation:
    """The conversation an inbound message belongs to, made if it is new, and held until commit."""
    contact_id = _contact_of(tx, inbound, now)
    asked = {"contact_id": contact_id, "channel": inbound.channel}
    conversation = tx.session.execute(_OF_CONTACT, asked).scalar_one_or_none()
    if conversation is None:
        new = Conversation(
            contact_id=contact_id,
            channel=inbound.channel,
            address=inbound.address,
            language=inbound.language,
            created_at=now,
        )
        tx.add_unless_known(new, "contact_id", "channel")
        conversation = tx.session.execute(_OF_CONTACT, asked).scalar_one()
    hear(tx, conversation, inbound, now)
    return conversation


def hear(
    tx: Transaction, conversation: Conversation, inbound: InboundMessage, now: datetime
) -> None:
    """The customer was last heard from with this message."""
    tx.set(
        conversation,
        address=inbound.address,
        recipient=inbound.recipient,
        counted_with=list(inbound.counted_with),
        last_inbound_at=max(sent_at(inbound, now), conversation.last_inbound_at or _NEVER),
    )


def call(contact: Contact, inbound: InboundMessage) -> None:
    """Call a contact what the message calls them, if anything."""
    if is_visible(inbound.profile_name):
        contact.name = inbound.profile_name


def sent_at(inbound: InboundMessage, now: datetime) -> datetime:
    """When it was sent: just now, unless it was fetched later."""
    if inbound.sent_at is None:
        return now
    return min(now, datetime.fromtimestamp(inbound.sent_at, UTC))


def is_one_of_ours(tx: Transaction, channel: str, address: str) -> bool:
    """Do customers write to this address? Then it is a sender of ours, and never a customer."""
    found = select(col(Conversation.id)).where(
        Conversation.channel == channel, Conversation.recipient == address
    )
    return tx.session.execute(found.limit(1)).first() is not None


def received(tx: Transaction, inbound: InboundMessage) -> Message | None:
    """This message, if it is stored already."""
    values = {"channel": inbound.channel, "provider_id": inbound.provider_id}
    return tx.session.execute(_RECEIVED, values).scalar_one_or_none()


def by_provider_id(
    tx: Transaction, conversation: Conversation, provider_id: str
) -> tuple[Message, str] | None:
    """The message of this conversation that the provider knows by this id, and the part that it is."""
    ours = (
        select(Message, col(Delivery.text))
        .join(Delivery, col(Delivery.message_id) == Message.id)
        .where(
            Delivery.provider_id == provider_id,
            Message.conversation_id == id_of(conversation),
        )
    )
    sent = tx.session.execute(ours.limit(1)).first()
    if sent:
        return sent[0], sent[1]
    theirs = select(Message).where(
        Message.channel == conversation.channel,
        Message.provider_id == provider_id,
        Message.conversation_id == id_of(conversation),
    )
    found = tx.session.execute(theirs).scalar_one_or_none()
    return (found, "") if found else None


def _contact_of(tx: Transaction, inbound: InboundMessage, now: datetime) -> int:
    """The contact behind these names; a name of theirs that is new to us is remembered."""
    names = dict.fromkeys((inbound.address, *inbound.aliases))
    called = inbound.profile_name if is_visible(inbound.profile_name) else ""
    owners = _owners(tx, inbound.channel, names)
    new = sorted(names.keys() - owners.keys())
    for name in new:  # others may hear from the same customer for the first time at this moment
        tx.one_at_a_time(f"contact:{inbound.channel}:{name}")
    if new and not tx.is_sqlite:
        owners = _owners(tx, inbound.channel, names)
    contact_id = next((owners[name] for name in names if name in owners), None)
    if contact_id is None:
        contact_id = id_of(tx.add(Contact(name=called, created_at=now)))
    elif called:
        call(tx.session.get_one(Contact, contact_id), inbound)
    for name in names:
        if name not in owners:
            address = ContactAddress(contact_id=contact_id, channel=inbound.channel, address=name)
            tx.add_unless_known(address, "channel", "address")
    return contact_id


def _owners(tx: Transaction, channel: str, names: Iterable[str]) -> dict[str, int]:
    """Which contacts these names belong to, as far as they are known."""
    known = tx.core.execute(_NAMES, {"channel": channel, "names": list(names)})
    return {row.address: row.contact_id for row in known}


def id_of(row: Any) -> int:
    """The id of a row that has been inserted."""
    number = row.id
    if not isinstance(number, int):
        raise TypeError(f"{type(row).__name__} was not inserted yet")
    return number


def add_inbound(
    tx: Transaction,
    conversation: Conversation,
    inbound: InboundMessage,
    work_id: int,
    now: datetime,
    context: dict[str, Any] | None = None,
) -> Message:
    """Store an inbound message that is new to us; `context` is what it says besides, as it is kept."""
    return tx.add(
        Message(
            conversation_id=id_of(conversation),
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
    )


def at(tx: Transaction, channel: str, address: str) -> Conversation | None:
    """The conversation with whoever was last heard from at this address, if there is one."""
    found = select(Conversation).where(
        Conversation.channel == channel, Conversation.address == address
    )
    newest = found.order_by(col(Conversation.id).desc()).limit(1)
    return tx.session.execute(newest).scalar_one_or_none()


def get(tx: Transaction, conversation_id: int) -> Conversation:
    """A conversation."""
    return tx.session.get_one(Conversation, conversation_id)


def hold(tx: Transaction, conversation_id: int) -> Conversation:
    """A conversation, held until commit: whatever changes its state takes this first."""
    return tx.session.get_one(
        Conversation, conversation_id, with_for_update=True, populate_existing=True
    )


def contact_name(tx: Transaction, conversation: Conversation) -> str:
    """What to call the contact: their own name, else their address."""
    return own_name(tx, conversation) or conversation.address


def own_name(tx: Transaction, conversation: Conversation) -> str:
    """What the contact calls themselves, "" when that is not known."""
    return tx.session.get_one(Contact, conversation.contact_id).name


def recent(tx: Transaction, conversation_id: int, limit: int) -> Sequence[Message]:
    """The last messages of a conversation, oldest first."""
    newest_first = tx.session.execute(
        select(Message)
        .where(Message.conversation_id == conversation_id)
        .order_by(col(Message.id).desc())
        .limit(limit)
    ).scalars()
    return list(newest_first)[::-1]


def newest_of(tx: Transaction, conversation_id: int, author: Author) -> Message | None:
    """The newest message of this author in a conversation."""
    found = select(Message).where(
        Message.conversation_id == conversation_id, Message.author == author.value
    )
    newest = found.order_by(col(Message.id).desc()).limit(1)
    return tx.session.execute(newest).scalar_one_or_none()


def newest_message_id(tx: Transaction, conversation_id: int) -> int:
    """The id of a conversation's newest message, 0 when it has none."""
    newest = select(func.max(col(Message.id))).where(Message.conversation_id == conversation_id)
    return tx.session.execute(newest).scalar_one() or 0


def until(tx: Transaction, conversation_id: int, message_id: int, limit: int) -> Sequence[Message]:
    """A conversation's last messages up to this one, oldest first; none when it is not there any more."""
    found = tx.session.execute(
        select(Message)
        .where(Message.conversation_id == conversation_id, col(Message.id) <= message_id)
        .order_by(col(Message.id).desc())
        .limit(limit)
    ).scalars()
    messages = list(found)[::-1]
    return messages if messages and messages[-1].id == message_id else []


def before(tx: Transaction, message_id: int, author: Author) -> Message | None:
    """The newest message of this author that came before this one in its conversation."""
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
    """The assistant's newest answers that say which message they answer, newest first."""
    found = (
        select(Message)
        .where(Message.author == Author.ASSISTANT.value)
        .order_by(col(Message.id).desc())
        .limit(limit)
    )
    return [one for one in tx.session.execute(found).scalars() if "answers" in one.payload]


def page(
    tx: Transaction, conversation_id: int, number: int, size: int
) -> tuple[Sequence[Message], int]:
    """One page of a conversation, oldest first, and how many messages there are in all."""
    where = Message.conversation_id == conversation_id
    count = tx.session.execute(select(func.count()).select_from(Message).where(where)).scalar_one()
    rows = tx.session.execute(
        select(Message).where(where).order_by(col(Message.id)).offset(number * size).limit(size)
    ).scalars()
    return list(rows), count


def stayed_inside() -> Any:
    """Of notes: those whose words have not left as a message."""
    return ~select(Message.id).where(col(Message.note_id) == col(Note.id)).exists()


def notes_of(tx: Transaction, conversation_id: int) -> Sequence[Note]:
    """The notes of a conversation that stayed inside, oldest first."""
    ours = select(Note).where(Note.conversation_id == conversation_id, stayed_inside())
    return list(tx.session.execute(ours.order_by(col(Note.id))).scalars())


def last_notes(tx: Transaction, conversation_id: int, revision: str, limit: int) -> Sequence[Note]:
    """The last notes of a conversation that are of this kind, oldest first."""
    newest_first = tx.session.execute(
        select(Note)
        .where(Note.conversation_id == conversation_id, Note.revision == revision)
        .order_by(col(Note.id).desc())
        .limit(limit)
    ).scalars()
    return list(newest_first)[::-1]


def from_desk(tx: Transaction, slack_channel: str, ts: str) -> Message | None:
    """The message that this thread reply became."""
    return tx.session.execute(
        select(Message).where(Message.desk_channel == slack_channel, Message.desk_ts == ts)
    ).scalar_one_or_none()


def note_from_desk(tx: Transaction, slack_channel: str, ts: str, revision: str = "") -> Note | None:
    """The note that this thread reply (or, with a revision, this edit of one) became."""
    return tx.session.execute(
        select(Note).where(
            Note.desk_channel == slack_channel, Note.desk_ts == ts, Note.revision == revision
        )
    ).scalar_one_or_none()


def notes_from_desk(tx: Transaction, slack_channel: str, ts: str) -> Sequence[Note]:
    """All notes that this thread reply and its edits became, oldest first."""
    ours = select(Note).where(Note.desk_channel == slack_channel, Note.desk_ts == ts)
    return list(tx.session.execute(ours.order_by(col(Note.id))).scalars())


def sent_as(tx: Transaction, notes: Iterable[Note]) -> Sequence[Message]:
    """The messages that these notes left as, oldest first."""
    ours = select(Message).where(col(Message.note_id).in_([id_of(note) for note in notes]))
    return list(tx.session.execute(ours.order_by(col(Message.id))).scalars())


def corrections(tx: Transaction, slack_channel: str, ts: str) -> Sequence[Message]:
    """What was sent of the edits of a thread reply, oldest first."""
    edits = [note for note in notes_from_desk(tx, slack_channel, ts) if note.revision]
    return sent_as(tx, edits) if edits else []


def replies(tx: Transaction, escalation_id: int) -> Sequence[Message]:
    """What agents wrote to the customer in an escalation, oldest first."""
    ours = select(Message).where(
        Message.escalation_id == escalation_id, Message.author == Author.AGENT.value
    )
    return list(tx.session.execute(ours.order_by(col(Message.id))).scalars())


def last_assistant_message(tx: Transaction, conversation_id: int) -> Message | None:
    """What the assistant said last."""
    return newest_of(tx, conversation_id, Author.ASSISTANT)


def agent_row(tx: Transaction, desk_id: str, name: str, now: datetime) -> Agent:
    """The agent with this desk id, made if new; their name follows the desk's."""
    known = _agent(tx, desk_id) or _new_agent(tx, desk_id, name, now)
    if name != NAMELESS:
        known.name = name
    return known


def _agent(tx: Transaction, desk_id: str) -> Agent | None:
    return tx.session.execute(select(Agent).where(Agent.desk_id == desk_id)).scalar_one_or_none()


def _new_agent(tx: Transaction, desk_id: str, name: str, now: datetime) -> Agent:
    return tx.ensure(Agent(desk_id=desk_id, name=name, created_at=now), "desk_id")
