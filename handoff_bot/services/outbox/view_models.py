"""Reads the data that Slack shows: cards, the board, transcripts, a message with its context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from handoff_bot.domain.desk import (
    NAMELESS,
    AgentRef,
    Board,
    Card,
    Filter,
    Line,
    Post,
    PostKind,
    TranscriptPage,
)
from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.domain.events import EventKind, Rated
from handoff_bot.domain.file_reading import Reading
from handoff_bot.domain.files import Sent
from handoff_bot.domain.messages import (
    LONGEST_QUOTE,
    NO_CONTEXT,
    Author,
    DeliveryStatus,
    MessageContext,
    MessageKind,
    Quote,
    kind_with_files,
    named,
    overall,
)
from handoff_bot.domain.signals import Evidence, Mood, Priority, Signal
from handoff_bot.domain.text import one_line
from handoff_bot.domain.tickets import SlaTarget
from handoff_bot.services.outbox import slack_channels
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import conversations, deliveries, escalations, log, queue, tickets
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Agent, Conversation, Escalation, Message, Note
from handoff_bot.storage.transaction import Transaction

# -- a message's content with its context and kind, for the thread, the card and the AI

LABELS = {Reading.TRANSCRIPT: "Transcript", Reading.DESCRIPTION: "Picture"}
"""What stands before a text that a language model read from a file."""
EVIDENCE = "evidence"
"""Key of an answer's payload."""
_CONTEXT = TypeAdapter(MessageContext)
_EVIDENCE = TypeAdapter(tuple[Evidence, ...])
_AUTHORS = {
    Author.CONTACT: "their own message",
    Author.ASSISTANT: "the assistant",
    Author.SYSTEM: "an automatic text",
}


def context_of(message: Message) -> MessageContext:
    return _CONTEXT.validate_python(message.context) if message.context else NO_CONTEXT


def evidence_of(messages: Sequence[Message]) -> tuple[Evidence, ...]:
    """Returns what the assistant's last answer was based on."""
    last = next((one for one in reversed(messages) if one.author == Author.ASSISTANT), None)
    return _EVIDENCE.validate_python(last.payload.get(EVIDENCE, ())) if last else ()


def kind_of(message: Message) -> MessageKind:
    types = [str(file.get("content_type", "")) for file in message.media]
    return kind_with_files(context_of(message).kind, types)


def own_words(message: Message) -> str:
    """Returns what the author said: the typed text, and what was read from files; "" for nothing."""
    return "\n".join(filter(None, (typed(message), read_words(message))))


def typed(message: Message) -> str:
    """Returns the author's typed text, including form answers; "" if there is none."""
    return "\n".join(filter(None, (message.text.strip() and message.text, _answers(message))))


def read_words(message: Message) -> str:
    """Returns what a language model read from the customer's files: a transcript is their own words."""
    return "\n".join(
        text if kind is Reading.TRANSCRIPT else f"{LABELS[kind]}: {text}"
        for _, kind, text in readings(message)
        if kind is not Reading.UNREAD
    )


def readings(message: Message) -> list[tuple[int, Reading, str]]:
    """Returns number, kind and text of each file that a language model read, or could not read."""
    return [
        (number, kind, file[kind])
        for number, file in enumerate(message.media)
        for kind in Reading
        if file.get(kind)
    ]


def _answers(message: Message) -> str:
    return context_of(message).answers


def shown(message: Message) -> str:
    """Returns what the author said, or the kind's name if there is neither text nor file."""
    return own_words(message) or ("" if message.media else named(kind_of(message)))


def in_words(message: Message) -> str:
    """Returns the whole content as plain text."""
    text = typed(message) or ("" if message.media else shown(message))
    read = (
        f"{LABELS[kind]}: {said}"
        for _, kind, said in readings(message)
        if kind is not Reading.UNREAD
    )
    parts = (*context_of(message).background, text, file_names(message), *read)
    return "\n".join(filter(None, parts))


def file_names(message: Message) -> str:
    """Returns a message's file names as text."""
    return ", ".join(f"[{file.get('name') or file['content_type']}]" for file in message.media)


def sent_files(message: Message) -> list[Sent]:
    """Returns a message's files as sent."""
    return [Sent(one["token"], one["content_type"]) for one in message.media]


