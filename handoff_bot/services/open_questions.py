"""When an escalation begins, the customer's unanswered questions are posted in its thread."""

from __future__ import annotations

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.services import answering, deskwork
from handoff_bot.services.followers import Moved
from handoff_bot.storage import conversations
from handoff_bot.storage.conversations import id_of

ALSO = "Written just before, and not answered yet:"
MOST = 10


def follow(moved: Moved) -> None:
    """Show them below the card, in order; the message that called for a person stands on the card itself."""
    tx, escalation, conversation = moved.tx, moved.escalation, moved.conversation
    if moved.step or escalation.message_id is None:
        return
    waiting = answering.unanswered(tx, id_of(conversation))
    earlier = [one for one in waiting if one.text and id_of(one) < escalation.message_id][-MOST:]
    if not earlier:
        return
    deskwork.notice(tx, escalation, ALSO, moved.now)
    name = conversations.contact_name(tx, conversation)
    for message in earlier:
        words = Post(PostKind.CONTACT, message.text, name=name, channel=conversation.channel)
        deskwork.post(tx, escalation, words, moved.now)
