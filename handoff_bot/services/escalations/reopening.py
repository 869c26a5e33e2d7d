"""Reopens the ticket when a customer returns within the configured time."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.events import EventKind
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import log, tickets
from handoff_bot.storage.models import Conversation, Escalation, Ticket
from handoff_bot.storage.transaction import Transaction


def of(tx: Transaction, conversation: Conversation, now: datetime) -> Ticket | None:
    """Returns the ticket to continue, or None to create a new one.

    Closed tickets stay closed: no agent was needed, or an agent closed it for good.
    """
    hours = live(tx).reopen_hours
    if not hours:
        return None
    ticket = tickets.last_of(tx, conversation.id, now - timedelta(hours=hours))
    return ticket if ticket and ticket.status == TicketStatus.SOLVED else None


def reopen(tx: Transaction, ticket: Ticket, escalation: Escalation, now: datetime) -> None:
    """Reopens the ticket for this escalation, unassigned and with new SLA targets."""
    ticket.escalation_id = escalation.id
    ticket.status = TicketStatus.OPEN.value
    ticket.reopened += 1
    ticket.assignee_id = None
    ticket.solved_at = ticket.replied_at = None
    ticket.outcome = ""
    ticket.priority, ticket.reason = escalation.priority, escalation.reason
    ticket.updated_at = now
    escalation.ticket_id = ticket.id
    log.record(tx, EventKind.TICKET_REOPENED, now, escalation=escalation, ticket=ticket.id)
