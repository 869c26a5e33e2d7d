"""How a conversation changes hands: notes for the next agent, refusals, reservations."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.desk import Button, EphemeralMessage, Place, Post, PostKind
from handoff_bot.domain.escalations import LEFT_QUEUE, Resolution, Status
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.messages import Author
from handoff_bot.domain.text import spelled
from handoff_bot.services.outbox import outbox, view_models
from handoff_bot.storage import conversations, deliveries, log, queue, tickets
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Agent, Conversation, Escalation, Note, Ticket
from handoff_bot.storage.transaction import Transaction

# -- refusals


def someone_elses(tx: Transaction, escalation: Escalation) -> str:
    """Returns the refusal when another agent has the conversation."""
    return (
        f"{_name(tx, escalation.owner_id)} has this conversation. "
        "Use Assign… to take it over first."
    )


def where_it_is(tx: Transaction, escalation: Escalation, now: datetime) -> str:
    """The escalation's status does not allow this action."""
    if escalation.status == Status.CLAIMED:
        since = now - (escalation.claimed_at or now)
        return f"{_name(tx, escalation.owner_id)} took this {_ago(since)}."
    if escalation.status == Status.QUEUED:
        return "No agent has this conversation yet. Select Take Over first."
    return (
        f"{_name(tx, escalation.closed_by_id)} already closed this conversation "
        f"({escalation.status})."
    )


def _ago(since: timedelta) -> str:
    seconds = int(since.total_seconds())
    if seconds < 5:
        return "just now"
    if seconds < 60:
        return f"{seconds} s ago"
    minutes = seconds // 60
    return f"{minutes} min ago" if minutes < 60 else f"{minutes // 60} h ago"


def _name(tx: Transaction, agent_id: int | None) -> str:
    agent = rows.agent(tx, agent_id)
    return agent.name if agent else "Another agent"


# -- the note for the next agent, and what a resolution leaves behind

LAST_WORDS = 3
_LONGEST = 300


def announce(
    tx: Transaction,
    escalation: Escalation,
    giver: Agent,
    owner: Agent,
    previous: Agent | None,
    now: datetime,
) -> None:
    """Posts the new assignee in the thread. Mentions the previous assignee unless they gave it away."""
    words = f"{giver.name} assigned this conversation to {owner.name}."
    if giver.id == owner.id:
        words = f"{owner.name} took this over{f' from {previous.name}' if previous else ''}."
    lost = previous is not None and previous.id != giver.id
    mentions = (previous.desk_id,) if previous and lost else ()
    outbox.post(tx, escalation, Post(PostKind.NOTICE, words, mentions=mentions), now)


def to_an_agent(
    tx: Transaction,
    escalation: Escalation,
    giver: Agent,
    owner: Agent,
    note: str,
    now: datetime,
) -> None:
    """Posts the note in the thread and sends the new assignee a direct message."""
    if note:
        outbox.notice(tx, escalation, f"{giver.name} notes: {note}", now)
    if giver.id == owner.id:
        return
    conversation = conversations.get(tx, escalation.conversation_id)
    text = "\n".join(_context(tx, escalation, conversation, giver, note))
    about = Post(PostKind.TOLD, text, button=Button.VIEW, value=str(escalation.id))
    outbox.tell(tx, owner.desk_id, about, now, about=escalation)


def _context(
    tx: Transaction, escalation: Escalation, conversation: Conversation, giver: Agent, note: str
) -> list[str]:
    name = conversations.contact_name(tx, conversation)
    where = spelled(conversation.channel)
    lines = [f"{giver.name} assigned you the conversation with {name} on {where}."]
    lines += [f"Note: {note}"] if note else []
    lines += [f"Summary: {escalation.summary}"] if escalation.summary else []
    recent = deliveries.arrived(tx, conversations.recent(tx, conversation.id, LAST_WORDS))
    speakers = {Author.CONTACT: name, Author.ASSISTANT: "Assistant", Author.SYSTEM: "We"}
    for message in recent:
        speaker = speakers.get(Author(message.author), "Agent")
        lines.append(f"{speaker}: {view_models.in_words(message)[:_LONGEST]}")
    return lines


def to_the_queue(
    tx: Transaction, escalation: Escalation, giver: Agent, note: str, now: datetime
) -> None:
    """Posts the release in the thread and mentions the group."""
    words = f"{giver.name} released this conversation to the queue."
    mentions = (escalation.group_id,) if escalation.group_id else ()
    if mentions:
        words = f"{giver.name} put this conversation in the queue for this group."
    text = f"{words} Note: {note}" if note else words
    outbox.post(tx, escalation, Post(PostKind.NOTICE, text, mentions=mentions), now)


MEMORY = "memory"
"""Marks a note as a handback note for the assistant."""
MOST_MEMORIES = 3


def keep_resolution(
    tx: Transaction,
    escalation: Escalation,
    ticket: Ticket,
    agent: Agent,
    ending: Resolution,
    now: datetime,
) -> None:
    """Stores the details in the ticket, the escalation and the handback notes."""
    ticket.outcome = _outcome(Status(escalation.status), ending)
    tickets.add_tags(tx, ticket.id, ending.tags)
    if ending.why:
        escalation.dismissed_why = ending.why.value
        log.record(
            tx,
            EventKind.DISMISS_REASON,
            now,
            escalation=escalation,
            agent_id=agent.id,
            why=ending.why.value,
        )
    if ending.memory:
        tx.add(
            Note(
                conversation_id=escalation.conversation_id,
                escalation_id=escalation.id,
                agent_id=agent.id,
                text=ending.memory,
                desk_channel="",
                desk_ts=f"{MEMORY}:{escalation.id}",
                revision=MEMORY,
                created_at=now,
            )
        )


def _outcome(status: Status, ending: Resolution) -> str:
    if ending.by_customer:
        return LEFT_QUEUE
    if status is Status.RESOLVED:
        return ending.solved_as.value
    return "returned" if status is Status.RETURNED else "not_needed"


def memories(tx: Transaction, conversation_id: int) -> list[str]:
    """Returns the latest handback notes, oldest first."""
    notes = conversations.last_notes(tx, conversation_id, MEMORY, MOST_MEMORIES)
    return [note.text for note in notes]


# -- what became of a reserved escalation


def reservation_used(tx: Transaction, escalation: Escalation, desk_id: str, now: datetime) -> None:
    """The agent with this Slack id has claimed it: tells the others and ends the reservation."""
    found = queue.reservation_of(tx, escalation.id)
    if found is None or found.desk_id != desk_id:
        return
    for other in found.others:
        tell_agent(tx, escalation.id, other, where_it_is(tx, escalation, now), now)
    queue.end_reservation(tx, escalation.id)


def tell_agent(
    tx: Transaction, escalation_id: int, desk_id: str, words: str, now: datetime
) -> None:
    """Sends one agent an ephemeral message in the thread, or a direct message while there is no
    thread.
    """
    thread = rows.thread_of(tx, escalation_id)
    if thread:
        place = Place(thread.slack_channel, thread.ts)
        outbox.ephemeral(tx, EphemeralMessage(desk_id, place, words), now)
    else:
        outbox.tell(tx, desk_id, Post(PostKind.TOLD, words), now)
