"""Converts an escalation into the case that admins' rules are matched against."""

from __future__ import annotations

from handoff_bot.domain.rule_conditions import Case
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.storage import tickets
from handoff_bot.storage.models import Conversation, Escalation
from handoff_bot.storage.transaction import Transaction


def case_of(tx: Transaction, escalation: Escalation, conversation: Conversation) -> Case:
    return Case(
        channel=conversation.channel,
        reason=Signal(escalation.reason),
        priority=Priority(escalation.priority),
        language=conversation.language,
        tags=tickets.tags_of_contact(tx, conversation.contact_id),
        vip=escalation.vip,
    )
