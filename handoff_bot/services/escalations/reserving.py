"""Tells agents what became of a reserved escalation."""

from __future__ import annotations

from datetime import datetime

from handoff_bot.domain.desk import EphemeralMessage, Place, Post, PostKind
from handoff_bot.services.escalations import refusals
from handoff_bot.services.outbox import outbox
from handoff_bot.storage import escalations as rows
from handoff_bot.storage import reservations
from handoff_bot.storage.models import Escalation
from handoff_bot.storage.transaction import Transaction


def kept(tx: Transaction, escalation: Escalation, desk_id: str, now: datetime) -> None:
    """The agent with this Slack id has claimed it: tells the others and ends the reservation."""
    found = reservations.of(tx, escalation.id)
    if found is None or found.desk_id != desk_id:
        return
    for other in found.others:
        tell(tx, escalation.id, other, refusals.where_it_is(tx, escalation, now), now)
    reservations.end(tx, escalation.id)


def tell(tx: Transaction, escalation_id: int, desk_id: str, words: str, now: datetime) -> None:
    """Sends one agent an ephemeral message in the thread, or a direct message while there is no
    thread.
    """
    thread = rows.thread_of(tx, escalation_id)
    if thread:
        place = Place(thread.slack_channel, thread.ts)
        outbox.ephemeral(tx, EphemeralMessage(desk_id, place, words), now)
    else:
        outbox.tell(tx, desk_id, Post(PostKind.TOLD, words), now)
