"""Queries and changes of tickets: keyset search, tags, timelines, export, ids in other systems."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, update
from sqlalchemy import select as select_rows
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.messages import Author
from handoff_bot.domain.signals import Priority
from handoff_bot.domain.tickets import SlaTarget, TicketExport, TicketQuery, TicketRow
from handoff_bot.storage import conversations, workspace
from handoff_bot.storage.conversations import same_customer, stayed_inside
from handoff_bot.storage.models import (
    Agent,
    Contact,
    Conversation,
    DeskThread,
    Escalation,
    Event,
    Message,
    Note,
    Ticket,
    TicketLink,
    TicketTag,
)
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import Transaction, select_all, table_of

# -- search, tags

_TICKET, _TAG = table_of(Ticket), table_of(TicketTag)
_TAGS_OF_CONTACT = Prepared(
    select(_TAG.c.tag)
    .join(_TICKET, _TICKET.c.id == _TAG.c.ticket_id)
    .where(_TICKET.c.contact_id.in_(same_customer(bindparam("its_contact"))))
    .distinct()
)
_LAST_OF = Prepared(
    select_all(Ticket)
    .where(_TICKET.c.conversation_id == bindparam("its_conversation"))
    .order_by(_TICKET.c.id.desc())
    .limit(1)
)

MOST_MESSAGES = 5_000
"""Newest messages with the words that are looked at: common words are in too many."""


def numbers_of(tx: Transaction, escalation_ids: Collection[int]) -> dict[int, int]:
    """Returns escalation id -> ticket number."""
    found = select(col(Escalation.id), col(Escalation.ticket_id)).where(
        col(Escalation.id).in_(sorted(escalation_ids))
    )
    return {int(one): int(number) for one, number in tx.session.execute(found) if number}


def get(tx: Transaction, number: int) -> Ticket | None:
    return tx.session.get(Ticket, number, populate_existing=True)


def due_at(ticket: Ticket, which: SlaTarget) -> datetime | None:
    """Returns the due time of a target."""
    return ticket.reply_due_at if which is SlaTarget.REPLY else ticket.solve_due_at


def open_due(ticket: Ticket, which: SlaTarget) -> datetime | None:
    """Returns the due time of an open target; None if it is met or not set."""
    kept = ticket.solved_at or (ticket.replied_at if which is SlaTarget.REPLY else None)
    return None if kept else due_at(ticket, which)


def searched(subject: str, contact: str) -> str:
    """Returns the text that a word search looks through."""
    return f"{subject} {contact}".casefold()


def row(tx: Transaction, number: int) -> TicketRow | None:
    """Returns one ticket as a list row."""
    rows = found(tx, TicketQuery(words=f"#{number}"), 1)
    return rows[0] if rows else None


def found(tx: Transaction, query: TicketQuery, limit: int) -> list[TicketRow]:
    """Returns matching tickets, newest first, at most `limit`."""
    statement = fitting(tx, query).order_by(col(Ticket.id).desc()).limit(limit)
    return [_row(*each) for each in tx.session.execute(statement)]


def newest_message(tx: Transaction) -> int:
    """Returns the id of the newest message, or 0."""
    return conversations.newest_message_of_all(tx)


def fitting(tx: Transaction, query: TicketQuery) -> Any:
    """Builds the search. Without words, it walks an index from the newest ticket down; it never
    sorts.
    """
    statement: Any = (
        select_rows(Ticket, col(Contact.name), col(Conversation.address), Agent)
        .join(Contact, col(Contact.id) == Ticket.contact_id)
        .join(Conversation, col(Conversation.id) == Ticket.conversation_id)
        .outerjoin(Agent, col(Agent.id) == Ticket.assignee_id)
    )
    equal = {
        Ticket.status: query.status,
        Ticket.channel: query.channel,
        Ticket.reason: query.reason,
        Ticket.priority: query.priority,
    }
    for column, value in equal.items():
        if value:
            statement = statement.where(col(column) == str(value))
    if query.assignee:
        known = select_rows(col(Agent.id)).where(col(Agent.desk_id) == query.assignee)
        statement = statement.where(col(Ticket.assignee_id) == known.scalar_subquery())
    if query.slack_channels is not None:
        held = workspace.of_ticket_held_in(query.slack_channels, col(Ticket.escalation_id))
        statement = statement.where(held)
    if query.before is not None:
        statement = statement.where(col(Ticket.id) < query.before)
    return _with_words(tx, _within(statement, query), query)


def _within(statement: Any, query: TicketQuery) -> Any:
    if query.since:
        statement = statement.where(col(Ticket.created_at) >= query.since)
    if query.until:
        statement = statement.where(col(Ticket.created_at) < query.until)
    return statement


def _with_words(tx: Transaction, statement: Any, query: TicketQuery) -> Any:
    if query.number is not None:
        return statement.where(col(Ticket.id) == query.number)
    for tag in query.tags:
        tagged = select(TicketTag.ticket_id).where(TicketTag.tag == tag)
        statement = statement.where(col(Ticket.id).in_(tagged))
    if not query.terms:
        return statement
    if tx.keyring:
        return statement.where(col(Ticket.id).in_(sorted(_opened_with_words(tx, query))))
    in_subject = and_(*(_has(Ticket.searched, word) for word in query.terms))
    if query.messages_from is None:
        return statement.where(in_subject)
    return statement.where(or_(in_subject, _in_messages(query)))


def _has(column: Any, *words: str) -> Any:
    return or_(*(col(column).contains(each, autoescape=True) for each in words))


def _in_messages(query: TicketQuery) -> Any:
    """Whether one of the newest messages has all the words that subject and name do not have. It
    belongs to the first ticket of its conversation that was not over when it was written.

    One scan of the newest messages for all tickets, in the usual spellings: asked ticket by ticket
    or regardless of case, PostgreSQL took several times as long.
    """
    theirs = aliased(Ticket)
    found = (
        select(func.min(col(theirs.id)))
        .join(Message, col(Message.conversation_id) == col(theirs.conversation_id))
        .where(
            col(Message.id) >= query.messages_from,
            col(Message.author) != Author.SYSTEM.value,
            or_(
                col(theirs.solved_at).is_(None),
                col(theirs.solved_at) >= col(Message.created_at),
            ),
        )
        .group_by(col(Message.id))
        .order_by(col(Message.id).desc())
        .limit(MOST_MESSAGES)
    )
    for word, typed in zip(query.terms, query.typed, strict=True):
        spellings = dict.fromkeys((typed, word, typed.lower(), typed.upper(), typed.capitalize()))
        found = found.where(or_(_has(Message.text, *spellings), _has(theirs.searched, word)))
    return col(Ticket.id).in_(found)


# With keys, the database holds sealed texts, in which it cannot search.

MOST_OPENED = 20_000
"""Newest tickets and newest messages that are decrypted for a search by words."""
MOST_FOUND = 2_000
"""Tickets with the words, newest first: they become parameters of a statement."""


def is_search_bounded(tx: Transaction) -> bool:
    """Returns whether a search by words leaves out older tickets or messages, because their texts are
    encrypted.
    """
    if tx.keyring is None:
        return False
    newest = int(tx.session.execute(select(func.max(Ticket.id))).scalar() or 0)
    return max(newest, newest_message(tx)) > MOST_OPENED


def _opened_with_words(tx: Transaction, query: TicketQuery) -> set[int]:
    """Returns the tickets with the words, as `_in_messages` and the subjects do, of decrypted texts."""
    newest = select(Ticket.id, Ticket.searched).order_by(col(Ticket.id).desc()).limit(MOST_OPENED)
    subjects = {row.id: row.searched for row in tx.session.execute(newest)}
    found = {one for one, text in subjects.items() if _has_all(query.terms, (text,))}
    if query.messages_from is not None:
        written: set[int] = set()
        for message, ticket, text in tx.session.execute(_messages_of_tickets(query)):
            both = (text.casefold(), subjects.get(ticket, ""))
            if message not in written and _has_all(query.terms, both):
                written.add(message)  # it belongs to the first ticket
                found.add(ticket)
    return set(sorted(found, reverse=True)[:MOST_FOUND])


def _has_all(words: Iterable[str], texts: Collection[str]) -> bool:
    return all(any(word in text for text in texts) for word in words)


def _messages_of_tickets(query: TicketQuery) -> Any:
    """Builds the newest messages, each with the tickets that it may belong to."""
    return (
        select(Message.id, Ticket.id, Message.text)
        .join(Ticket, col(Message.conversation_id) == col(Ticket.conversation_id))
        .where(
            col(Message.id) >= query.messages_from,
            col(Message.author) != Author.SYSTEM.value,
            or_(
                col(Ticket.solved_at).is_(None),
                col(Ticket.solved_at) >= col(Message.created_at),
            ),
        )
        .order_by(col(Message.id).desc(), col(Ticket.id))
        .limit(MOST_OPENED)
    )


def _row(ticket: Ticket, name: str, address: str, agent: Agent | None) -> TicketRow:
    return TicketRow(
        number=ticket.id or 0,
        subject=ticket.subject,
        contact=name or address,
        channel=ticket.channel,
        status=TicketStatus(ticket.status),
        priority=Priority(ticket.priority),
        assignee=AgentRef(agent.desk_id, agent.name) if agent else None,
        created_at=ticket.created_at,
    )


def earlier(
    tx: Transaction, ticket: Ticket, slack_channels: Collection[str] | None, limit: int
) -> list[tuple[Ticket, DeskThread | None]]:
    """Returns the customer's tickets before this one, newest first, with their threads.

    `slack_channels` as in `TicketQuery`.
    """
    found = (
        select(Ticket, DeskThread)
        .outerjoin(DeskThread, col(DeskThread.escalation_id) == Ticket.escalation_id)
        .where(
            col(Ticket.contact_id).in_(same_customer(ticket.contact_id)),
            col(Ticket.id) < ticket.id,
        )
    )
    if slack_channels is not None:
        found = found.where(workspace.of_ticket_held_in(slack_channels, col(Ticket.escalation_id)))
    rows = tx.session.execute(found.order_by(col(Ticket.id).desc()).limit(limit))
    return [(theirs, thread) for theirs, thread in rows]


def tags(tx: Transaction, number: int) -> tuple[str, ...]:
    """Returns a ticket's tags in the order in which they were added."""
    tagged = select(TicketTag.tag).where(TicketTag.ticket_id == number)
    return tuple(tx.session.execute(tagged.order_by(col(TicketTag.id))).scalars())


