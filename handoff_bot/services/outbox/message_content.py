"""A message's content including its context and kind, for the thread, the card and the AI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from pydantic import TypeAdapter

from handoff_bot.domain.file_reading import Reading
from handoff_bot.domain.files import Sent
from handoff_bot.domain.message_context import (
    LONGEST_QUOTE,
    NO_CONTEXT,
    MessageContext,
    MessageKind,
    Quote,
    kind_with_files,
    named,
)
from handoff_bot.domain.messages import Author
from handoff_bot.domain.signals import Evidence
from handoff_bot.domain.text import one_line
from handoff_bot.storage import conversations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Conversation, Message
from handoff_bot.storage.transaction import Transaction

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
