"""Messages without text: voice notes and pictures get one honest reply and no evaluation."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.message_context import SILENT, MessageKind
from handoff_bot.domain.messages import Author
from handoff_bot.domain.texts import Moment
from handoff_bot.services.delivery import customer_texts, sending
from handoff_bot.services.delivery.sending import Channels, OutboundDraft
from handoff_bot.services.outbox import message_content
from handoff_bot.storage import conversations
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.models import Conversation, Message
from handoff_bot.storage.transaction import Transaction

ONCE_IN = timedelta(minutes=10)
"""The same reply is not repeated within this time if nothing else was sent."""

LOOK_BACK = 20
"""Number of messages searched for it."""
_MOMENTS = {MessageKind.VOICE: Moment.VOICE_NOTE, MessageKind.PICTURE: Moment.PICTURE}


def has_no_words(message: Message) -> bool:
    """Returns whether the message has content but no text that the AI could read."""
    is_something = message.media or message_content.kind_of(message) is not MessageKind.TEXT
    return bool(is_something) and not message_content.own_words(message)


def needs_no_answer(message: Message) -> bool:
    """Returns whether it is only a reaction or a sticker."""
    return has_no_words(message) and message_content.kind_of(message) in SILENT


def tell(
    tx: Transaction,
    conversation: Conversation,
    message: Message,
    channels: Channels,
    now: datetime,
) -> None:
    """Replies that the assistant cannot process it, and offers an agent."""
    moment = _MOMENTS.get(message_content.kind_of(message), Moment.UNREADABLE)
    sentence = customer_texts.say(tx, moment, conversation, now)
    if _is_just_said(tx, conversation, sentence, now):
        return
    text = sentence
    if conversation.disclosed_at is None:
        text = f"{customer_texts.say(tx, Moment.DISCLOSURE, conversation, now)}\n\n{sentence}"
        conversation.disclosed_at = now
    words = OutboundDraft(text, Author.SYSTEM, epoch_bound=True, answers=id_of(message))
    sending.say(tx, conversation, words, channels, now)


def _is_just_said(tx: Transaction, conversation: Conversation, text: str, now: datetime) -> bool:
    """Returns whether this was sent and the customer has written no text since."""
    for message in reversed(conversations.recent(tx, id_of(conversation), LOOK_BACK)):
        if message.author == Author.CONTACT:
            if message_content.own_words(message):
                return False
        else:
            return message.text.endswith(text) and now - message.created_at < ONCE_IN
    return False
