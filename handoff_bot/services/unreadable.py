"""Messages without words: a voice note or a picture gets an honest sentence, once, and no judgement."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.message_context import SILENT, MessageKind
from handoff_bot.domain.messages import Author
from handoff_bot.domain.texts import Moment
from handoff_bot.services import said, sending, texts
from handoff_bot.services.sending import Channels, Words
from handoff_bot.storage import conversations
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.models import Conversation, Message
from handoff_bot.storage.transaction import Transaction

ONCE_IN = timedelta(minutes=10)
"""Within this time the same sentence is not said again while nothing else was said."""

LOOK_BACK = 20
"""Messages that are looked through for it."""
_MOMENTS = {MessageKind.VOICE: Moment.VOICE_NOTE, MessageKind.PICTURE: Moment.PICTURE}


def has_no_words(message: Message) -> bool:
    """Is there nothing in it that the AI could read, but something else?"""
    is_something = message.media or said.kind_of(message) is not MessageKind.TEXT
    return bool(is_something) and not said.own_words(message)


def needs_no_answer(message: Message) -> bool:
    """Is it a reaction or a sticker only?"""
    return has_no_words(message) and said.kind_of(message) in SILENT


def tell(
    tx: Transaction,
    conversation: Conversation,
    message: Message,
    channels: Channels,
    now: datetime,
) -> None:
    """Say that the assistant cannot hear or see it, and offer a person."""
    moment = _MOMENTS.get(said.kind_of(message), Moment.UNREADABLE)
    sentence = texts.say(tx, moment, conversation, now)
    if _is_just_said(tx, conversation, sentence, now):
        return
    text = sentence
    if conversation.disclosed_at is None:
        text = f"{texts.say(tx, Moment.DISCLOSURE, conversation, now)}\n\n{sentence}"
        conversation.disclosed_at = now
    words = Words(text, Author.SYSTEM, epoch_bound=True, answers=id_of(message))
    sending.say(tx, conversation, words, channels, now)


def _is_just_said(tx: Transaction, conversation: Conversation, text: str, now: datetime) -> bool:
    """Was it said, and has the customer written no words since?"""
    for message in reversed(conversations.recent(tx, id_of(conversation), LOOK_BACK)):
        if message.author == Author.CONTACT:
            if said.own_words(message):
                return False
        else:
            return message.text.endswith(text) and now - message.created_at < ONCE_IN
    return False
