"""Converts an escalation into the case that admins' rules are matched against."""

from __future__ import annotations

from dataclasses import dataclass

from handoff_bot.domain.rule_conditions import Case
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.storage import conversations, tickets
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

LOOKED_AT = 100
"""Number of earlier conversations used to preview a rule."""


@dataclass(frozen=True)
class Tried:
    """Preview: how many earlier conversations a rule matches, and how many only for lack of another
    rule.
    """

    of: int
    fit: int
    decided: int


def case_of(tx: Transaction, escalation: Escalation, conversation: Conversation) -> Case:
    return Case(
        channel=conversation.channel,
        reason=Signal(escalation.reason),
        priority=Priority(escalation.priority),
        language=conversation.language,
        tags=tickets.tags_of_contact(tx, conversation.contact_id),
        vip=escalation.vip,
    )


def recent_cases(tx: Transaction) -> list[Case]:
    """Returns the latest escalations as rule cases."""
    return [
        case_of(tx, escalation, conversations.get(tx, escalation.conversation_id))
        for escalation in rows.newest(tx, LOOKED_AT)
    ]
