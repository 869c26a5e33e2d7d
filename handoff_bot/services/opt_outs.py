"""Customers who opted out: who may still write to them, and when."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.messages import Author, Consent, InboundMessage, Limits
from handoff_bot.storage.models import Conversation

INVITED = timedelta(hours=24)
"""How long after their last message agents may answer customers who opted out: WhatsApp's window."""


def consent_of(conversation: Conversation, inbound: InboundMessage) -> Consent | None:
    """What a message says about consent; a START from a customer who never opted out is any word.

    What the provider has acted on counts as it is.
    """
    is_greeting = inbound.consent is Consent.START and not conversation.opted_out_at
    return None if is_greeting and not inbound.consent_answered else inbound.consent


def opt_out(conversation: Conversation, now: datetime) -> None:
    """Nothing may be sent from now on."""
    conversation.opted_out_at = now
    conversation.invited_at = None


def opt_in(conversation: Conversation) -> None:
    """Everything may be sent again."""
    conversation.opted_out_at = conversation.invited_at = None


def heard(conversation: Conversation, limits: Limits, now: datetime) -> None:
    """They have written again: an invitation to answer, unless a carrier keeps the list."""
    if conversation.opted_out_at and limits.consent_by_us:
        conversation.invited_at = now


def is_invited(conversation: Conversation, now: datetime) -> bool:
    """May agents answer them although they opted out?"""
    return conversation.invited_at is not None and now - conversation.invited_at < INVITED


def refuses(conversation: Conversation, now: datetime) -> bool:
    """Have they opted out, and not written again since?"""
    return conversation.opted_out_at is not None and not is_invited(conversation, now)


def refuses_from(author: Author, conversation: Conversation, now: datetime) -> bool:
    """Must this author's message stay here? The assistant never writes to customers who opted out.

    A fixed text was found fit to be sent when it was composed: one of them confirms the opt-out.
    """
    if author is Author.ASSISTANT:
        return conversation.opted_out_at is not None
    return author is not Author.SYSTEM and refuses(conversation, now)
