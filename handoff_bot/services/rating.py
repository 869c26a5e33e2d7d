"""The question at the end: how did we do? Asked when an agent resolves, answered by a number alone."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain import policy
from handoff_bot.domain.messages import Author
from handoff_bot.domain.texts import Moment
from handoff_bot.services import deskwork, sending, texts
from handoff_bot.services.sending import Channels, Words
from handoff_bot.storage import conversations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.models import Conversation, Escalation, Message
from handoff_bot.storage.transaction import Transaction

ASKED = "csat"
"""The preference that says whether the question is asked; it is unless an admin turned it off."""
ANSWERED = "csat.answered"
PUT = "csat.asked"
WITHIN = timedelta(hours=24)


def question(tx: Transaction, conversation: Conversation, now: datetime) -> str:
    """The question, "" when it is not asked."""
    if not log.preference(tx, ASKED, True):
        return ""
    return texts.say(tx, Moment.CSAT, conversation, now)


def asked(tx: Transaction, escalation: Escalation, now: datetime) -> None:
    """The question was put: from here on a number alone is the answer."""
    log.record(tx, PUT, now, escalation=escalation)


def take(
    tx: Transaction,
    conversation: Conversation,
    message: Message,
    channels: Channels,
    now: datetime,
) -> bool:
    """Is this message the answer? Then it is kept, shown in the thread, and thanked for; nobody judges it."""
    score = policy.rating(message.text)
    escalation = _asked_about(tx, conversation, now) if score else None
    if score is None or escalation is None:
        return False
    log.record(
        tx, ANSWERED, now, escalation=escalation, agent_id=escalation.closed_by_id, score=score
    )
    name = conversations.contact_name(tx, conversation)
    deskwork.notice(tx, escalation, f"{name} rated this conversation: {score} of 5.", now)
    thanks = texts.say(tx, Moment.CSAT_THANKS, conversation, now)
    if thanks:
        sending.say(tx, conversation, Words(thanks, Author.SYSTEM), channels, now)
    return True


def _asked_about(tx: Transaction, conversation: Conversation, now: datetime) -> Escalation | None:
    """The escalation that was resolved lately, if the question still stands."""
    escalation = rows.last_resolved(tx, id_of(conversation), since=now - WITHIN)
    if escalation is None or escalation.closed_at is None:
        return None
    if not log.has(tx, PUT, id_of(escalation)):
        return None
    answered = log.has(tx, ANSWERED, id_of(escalation))
    spoken = conversations.last_assistant_message(tx, id_of(conversation))
    # Once the assistant has said something since, a number is an answer to that.
    is_over = spoken is not None and spoken.created_at > escalation.closed_at
    return None if answered or is_over else escalation
