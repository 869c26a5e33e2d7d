"""Queries and changes of reserved escalations."""

from __future__ import annotations

from datetime import datetime

from handoff_bot.storage.models import Reservation
from handoff_bot.storage.transaction import Transaction


def of(tx: Transaction, escalation_id: int) -> Reservation | None:
    """Returns an escalation's reservation, including an expired one."""
    return tx.session.get(Reservation, escalation_id, populate_existing=True)


def live(tx: Transaction, escalation_id: int, now: datetime) -> Reservation | None:
    """Returns an escalation's reservation if it has not expired."""
    found = of(tx, escalation_id)
    return found if found and found.until > now else None


def make(tx: Transaction, escalation_id: int, desk_id: str, name: str, until: datetime) -> None:
    """Reserves an escalation; an expired reservation is replaced."""
    found = of(tx, escalation_id)
    if found is None:
        row = Reservation(escalation_id=escalation_id, desk_id=desk_id, name=name, until=until)
        tx.session.add(row)
    else:
        found.desk_id, found.name, found.until = desk_id, name, until
        found.others = [one for one in found.others if one != desk_id]
    tx.session.flush()


def told(tx: Transaction, reservation: Reservation, desk_id: str) -> None:
    """Records that another agent was told of it."""
    if desk_id not in reservation.others:
        reservation.others = [*reservation.others, desk_id]
        tx.session.flush()


def end(tx: Transaction, escalation_id: int) -> None:
    found = of(tx, escalation_id)
    if found:
        tx.session.delete(found)
        tx.session.flush()
