"""Messages from short codes and sender names: stored and shown to the team, but not answered."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.messages import InboundMessage, SenderKind
from handoff_bot.domain.text import shorten, spelled
from handoff_bot.services.outbox import message_content, outbox
from handoff_bot.services.settings import detection_rules
from handoff_bot.storage import log
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.models import Conversation, Message
from handoff_bot.storage.transaction import Transaction

SHOWN = "message.unanswered"
"""Event of a message that is not answered."""
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
        return not detection_rules.read(tx).answer_short_codes
    return inbound.sender is SenderKind.NAME


def show(
    tx: Transaction,
    conversation: Conversation,
    message: Message,
    sender: SenderKind,
    now: datetime,
) -> None:
    """Posts it in the queue channel, within the hourly limit."""
    earlier = log.count(tx, SHOWN, since=now - timedelta(hours=1))
    log.record(
        tx, SHOWN, now, conversation=conversation, message_id=id_of(message), sender=sender.value
    )
    if earlier > MOST_AN_HOUR:
        return
    text = _MORE if earlier == MOST_AN_HOUR else _text(conversation, message, sender)
    outbox.tell(tx, "", Post(PostKind.TOLD, text), now, key=f"machine:{id_of(message)}")


def _text(conversation: Conversation, message: Message, sender: SenderKind) -> str:
    kind = _SENDERS[sender]
    heading = f"📨 {spelled(conversation.channel)} from the {kind} {conversation.address}."
    text = shorten(message_content.in_words(message), _LONGEST)
    return f"{heading} The assistant did not answer it.\n“{text}”"