def stored(tx: Transaction, conversation: Conversation, context: MessageContext) -> dict[str, Any]:
    """Returns the context for storage, including the quoted message; {} for none."""
    if context.quote:
        context = replace(context, quote=_found(tx, conversation, context.quote))
    return asdict(context) if context != NO_CONTEXT else {}


def _found(tx: Transaction, conversation: Conversation, quote: Quote) -> Quote:
    """Fills in the quote's author and text if the message belongs to this conversation."""
    found = conversations.by_provider_id(tx, conversation, quote.provider_id)
    if found is None:
        return quote
    message, part = found
    text = part or own_words(message) or file_names(message) or named(kind_of(message))
    author = rows.agent(tx, message.agent_id)
    name = author.name if author else _AUTHORS.get(Author(message.author), "our team")
    return replace(quote, author=one_line(name, 60), text=one_line(text, LONGEST_QUOTE))


# -- cards, the board, transcripts

RECENT_LINES = 3
"""Without automatic messages, which say nothing about the customer."""
LOOK_BACK = 40
"""Number of messages searched for an ad: only a customer's first message has one."""
MOST_NOTES = 8
BOARD_ROWS = 12
TRANSCRIPT_LINES, LEAST_LINES = 6, 2
LONGEST_LINE = 400
"""Characters that are stored of each; fewer are shown."""
SPEAKERS = {Author.ASSISTANT: "Assistant", Author.CONTACT: "Customer"}
PAGE_LINES = 15


def agent_ref(row: Agent | None) -> AgentRef | None:
    """Returns an agent's row as AgentRef."""
    return AgentRef(row.desk_id, row.name) if row else None


def card(tx: Transaction, escalation: Escalation) -> Card:
    """Returns an escalation's current card."""
    conversation = conversations.get(tx, escalation.conversation_id)
    name = conversations.contact_name(tx, conversation)
    ticket = escalations.ticket_of(tx, escalation.id)
    earlier = conversations.recent(tx, conversation.id, LOOK_BACK)
    said = [each for each in earlier if each.author != Author.SYSTEM]
    recent = deliveries.arrived(tx, said[-RECENT_LINES:])
    is_open = escalation.status in OPEN
    return Card(
        escalation_id=escalation.id,
        ticket=ticket.id,
        status=Status(escalation.status),
        owner=agent_ref(escalations.agent(tx, escalation.owner_id)),
        contact=name,
        address=conversation.address,
        channel=conversation.channel,
        reason=Signal(escalation.reason),
        priority=Priority(escalation.priority),
        scores={Signal(signal): score for signal, score in escalation.scores.items()},
        evidence=escalation.evidence,
        summary=escalation.summary,
        tried=escalation.tried,
        grounds=evidence_of(said),
        recent=tuple(_lines(tx, recent, name, {})) if is_open and not escalation.replied_at else (),
        earlier_tickets=escalations.earlier_tickets(tx, conversation.contact_id, ticket.id),
        opened_at=escalation.opened_at,
        claimed_at=escalation.claimed_at,
        closed_at=escalation.closed_at,
        closed_by=agent_ref(escalations.agent(tx, escalation.closed_by_id)),
        opted_out=conversation.opted_out_at is not None,
        invited=conversation.invited_at is not None,
        language=conversation.language,
        mood=Mood(escalation.mood) if escalation.mood else None,
        vip=escalation.vip,
        snoozed_until=escalation.snoozed_until,
        group_id=escalation.group_id,
        slack_channel=escalation.slack_channel,
        reopened=ticket.reopened,
        previous_owner=escalations.previous_owner(tx, escalation) if ticket.reopened else "",
        reply_due_at=tickets.open_due(ticket, SlaTarget.REPLY),
        solve_due_at=tickets.open_due(ticket, SlaTarget.SOLVE),
        window_closes_at=conversation.window_closes_at if is_open else None,
        notes=_notes(earlier, escalation),
        outcome="" if is_open else ticket.outcome,
        tags=() if is_open else tickets.tags(tx, ticket.id),
        rating=None if is_open else _rating(tx, escalation),
        mentions=_mentions(tx, escalation),
        attributes=conversations.attributes_of(tx, conversation.contact_id) if is_open else {},
    )


def _rating(tx: Transaction, escalation: Escalation) -> int | None:
    given = log.of_escalation(tx, escalation.id, EventKind.CSAT_ANSWERED)
    return Rated.model_validate(given[-1].data).score if given else None


