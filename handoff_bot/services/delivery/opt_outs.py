"""Opted-out customers: who may still write to them, and when."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.events import EventKind
from handoff_bot.domain.messages import Author, Consent, InboundMessage, Limits
from handoff_bot.services.outbox import outbox
from handoff_bot.storage import contacts, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Conversation
from handoff_bot.storage.transaction import Transaction

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
    if not is_own(tx, conversation):  # a repeated one keeps the time that siblings have
        conversation.opted_out_at = now
    conversation.invited_at = None
    for other in join(tx, conversation):
        _tell(tx, other, OUT, now)


def join(tx: Transaction, conversation: Conversation) -> list[Conversation]:
    """Applies an opt-out to the conversations of merged contacts on the same channel: it wins.

    They get the time of the opt-out. Returns those that were not opted out.
    """
    if conversation.opted_out_at is None:
        return []
    joined = [one for one in contacts.siblings(tx, conversation) if one.opted_out_at is None]
    for other in joined:
        tx.set(other, opted_out_at=conversation.opted_out_at, invited_at=None)
    return joined


def is_own(tx: Transaction, conversation: Conversation) -> bool:
    """Returns whether the opt-out came from this address, and not from that of a merged contact."""
    at = conversation.opted_out_at
    return at is not None and log.was_recorded(tx, EventKind.CONSENT_STOP, conversation, at)


def opt_in(tx: Transaction, conversation: Conversation, now: datetime) -> None:
    """Ends an opt-out, also where it was applied to merged contacts. Their own opt-outs stay."""
    since = conversation.opted_out_at
    conversation.opted_out_at = conversation.invited_at = None
    for other in contacts.siblings(tx, conversation) if since else ():
        if other.opted_out_at == since and not is_own(tx, other):
            tx.set(other, opted_out_at=None, invited_at=None)
            _tell(tx, other, IN, now)


def _tell(tx: Transaction, conversation: Conversation, text: str, now: datetime) -> None:
    """Tells the agents. The customer wrote from another address, and is answered there."""
    escalation = rows.open_of(tx, conversation.id)
    if escalation:
        outbox.notice(tx, escalation, text, now)
        outbox.update_card(tx, escalation, now)


def heard(conversation: Conversation, limits: Limits, now: datetime) -> None:
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