def of_contacts(
    tx: Transaction, contact_ids: Collection[int], slack_channels: Collection[str] | None
) -> Sequence[Ticket]:
    """Returns the tickets of these contacts; `slack_channels` as in `TicketQuery`."""
    found = select(Ticket).where(col(Ticket.contact_id).in_(contact_ids))
    if slack_channels is not None:
        found = found.where(workspace.of_ticket_held_in(slack_channels, col(Ticket.escalation_id)))
    return list(tx.session.execute(found).scalars())


def tags_of_contact(tx: Transaction, contact_id: int) -> frozenset[str]:
    """Returns the tags of all tickets of a customer."""
    tx.flush()
    return frozenset(tag for (tag,) in _TAGS_OF_CONTACT.rows(tx.core, {"its_contact": contact_id}))


def tag_counts(tx: Transaction) -> dict[str, int]:
    """Returns tag -> number of tickets."""
    found = select(TicketTag.tag, func.count()).group_by(col(TicketTag.tag))
    return {str(tag): int(count) for tag, count in tx.session.execute(found)}


def rename_tag(tx: Transaction, old: str, new: str) -> None:
    """Renames a tag on all tickets; those that have both keep one."""
    if old == new:
        return
    having = select(TicketTag.ticket_id).where(TicketTag.tag == new)
    both = delete(TicketTag).where(
        col(TicketTag.tag) == old, col(TicketTag.ticket_id).in_(having.scalar_subquery())
    )
    tx.session.execute(both)
    tx.session.execute(update(TicketTag).where(col(TicketTag.tag) == old).values(tag=new))


