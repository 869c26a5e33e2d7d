"""Whether a customer can be written to: opt-outs and messaging windows."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.desk import Button, Post, PostKind
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.messages import Author, Consent, InboundMessage, Limits
from handoff_bot.jobs.handler import ADMINS, TransactionJob
from handoff_bot.jobs.job import Job
from handoff_bot.ports import Clock
from handoff_bot.services.outbox import outbox
from handoff_bot.storage import contacts, conversations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Agent, Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

# -- opt-outs: who may still write to the customer, and when

OUT = "The customer opted out from another address: no messages can be sent."
IN = "The customer opted in again from another address: messages can be sent."
INVITED = timedelta(hours=24)
"""How long agents may answer an opted-out customer's message: WhatsApp's messaging window."""


def consent_of(conversation: Conversation, inbound: InboundMessage) -> Consent | None:
    """Returns what a message says about consent. START from a customer who never opted out is a
    normal word.

    An opt-out handled by the provider is taken as reported.
    """
    is_greeting = inbound.consent is Consent.START and not conversation.opted_out_at
    return None if is_greeting and not inbound.consent_answered else inbound.consent


def opt_out(tx: Transaction, conversation: Conversation, now: datetime) -> None:
    """Opts the customer out of the channel, at all their addresses. The caller records the event."""
    if not is_own_opt_out(tx, conversation):  # a repeated one keeps the time that siblings have
        conversation.opted_out_at = now
    conversation.invited_at = None
    for other in join_opt_outs(tx, conversation):
        _tell(tx, other, OUT, now)


def join_opt_outs(tx: Transaction, conversation: Conversation) -> list[Conversation]:
    """Applies an opt-out to the conversations of merged contacts on the same channel: it wins.

    They get the time of the opt-out. Returns those that were not opted out.
    """
    if conversation.opted_out_at is None:
        return []
    joined = [one for one in contacts.siblings(tx, conversation) if one.opted_out_at is None]
    for other in joined:
        tx.set(other, opted_out_at=conversation.opted_out_at, invited_at=None)
    return joined


def is_own_opt_out(tx: Transaction, conversation: Conversation) -> bool:
    """Returns whether the opt-out came from this address, and not from that of a merged contact."""
    at = conversation.opted_out_at
    return at is not None and log.was_recorded(tx, EventKind.CONSENT_STOP, conversation, at)


def opt_in(tx: Transaction, conversation: Conversation, now: datetime) -> None:
    """Ends an opt-out, also where it was applied to merged contacts. Their own opt-outs stay."""
    since = conversation.opted_out_at
    conversation.opted_out_at = conversation.invited_at = None
    for other in contacts.siblings(tx, conversation) if since else ():
        if other.opted_out_at == since and not is_own_opt_out(tx, other):
            tx.set(other, opted_out_at=None, invited_at=None)
            _tell(tx, other, IN, now)


def _tell(tx: Transaction, conversation: Conversation, text: str, now: datetime) -> None:
    """Tells the agents. The customer wrote from another address, and is answered there."""
    escalation = rows.open_of(tx, conversation.id)
    if escalation:
        outbox.notice(tx, escalation, text, now)
        outbox.update_card(tx, escalation, now)


def invite_answer(conversation: Conversation, limits: Limits, now: datetime) -> None:
    """Allows agents to answer an opted-out customer who wrote again, unless a carrier keeps the list."""
    if conversation.opted_out_at and limits.consent_by_us:
        conversation.invited_at = now


def is_invited(conversation: Conversation, now: datetime) -> bool:
    """Returns whether agents may answer an opted-out customer."""
    return conversation.invited_at is not None and now - conversation.invited_at < INVITED


def refuses(conversation: Conversation, now: datetime) -> bool:
    """Returns whether the customer opted out and has not written again."""
    return conversation.opted_out_at is not None and not is_invited(conversation, now)


def refuses_from(author: Author, conversation: Conversation, now: datetime) -> bool:
    """Returns whether this author's message must not be sent. The assistant never writes to
    opted-out customers.

    Fixed texts were checked when they were composed: one of them confirms the opt-out.
    """
    if author is Author.ASSISTANT:
        return conversation.opted_out_at is not None
    return author is not Author.SYSTEM and refuses(conversation, now)


# -- messaging windows: until when a channel allows free text, and a warning before it closes

CLOSING = "tick.messaging_window"
AHEAD = timedelta(hours=1)
"""How long before the end the agent is warned, and how stale a card may be."""

CLOSED = "window_closed"
"""Our own error code for messages that are not even tried."""
WORDS = "WhatsApp's 24-hour window has closed. Use an approved template."
TAKEN_LATE_WITHOUT = (
    "The messaging window has closed, so the customer was not told that you took over. You "
    "can reply once they write again."
)
TAKEN_LATE = (
    "The messaging window has closed, so the customer was not told that you took over. "
    "Send an approved template first."
)
NUDGE = (
    "⌛ The messaging window closes in one hour. After that, you can only send approved "
    "templates until the customer writes again."
)


def customer_wrote(
    tx: Transaction, conversation: Conversation, limits: Limits, at: datetime, now: datetime
) -> None:
    """The customer has written: the window is open again."""
    if limits.reply_window_hours is None:
        return
    before = conversation.window_closes_at
    closes_at = at + timedelta(hours=limits.reply_window_hours)
    conversation.window_closes_at = max(closes_at, before or closes_at)
    is_later = before is None or closes_at - before >= AHEAD
    escalation = rows.open_of(tx, conversation.id) if is_later else None
    if escalation:
        outbox.update_card(tx, escalation, now)


def offer_template(
    tx: Transaction, escalation: Escalation, limits: Limits, owner: Agent, now: datetime
) -> None:
    """Tell the agent who takes over that only a template can be sent first, with a button for it."""
    newest = conversations.newest_message_id(tx, escalation.conversation_id)
    buttons = (Button.USE_TEMPLATE,) if limits.templates and newest else ()
    text = TAKEN_LATE if buttons else TAKEN_LATE_WITHOUT
    post = Post(
        PostKind.NOTICE, text, value=str(newest), buttons=buttons, mentions=(owner.desk_id,)
    )
    outbox.post(tx, escalation, post, now)


def is_closed(conversation: Conversation, now: datetime) -> bool:
    """Would free text be refused?"""
    return conversation.window_closes_at is not None and conversation.window_closes_at <= now


class Closing(TransactionJob):
    """Tells of windows that are about to close, each once."""

    told = ADMINS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        """Say it in each thread."""
        now = self._clock.now()
        for escalation, closes_at in rows.closing(tx, now, now + AHEAD):
            _nudge(tx, escalation, closes_at, now)


def _nudge(tx: Transaction, escalation: Escalation, closes_at: datetime, now: datetime) -> None:
    owner = rows.agent(tx, escalation.owner_id)
    post = Post(PostKind.NOTICE, NUDGE, mentions=(owner.desk_id,) if owner else ())
    key = f"window:{escalation.id}:{closes_at.timestamp():.0f}"
    outbox.post(tx, escalation, post, now, key=key)