def _mentions(tx: Transaction, escalation: Escalation) -> tuple[str, ...]:
    """Returns whom the card mentioned when it was posted, as long as the customer waits."""
    if escalation.status != Status.QUEUED:
        return ()
    posted = log.of_escalation(tx, escalation.id, EventKind.CARD_POSTED)
    return tuple(posted[-1].data.get("mentions", ())) if posted else ()


def _notes(messages: Sequence[Message], escalation: Escalation) -> tuple[str, ...]:
    """Returns the ad that the customer came from, and the context of the escalating message."""
    ads = (context_of(message).ad_line for message in messages)
    about = (context_of(one).lines for one in messages if one.id == escalation.message_id)
    return tuple(dict.fromkeys((*filter(None, ads), *next(about, ()))))[:MOST_NOTES]


def board(tx: Transaction, now: datetime) -> Board:
    """Returns the current board."""
    found, count = queue.page(tx, Filter(), now, 0, BOARD_ROWS)
    return Board(
        rows=tuple(found),
        waiting=count,
        claimed=escalations.count(tx, Status.CLAIMED),
        slack_channel=slack_channels.queue_channel(tx),
        held=queue.count_held(tx),
    )


def transcript(tx: Transaction, escalation: Escalation, page: int) -> TranscriptPage:
    """Returns one page of the conversation, including notes."""
    conversation = conversations.get(tx, escalation.conversation_id)
    name = conversations.contact_name(tx, conversation)
    messages, count, ends = conversations.page(tx, conversation.id, page, PAGE_LINES)
    pages = max(1, -(-count // PAGE_LINES))
    is_last = page >= pages - 1
    lines = _lines(tx, messages, name, deliveries.statuses(tx, [each.id for each in messages]))
    notes = conversations.notes_of(tx, conversation.id)
    starts = messages[0].created_at if messages and page > 0 else None
    lines += [
        _note_line(tx, note)
        for note in notes
        if (starts is None or note.created_at >= starts)
        and (ends is None or note.created_at < ends)
    ]
    lines.sort(key=lambda line: line.at)
    shown = card(tx, escalation) if is_last else None
    return TranscriptPage(name, conversation.channel, tuple(lines), page, pages, shown)


def before(tx: Transaction, escalation: Escalation) -> Post | None:
    """Returns the messages that led to an escalation, for the start of its thread; None if there is
    only the customer's own, which the card shows, or if admins have switched it off.
    """
    if not live(tx).transcript:
        return None
    conversation = conversations.get(tx, escalation.conversation_id)
    name = conversations.contact_name(tx, conversation)
    earlier = conversations.recent(tx, conversation.id, LOOK_BACK)
    said = [
        each
        for each in earlier
        if each.author != Author.SYSTEM and each.id <= escalation.message_id
    ]
    arrived = deliveries.arrived(tx, said[-TRANSCRIPT_LINES:])
    lines = _lines(tx, arrived, name, {})
    if len(lines) < LEAST_LINES:
        return None
    answers = [each.id for each in arrived if each.author == Author.ASSISTANT]
    feedback = f"{escalation.id}:{answers[-1]}" if answers else ""
    shown = tuple(_spoken(each) for each in lines)
    return Post(PostKind.TRANSCRIPT, "", said=shown, feedback=feedback)


def _spoken(said: Line) -> tuple[str, str]:
    named = said.name or SPEAKERS.get(said.author, NAMELESS)
    return named, said.text[:LONGEST_LINE]


def _note_line(tx: Transaction, note: Note) -> Line:
    author = escalations.agent(tx, note.agent_id)
    names = ", ".join(f"[{file['name']}]" for file in note.files)
    text = "\n".join(filter(None, (note.text, names)))
    return Line(Author.AGENT, author.name if author else "", text, note.created_at, note=True)


def _lines(
    tx: Transaction,
    messages: Sequence[Message],
    contact: str,
    stages: Mapping[int, list[DeliveryStatus]],
) -> list[Line]:
    return [
        Line(
            author=Author(message.author),
            name=_speaker(tx, message, contact),
            text=in_words(message),
            at=message.created_at,
            delivery=overall(stages[message.id]) if message.id in stages else None,
        )
        for message in messages
    ]


def _speaker(tx: Transaction, message: Message, contact: str) -> str:
    if message.author == Author.CONTACT:
        return contact
    author = escalations.agent(tx, message.agent_id)
    return author.name if author else ""