def remove_tag(tx: Transaction, tag: str) -> None:
    tx.session.execute(delete(TicketTag).where(col(TicketTag.tag) == tag))


def set_tags(tx: Transaction, number: int, wanted: Sequence[str]) -> None:
    """Replaces the ticket's tags."""
    tx.session.execute(
        delete(TicketTag).where(
            col(TicketTag.ticket_id) == number, col(TicketTag.tag).not_in(wanted)
        )
    )
    add_tags(tx, number, wanted)


def add_tags(tx: Transaction, number: int, wanted: Iterable[str]) -> None:
    """Adds tags to a ticket."""
    known = set(tags(tx, number))
    for tag in wanted:
        if tag not in known:
            tx.add_unless_known(TicketTag(ticket_id=number, tag=tag), "ticket_id", "tag")
            known.add(tag)


def last_of(tx: Transaction, conversation_id: int, since: datetime) -> Ticket | None:
    """Returns the conversation's newest ticket, if it was solved since then."""
    found = tx.entities(Ticket, _LAST_OF, {"its_conversation": conversation_id})
    ticket = found[0] if found else None
    if ticket is None or ticket.solved_at is None or ticket.solved_at < since:
        return None
    return ticket


# -- the timeline


def events(
    tx: Transaction, number: int, kinds: Iterable[str], most: int
) -> Sequence[tuple[Event, str | None]]:
    """Returns the newest events of these kinds about the ticket and its escalations, oldest first,
    with agents.
    """
    ours = select(Escalation.id).where(Escalation.ticket_id == number)
    asked = (
        select(Event, Agent.name)
        .outerjoin(Agent, col(Agent.id) == Event.agent_id)
        .where(col(Event.escalation_id).in_(ours), col(Event.kind).in_(list(kinds)))
    )
    return _newest(tx, asked, Event.id, most)


