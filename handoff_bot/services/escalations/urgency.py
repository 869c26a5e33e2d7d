"""Effects of a priority change."""

from __future__ import annotations

from datetime import datetime

from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.domain.signals import Priority
from handoff_bot.services.escalations import sla, waiting_policy
from handoff_bot.services.notifications import notifications
from handoff_bot.services.outbox import outbox
from handoff_bot.storage import conversations
from handoff_bot.storage.models import Escalation, Ticket
from handoff_bot.storage.transaction import Transaction


def follow(
    tx: Transaction, escalation: Escalation, ticket: Ticket, priority: Priority, now: datetime
) -> None:
    """Applies the new priority to SLA targets, the waiting policy and notifications while the
    escalation is open.
    """
    escalation.priority, escalation.priority_rank = priority.value, priority.rank
    ticket.priority, ticket.updated_at = priority.value, now
    if escalation.status in OPEN:
        sla.promise(tx, escalation, ticket, now)
    if escalation.status == Status.QUEUED:
        conversation = conversations.get(tx, escalation.conversation_id)
        waiting_policy.replan(tx, escalation, conversation)
        notifications.announce(tx, escalation, conversation, now)
    outbox.update_card(tx, escalation, now)
