"""Messages that the AI does not answer.

Those from short codes and sender names are stored and shown to the team. Voice notes and pictures
without text get one honest reply.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.messages import SILENT, Author, InboundMessage, MessageKind, SenderKind
from handoff_bot.domain.text import shorten, spelled
from handoff_bot.domain.texts import Moment
from handoff_bot.services.delivery import customer_texts, sending
from handoff_bot.services.delivery.sending import Channels, OutboundDraft
from handoff_bot.services.outbox import outbox, view_models
from handoff_bot.services.settings import rule_lists
from handoff_bot.storage import conversations, log
from handoff_bot.storage.models import Conversation, Message
from handoff_bot.storage.transaction import Transaction

MOST_AN_HOUR = 20
"""Maximum of these messages shown in the queue channel per hour; others are only stored."""
_LONGEST = 1500
_SENDERS = {SenderKind.SHORT_CODE: "short code", SenderKind.NAME: "sender name"}
_MORE = (
    "More messages from short codes and sender names have arrived. They are stored, but not "
    "shown for one hour."
)


def is_not_answered(tx: Transaction, inbound: InboundMessage) -> bool:
    """Returns whether the sender is automated. Sender names cannot receive answers; short codes
    can, if admins allow it.
    """
    if inbound.sender is SenderKind.SHORT_CODE:
        return not rule_lists.detection_rules(tx).answer_short_codes
    return inbound.sender is SenderKind.NAME


def show(
    tx: Transaction,
    conversation: Conversation,
    message: Message,
    sender: SenderKind,
    now: datetime,
) -> None:
    """Posts it in the queue channel, within the hourly limit."""
    earlier = log.count(tx, EventKind.MESSAGE_UNANSWERED, since=now - timedelta(hours=1))
    log.record(
        tx,
        EventKind.MESSAGE_UNANSWERED,
        now,
        conversation=conversation,
        message_id=message.id,
        sender=sender.value,
    )
    if earlier > MOST_AN_HOUR:
        return
    text = _MORE if earlier == MOST_AN_HOUR else _text(conversation, message, sender)
    outbox.tell(tx, "", Post(PostKind.TOLD, text), now, key=f"machine:{message.id}")


def _text(conversation: Conversation, message: Message, sender: SenderKind) -> str:
    kind = _SENDERS[sender]
    heading = f"📨 {spelled(conversation.channel)} from the {kind} {conversation.address}."
    text = shorten(view_models.in_words(message), _LONGEST)
    return f"{heading} The assistant did not answer it.\n“{text}”"


ONCE_IN = timedelta(minutes=10)
"""The same reply is not repeated within this time if nothing else was sent."""

LOOK_BACK = 20
"""Number of messages searched for it."""
_MOMENTS = {MessageKind.VOICE: Moment.VOICE_NOTE, MessageKind.PICTURE: Moment.PICTURE}


def has_no_words(message: Message) -> bool:
    """Returns whether the message has content but no text that the AI could read."""
    is_something = message.media or view_models.kind_of(message) is not MessageKind.TEXT
    return bool(is_something) and not view_models.own_words(message)


def needs_no_answer(message: Message) -> bool:
    """Returns whether it is only a reaction or a sticker."""
    return has_no_words(message) and view_models.kind_of(message) in SILENT


def sentence(tx: Transaction, conversation: Conversation, message: Message, now: datetime) -> str:
    """Returns what the customer is told about a message that the assistant cannot process."""
    moment = _MOMENTS.get(view_models.kind_of(message), Moment.UNREADABLE)
    return customer_texts.say(tx, moment, conversation, now)


def tell(
    tx: Transaction,
    conversation: Conversation,
    message: Message,
    channels: Channels,
    now: datetime,
) -> None:
    """Replies that the assistant cannot process it, and offers an agent."""
    said = sentence(tx, conversation, message, now)
    if _is_just_said(tx, conversation, said, now):
        return
    text = said
    if conversation.disclosed_at is None:
        text = f"{customer_texts.say(tx, Moment.DISCLOSURE, conversation, now)}\n\n{said}"
        conversation.disclosed_at = now
    words = OutboundDraft(text, Author.SYSTEM, epoch_bound=True, answers=message.id)
    sending.say(tx, conversation, words, channels, now)


def _is_just_said(tx: Transaction, conversation: Conversation, text: str, now: datetime) -> bool:
    """Returns whether this was sent and the customer has written no text since."""
    for message in reversed(conversations.recent(tx, conversation.id, LOOK_BACK)):
        if message.author == Author.CONTACT:
            if view_models.own_words(message):
                return False
        else:
            return message.text.endswith(text) and now - message.created_at < ONCE_IN
    return False