def messages(tx: Transaction, ticket: Ticket, most: int) -> Sequence[tuple[Message, str | None]]:
    """Returns the newest messages from the escalating one on, with the agents."""
    began = select(func.min(Escalation.message_id)).where(Escalation.ticket_id == ticket.id)
    asked = (
        select(Message, Agent.name)
        .outerjoin(Agent, col(Agent.id) == Message.agent_id)
        .where(
            Message.conversation_id == ticket.conversation_id,
            col(Message.id) >= began.scalar_subquery(),
        )
    )
    if ticket.solved_at:
        asked = asked.where(Message.created_at <= ticket.solved_at)
    return _newest(tx, asked, Message.id, most)


def notes(tx: Transaction, number: int, most: int) -> Sequence[tuple[Note, str]]:
    """Returns the newest internal notes, oldest first."""
    ours = select(Escalation.id).where(Escalation.ticket_id == number)
    asked = (
        select(Note, Agent.name)
        .join(Agent, col(Agent.id) == Note.agent_id)
        .where(col(Note.escalation_id).in_(ours), stayed_inside())
    )
    return _newest(tx, asked, Note.id, most)


def _newest(tx: Transaction, asked: Any, number: Any, most: int) -> list[tuple[Any, Any]]:
    newest = tx.session.execute(asked.order_by(col(number).desc()).limit(most)).all()
    return [(what, name) for what, name in reversed(newest)]


# -- the export, in batches


def exports_after(tx: Transaction, query: TicketQuery, last: int, limit: int) -> list[TicketExport]:
    """Returns the next matching tickets with a higher number, oldest first."""
    statement = fitting(tx, query).where(col(Ticket.id) > last).order_by(col(Ticket.id))
    found = list(tx.session.execute(statement.limit(limit)))
    tags = _exported_tags(tx, [ticket.id for ticket, *_ in found])
    return [
        _exported(ticket, name, address, agent, tuple(tags.get(ticket.id, ())))
        for ticket, name, address, agent in found
    ]


def _exported_tags(tx: Transaction, numbers: Sequence[int]) -> dict[int, list[str]]:
    tagged = (
        select(TicketTag.ticket_id, TicketTag.tag)
        .where(col(TicketTag.ticket_id).in_(numbers))
        .order_by(col(TicketTag.ticket_id), col(TicketTag.tag))
    )
    found: dict[int, list[str]] = {}
    for number, tag in tx.session.execute(tagged):
        found.setdefault(number, []).append(tag)
    return found


def _exported(
    ticket: Ticket, name: str, address: str, agent: Agent | None, tags: tuple[str, ...]
) -> TicketExport:
    return TicketExport(
        number=ticket.id or 0,
        subject=ticket.subject,
        contact=name or address,
        address=address,
        channel=ticket.channel,
        reason=ticket.reason,
        priority=ticket.priority,
        status=ticket.status,
        assignee=agent.name if agent else "",
        tags=tags,
        outcome=ticket.outcome,
        reopened=ticket.reopened,
        created_at=ticket.created_at,
        updated_at=ticket.updated_at,
        solved_at=ticket.solved_at,
        reply_due_at=ticket.reply_due_at,
        replied_at=ticket.replied_at,
        solve_due_at=ticket.solve_due_at,
    )


# -- ids in other systems


def external_id(tx: Transaction, ticket_id: int, sink: str) -> str:
    """Returns a ticket's id in another system, "" if unknown."""
    found = _link(tx, ticket_id, sink)
    return found.external_id if found else ""


def keep_external_id(tx: Transaction, ticket_id: int, sink: str, name: str, now: datetime) -> None:
    """Stores a ticket's id in another system."""
    known = _link(tx, ticket_id, sink) or tx.ensure(
        TicketLink(ticket_id=ticket_id, sink=sink, external_id=name, updated_at=now),
        "ticket_id",
        "sink",
    )
    if known.external_id != name:
        known.external_id, known.updated_at = name, now


def _link(tx: Transaction, ticket_id: int, sink: str) -> TicketLink | None:
    return tx.session.execute(
        select(TicketLink).where(TicketLink.ticket_id == ticket_id, TicketLink.sink == sink)
    ).scalar_one_or_none()


def tag_names(tx: Transaction, ticket_id: int) -> tuple[str, ...]:
    """Returns a ticket's tags in alphabetical order."""
    found = (
        select(TicketTag.tag).where(TicketTag.ticket_id == ticket_id).order_by(col(TicketTag.tag))
    )
    return tuple(tx.session.execute(found).scalars())
