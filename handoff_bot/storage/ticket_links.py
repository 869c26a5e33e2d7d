"""Queries and changes of tickets' ids in other systems, and of tags."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import col, select

from handoff_bot.storage.models import TicketLink, TicketTag
from handoff_bot.storage.transaction import Transaction


def external_id(tx: Transaction, ticket_id: int, sink: str) -> str:
    """Returns a ticket's id in another system, "" if unknown."""
    found = _link(tx, ticket_id, sink)
    return found.external_id if found else ""


def keep(tx: Transaction, ticket_id: int, sink: str, name: str, now: datetime) -> None:
    """Stores a ticket's id in another system."""
    known = _link(tx, ticket_id, sink) or tx.ensure(
        TicketLink(ticket_id=ticket_id, sink=sink, external_id=name, updated_at=now),
        "ticket_id",
        "sink",
    )
    if known.external_id != name:
        known.external_id, known.updated_at = name, now


def _link(tx: Transaction, ticket_id: int, sink: str) -> TicketLink | None:
    return tx.session.execute(
        select(TicketLink).where(TicketLink.ticket_id == ticket_id, TicketLink.sink == sink)
    ).scalar_one_or_none()


def tags(tx: Transaction, ticket_id: int) -> tuple[str, ...]:
    """Returns a ticket's tags in alphabetical order."""
    found = (
        select(TicketTag.tag).where(TicketTag.ticket_id == ticket_id).order_by(col(TicketTag.tag))
    )
    return tuple(tx.session.execute(found).scalars())
