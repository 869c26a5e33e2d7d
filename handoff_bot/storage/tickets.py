"""Questions and changes about tickets: search by keyset, tags, timelines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy import select as select_rows
from sqlmodel import col, select

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.signals import Priority
from handoff_bot.domain.tickets import TicketQuery, TicketRow
from handoff_bot.storage.desk_models import TicketTag
from handoff_bot.storage.models import (
    Agent,
    Contact,
    Conversation,
    Escalation,
    Event,
    Message,
    Note,
    Ticket,
)
from handoff_bot.storage.transaction import Transaction


def get(tx: Transaction, number: int) -> Ticket | None:
    """A ticket by its number."""
    return tx.session.get(Ticket, number, populate_existing=True)


def found(tx: Transaction, query: TicketQuery, limit: int) -> list[TicketRow]:
    """Tickets that fit, newest first, at most `limit`."""
    statement = fitting(query).order_by(col(Ticket.id).desc()).limit(limit)
    return [_row(*each) for each in tx.session.execute(statement)]


def fitting(query: TicketQuery) -> Any:
    """The search. Without words it walks an index from the newest ticket down; it never sorts."""
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
        Agent.desk_id: query.assignee,
    }
    for column, value in equal.items():
        if value:
            statement = statement.where(col(column) == str(value))
    if query.before is not None:
        statement = statement.where(col(Ticket.id) < query.before)
    if query.tag:
        tagged = select(TicketTag.ticket_id).where(TicketTag.tag == query.tag)
        statement = statement.where(col(Ticket.id).in_(tagged))
    return _with_words(statement, query)


def _with_words(statement: Any, query: TicketQuery) -> Any:
    if query.number is not None:
        return statement.where(col(Ticket.id) == query.number)
    for word in query.words.casefold().split():
        statement = statement.where(col(Ticket.searched).contains(word, autoescape=True))
    return statement


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


def tags(tx: Transaction, number: int) -> tuple[str, ...]:
    """A ticket's tags, in the order in which they were given."""
    tagged = select(TicketTag.tag).where(TicketTag.ticket_id == number)
    return tuple(tx.session.execute(tagged.order_by(col(TicketTag.id))).scalars())


def tags_of_contact(tx: Transaction, contact_id: int) -> frozenset[str]:
    """The tags of all tickets that a contact has had."""
    tagged = select(TicketTag.tag).join(Ticket, col(Ticket.id) == TicketTag.ticket_id)
    found = tx.session.execute(tagged.where(Ticket.contact_id == contact_id).distinct())
    return frozenset(found.scalars())


def set_tags(tx: Transaction, number: int, wanted: Sequence[str]) -> None:
    """Exactly these tags."""
    tx.session.execute(
        delete(TicketTag).where(
            col(TicketTag.ticket_id) == number, col(TicketTag.tag).not_in(wanted)
        )
    )
    add_tags(tx, number, wanted)


def add_tags(tx: Transaction, number: int, wanted: Iterable[str]) -> None:
    """Tag a ticket; tags that it has already stay."""
    known = set(tags(tx, number))
    for tag in wanted:
        if tag not in known:
            tx.add(TicketTag(ticket_id=number, tag=tag))
            known.add(tag)


def channels(tx: Transaction) -> Sequence[str]:
    """The kinds of channels that contacts have written on."""
    known = select(Conversation.channel).distinct().order_by(Conversation.channel)
    return list(tx.session.execute(known).scalars())


def last_of(tx: Transaction, conversation_id: int, since: datetime) -> Ticket | None:
    """The conversation's newest ticket, if it was solved since then."""
    newest = (
        select(Ticket)
        .where(Ticket.conversation_id == conversation_id)
        .order_by(col(Ticket.id).desc())
        .limit(1)
    )
    ticket = tx.session.execute(newest).scalar_one_or_none()
    if ticket is None or ticket.solved_at is None or ticket.solved_at < since:
        return None
    return ticket


# -- the timeline


def events(tx: Transaction, number: int) -> Sequence[tuple[Event, str | None]]:
    """What happened to its escalations and to itself, oldest first, with who did it."""
    ours = select(Escalation.id).where(Escalation.ticket_id == number)
    asked = (
        select(Event, Agent.name)
        .outerjoin(Agent, col(Agent.id) == Event.agent_id)
        .where(col(Event.escalation_id).in_(ours))
        .order_by(col(Event.id))
    )
    return [(event, name) for event, name in tx.session.execute(asked)]


def messages(
    tx: Transaction, ticket: Ticket, since: datetime
) -> Sequence[tuple[Message, str | None]]:
    """What was said in its conversation since then, oldest first, with the agent who said it."""
    asked = (
        select(Message, Agent.name)
        .outerjoin(Agent, col(Agent.id) == Message.agent_id)
        .where(Message.conversation_id == ticket.conversation_id, Message.created_at >= since)
        .order_by(col(Message.id))
    )
    if ticket.solved_at:
        asked = asked.where(Message.created_at <= ticket.solved_at)
    return [(message, name) for message, name in tx.session.execute(asked)]


def notes(tx: Transaction, number: int) -> Sequence[tuple[Note, str]]:
    """What agents noted, oldest first."""
    ours = select(Escalation.id).where(Escalation.ticket_id == number)
    asked = (
        select(Note, Agent.name)
        .join(Agent, col(Agent.id) == Note.agent_id)
        .where(col(Note.escalation_id).in_(ours))
        .order_by(col(Note.id))
    )
    return [(note, name) for note, name in tx.session.execute(asked)]
