"""What follows when a conversation becomes more or less urgent, by hand or by what is said."""

from __future__ import annotations

from datetime import datetime

from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.domain.signals import Priority
from handoff_bot.services import deskwork, ladder, notices, sla
from handoff_bot.storage import conversations
from handoff_bot.storage.models import Escalation, Ticket
from handoff_bot.storage.transaction import Transaction


def follow(
    tx: Transaction, escalation: Escalation, ticket: Ticket, priority: Priority, now: datetime
) -> None:
    """While it is open, promises, the ladder and who is told are those of its new priority."""
    escalation.priority, escalation.priority_rank = priority.value, priority.rank
    ticket.priority, ticket.updated_at = priority.value, now
    if escalation.status in OPEN:
        sla.promise(tx, escalation, ticket, now)
    if escalation.status == Status.QUEUED:
        conversation = conversations.get(tx, escalation.conversation_id)
        ladder.replan(tx, escalation, conversation)
        notices.announce(tx, escalation, conversation, now)
    deskwork.redraw(tx, escalation, now)
