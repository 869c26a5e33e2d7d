"""Automatic messages to customers about their conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.messages import Author
from handoff_bot.domain.texts import Moment
from handoff_bot.services.delivery import customer_texts, messaging_window, opt_outs, sending
from handoff_bot.services.delivery.sending import Channels, OutboundDraft
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.models import Conversation, Escalation
from handoff_bot.storage.transaction import Transaction


@dataclass(frozen=True)
class About:
    """The conversation that a message is about, and the dependencies to send it."""

    tx: Transaction
    conversation: Conversation
    escalation: Escalation
    channels: Channels
    now: datetime


def tell(
    about: About,
    moment: Moment,
    agent: str = "",
    *,
    epoch_bound: bool = False,
    and_then: str = "",
    instead: str = "",
) -> bool:
    """Sends the text of this moment. Returns False if nothing was sent.

    Nothing is sent after an opt-out or while the channel's messaging window is closed.

    Args:
        agent: the agent's name for the text.
        epoch_bound: sent only while the epoch has not changed.
        and_then: appended to the text.
        instead: replaces the text.
    """
    tx, conversation, escalation = about.tx, about.conversation, about.escalation
    if opt_outs.refuses(conversation, about.now) or messaging_window.is_closed(
        conversation, about.now
    ):
        return False
    text = instead or customer_texts.say(
        tx, moment, conversation, about.now, escalation, agent=agent
    )
    text = "\n\n".join(filter(None, (text, and_then)))
    if text:
        words = OutboundDraft(
            text, Author.SYSTEM, epoch_bound=epoch_bound, escalation_id=id_of(escalation)
        )
        sending.say(tx, conversation, words, about.channels, about.now)
    return bool(text)
