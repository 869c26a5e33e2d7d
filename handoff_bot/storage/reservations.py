"""Questions and changes about escalations that are reserved for an agent."""

from __future__ import annotations

from datetime import datetime

from handoff_bot.storage.desk_models import Reservation
from handoff_bot.storage.transaction import Transaction


def of(tx: Transaction, escalation_id: int) -> Reservation | None:
    """The reservation of an escalation, whether it still counts or not."""
    return tx.session.get(Reservation, escalation_id, populate_existing=True)


def live(tx: Transaction, escalation_id: int, now: datetime) -> Reservation | None:
    """The reservation of an escalation that counts."""
    found = of(tx, escalation_id)
    return found if found and found.until > now else None


def make(tx: Transaction, escalation_id: int, desk_id: str, name: str, until: datetime) -> None:
    """Reserve an escalation; one that no longer counts is replaced."""
    found = of(tx, escalation_id)
    if found is None:
        row = Reservation(escalation_id=escalation_id, desk_id=desk_id, name=name, until=until)
        tx.session.add(row)
    else:
        found.desk_id, found.name, found.until = desk_id, name, until
        found.others = [one for one in found.others if one != desk_id]
    tx.session.flush()


def told(tx: Transaction, reservation: Reservation, desk_id: str) -> None:
    """Remember that another agent was told of it."""
    if desk_id not in reservation.others:
        reservation.others = [*reservation.others, desk_id]
        tx.session.flush()


def end(tx: Transaction, escalation_id: int) -> None:
    """Delete it."""
    found = of(tx, escalation_id)
    if found:
        tx.session.delete(found)
        tx.session.flush()
