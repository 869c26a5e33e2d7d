"""Makes sure no customer message is lost when a conversation changes between AI and agent."""

from __future__ import annotations

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.escalations import Step
from handoff_bot.services.ai_turns import answering
from handoff_bot.services.outbox import outbox
from handoff_bot.services.outbox.escalation_events import EscalationChanged
from handoff_bot.services.settings import detection_rules
from handoff_bot.storage import conversations
from handoff_bot.storage.models import Message

ALSO = "Earlier messages without an answer:"
MOST = 10
ENDS = frozenset({Step.RESOLVE, Step.RETURN, Step.DISMISS})


def answer_unposted(change: EscalationChanged) -> None:
    """Lets the AI answer messages that arrived during closing and were not in the thread yet."""
    tx, escalation, conversation = change.tx, change.escalation, change.conversation
    unposted = outbox.unposted(tx, escalation.id) if change.step in ENDS else []
    if not unposted or conversation.opted_out_at:
        return
    settled = escalation.settled_message_id or 0
    escalation.settled_message_id = min(settled, unposted[0] - 1)
    message = tx.session.get_one(Message, unposted[-1])
    answering.ask(tx, conversation, message, detection_rules.read(tx).pause_seconds, change.now)


def on_escalation_changed(change: EscalationChanged) -> None:
    """Posts unanswered messages below the card, in order. The escalating message is on the card
    itself.
    """
    tx, escalation, conversation = change.tx, change.escalation, change.conversation
    if change.step or escalation.message_id is None:
        return
    waiting = answering.unanswered(tx, conversation.id)
    earlier = [one for one in waiting if one.text and one.id < escalation.message_id][-MOST:]
    if not earlier:
        return
    outbox.notice(tx, escalation, ALSO, change.now)
    name = conversations.contact_name(tx, conversation)
    for message in earlier:
        words = Post(PostKind.CONTACT, message.text, name=name, channel=conversation.channel)
        outbox.post(tx, escalation, words, change.now)
