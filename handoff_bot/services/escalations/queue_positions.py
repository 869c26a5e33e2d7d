"""Sends queue-position updates when the customer has moved up.

One job at a time per wait: each checks, sends and enqueues the next. So the chain survives
restarts, runs once across processes and ends with the wait.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from handoff_bot.domain.escalations import Status
from handoff_bot.domain.texts import Moment
from handoff_bot.jobs.enqueuing import enqueue_job
from handoff_bot.jobs.handler import ADMINS, TransactionJob
from handoff_bot.jobs.job import Job, NewJob
from handoff_bot.ports import Clock
from handoff_bot.services.delivery.sending import Channels
from handoff_bot.services.escalations import still_queued
from handoff_bot.services.escalations.still_queued import still_waiting
from handoff_bot.services.outbox.escalation_events import EscalationChanged
from handoff_bot.services.settings import hours
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import visitors
from handoff_bot.storage.models import Escalation
from handoff_bot.storage.transaction import Transaction

POSITION = "position"


def on_escalation_changed(change: EscalationChanged) -> None:
    """Starts the updates for a new wait."""
    if change.escalation.status != Status.QUEUED or _pause(change.tx) is None:
        return
    given = {"escalation_id": change.escalation.id, "epoch": change.conversation.epoch}
    _enqueue(change.tx, given, _place(change.tx, change.escalation), 1, change.now)


def _place(tx: Transaction, escalation: Escalation) -> int:
    return visitors.ahead(tx, escalation) + 1


def _pause(tx: Transaction) -> timedelta | None:
    minutes = live(tx).position_minutes
    return timedelta(minutes=minutes) if minutes else None


def _enqueue(tx: Transaction, given: dict[str, Any], told: int, number: int, now: datetime) -> None:
    """Enqueues the next check; only business hours count."""
    pause = _pause(tx)
    if pause is None:
        return
    name = f"{POSITION}:{given['escalation_id']}:{given['epoch']}"
    payload = {**given, "told": told, "number": number}
    due_at = hours.of_the_team(tx).after(now, pause)
    enqueue_job(tx, NewJob(POSITION, f"ladder:{name}", payload, due_at, key=f"{name}:{number}"))


class QueuePositionUpdate(TransactionJob):
    """One check of a queue position."""

    told = ADMINS

    def __init__(self, channels: Channels, clock: Clock) -> None:
        self._channels = channels
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        """Sends an update if the position improved during business hours, then enqueues the next
        check.
        """
        now = self._clock.now()
        found = still_waiting(tx, job, now)
        if found is None or _pause(tx) is None:
            return
        told = int(job.payload["told"])
        place = _place(tx, found.escalation)
        is_news = place < told and hours.of_the_team(tx).is_open(now)
        if is_news and still_queued.tell(found, Moment.POSITION, self._channels):
            told = place
        _enqueue(tx, job.payload, told, int(job.payload["number"]) + 1, now)
