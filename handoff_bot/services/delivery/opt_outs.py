"""Opted-out customers: who may still write to them, and when."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.messages import Author, Consent, InboundMessage, Limits
from handoff_bot.storage import contacts
from handoff_bot.storage.models import Conversation
from handoff_bot.storage.transaction import Transaction

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
    """Opts the customer out of the channel, at all their addresses."""
    conversation.opted_out_at = now
    conversation.invited_at = None
    join(tx, conversation)


def join(tx: Transaction, conversation: Conversation) -> None:
    """Applies an opt-out to the conversations of merged contacts on the same channel: it wins."""
    if conversation.opted_out_at is None:
        return
    for other in contacts.siblings(tx, conversation):
        if other.opted_out_at is None:
            tx.set(other, opted_out_at=conversation.opted_out_at, invited_at=None)


def opt_in(conversation: Conversation) -> None:
    conversation.opted_out_at = conversation.invited_at = None


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
