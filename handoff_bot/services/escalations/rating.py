"""CSAT survey: sent when an agent resolves, answered by a number or in words."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.events import EventKind, Rated
from handoff_bot.domain.messages import Author
from handoff_bot.domain.plain_answers import Rating, rating_in
from handoff_bot.domain.texts import Moment
from handoff_bot.services.delivery import customer_texts, sending
from handoff_bot.services.delivery.sending import Channels, OutboundDraft
from handoff_bot.services.outbox import outbox
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import conversations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Conversation, Escalation, Message
from handoff_bot.storage.transaction import Transaction

WITHIN = timedelta(hours=24)
_RECENT = 20


CHOICES = ("1", "2", "3", "4", "5")
"""Replies to the survey, which the website chat offers as buttons."""


def question(tx: Transaction, conversation: Conversation, now: datetime) -> str:
    """Returns the survey question, or "" if it is not sent."""
    if not live(tx).survey:
        return ""
    return customer_texts.say(tx, Moment.CSAT, conversation, now)


def asked(tx: Transaction, escalation: Escalation, now: datetime) -> None:
    """Records that the survey was sent; a rating from now on is its answer."""
    log.record(tx, EventKind.CSAT_ASKED, now, escalation=escalation)


def take(
    tx: Transaction,
    conversation: Conversation,
    message: Message,
    channels: Channels,
    now: datetime,
) -> Rating | None:
    """Returns the rating in this message, if any. Stores it, posts it with its comment, and thanks
    the customer.

    The comment may still need an agent or an answer; the caller decides. Opted-out customers are
    not thanked.
    """
    found = rating_in(message.text)
    escalation = _asked_about(tx, conversation, now) if found else None
    if found is None or escalation is None:
        return None
    is_first = not log.has(tx, EventKind.CSAT_ANSWERED, escalation.id)
    if not is_first and not found.corrects:
        return None
    rated = Rated(score=found.score, comment=message.text if found.comment else "")
    log.record(
        tx,
        EventKind.CSAT_ANSWERED,
        now,
        escalation=escalation,
        agent_id=escalation.closed_by_id,
        **rated.model_dump(),
    )
    name = conversations.contact_name(tx, conversation)
    did = "rated this conversation" if is_first else "changed the rating of this conversation"
    said = f"{name} {did}: {found.score} of 5."
    outbox.notice(tx, escalation, said, now)
    outbox.update_card(tx, escalation, now)
    if found.comment:
        words = Post(PostKind.CONTACT, message.text, name=name, channel=conversation.channel)
        outbox.post(tx, escalation, words, now)
    thanks = customer_texts.say(tx, Moment.CSAT_THANKS, conversation, now)
    if thanks and not conversation.opted_out_at:
        covered = None if found.asks else message.id
        spoken = OutboundDraft(thanks, Author.SYSTEM, answers=covered)
        sending.say(tx, conversation, spoken, channels, now)
    return found


def _asked_about(tx: Transaction, conversation: Conversation, now: datetime) -> Escalation | None:
    """Returns the recently resolved escalation whose survey is still open."""
    escalation = rows.last_resolved(tx, conversation.id, since=now - WITHIN)
    if escalation is None or escalation.closed_at is None:
        return None
    if not log.has(tx, EventKind.CSAT_ASKED, escalation.id):
        return None
    recent = conversations.recent(tx, conversation.id, _RECENT)
    # Once the assistant has answered, a number is an answer to that.
    is_over = any(_is_answer(one) and one.created_at > escalation.closed_at for one in recent)
    return None if is_over else escalation


def _is_answer(message: Message) -> bool:
    """Returns whether the assistant sent more than small talk, which has full confidence and no
    source.
    """
    is_friendly = message.payload.get("confidence") == 1.0 and not message.payload.get("sources")
    return message.author == Author.ASSISTANT and not is_friendly
