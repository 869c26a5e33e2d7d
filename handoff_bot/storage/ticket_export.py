"""Queries of the ticket export, in batches."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, select

from handoff_bot.domain.ticket_export import TicketExport
from handoff_bot.domain.tickets import TicketQuery
from handoff_bot.storage import tickets
from handoff_bot.storage.models import Agent, Ticket, TicketTag
from handoff_bot.storage.transaction import Transaction


def after(tx: Transaction, query: TicketQuery, last: int, limit: int) -> list[TicketExport]:
    """Returns the next matching tickets with a higher number, oldest first."""
    statement = tickets.fitting(query).where(col(Ticket.id) > last).order_by(col(Ticket.id))
    found = list(tx.session.execute(statement.limit(limit)))
    tags = _tags(tx, [ticket.id for ticket, *_ in found])
    return [
        _exported(ticket, name, address, agent, tuple(tags.get(ticket.id, ())))
        for ticket, name, address, agent in found
    ]


def _tags(tx: Transaction, numbers: Sequence[int]) -> dict[int, list[str]]:
    tagged = (
        select(TicketTag.ticket_id, TicketTag.tag)
        .where(col(TicketTag.ticket_id).in_(numbers))
        .order_by(col(TicketTag.ticket_id), col(TicketTag.tag))
    )
    found: dict[int, list[str]] = {}
    for number, tag in tx.session.execute(tagged):
        found.setdefault(number, []).append(tag)
    return found


def _exported(
    ticket: Ticket, name: str, address: str, agent: Agent | None, tags: tuple[str, ...]
) -> TicketExport:
    return TicketExport(
        number=ticket.id or 0,
        subject=ticket.subject,
        contact=name or address,
        address=address,
        channel=ticket.channel,
        reason=ticket.reason,
        priority=ticket.priority,
        status=ticket.status,
        assignee=agent.name if agent else "",
        tags=tags,
        outcome=ticket.outcome,
        reopened=ticket.reopened,
        created_at=ticket.created_at,
        updated_at=ticket.updated_at,
        solved_at=ticket.solved_at,
        reply_due_at=ticket.reply_due_at,
        replied_at=ticket.replied_at,
        solve_due_at=ticket.solve_due_at,
    )
