"""Starts held escalations: oldest first, one per transaction."""

from __future__ import annotations

from datetime import datetime

from handoff_bot.jobs.enqueuing import enqueue_job
from handoff_bot.jobs.handler import ADMINS, TransactionJob
from handoff_bot.jobs.job import Job, NewJob
from handoff_bot.ports import Clock
from handoff_bot.services.escalations import holding
from handoff_bot.services.escalations.holding import Holding
from handoff_bot.services.escalations.opening import Opening
from handoff_bot.storage import conversations, held
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Conversation, HeldEscalation, Message
from handoff_bot.storage.transaction import Transaction


class LetIn(TransactionJob):
    """Starts the oldest held escalation of a group, then enqueues itself for the next."""

    coalesces = True
    told = ADMINS

    def __init__(self, opening: Opening, waiting: Holding, clock: Clock) -> None:
        self._opening = opening
        self._waiting = waiting
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        """Starts one, until the limit refuses it or none is left."""
        now, group = self._clock.now(), str(job.payload["group"])
        oldest = held.first(tx, group)
        if oldest is None:
            return
        conversation = conversations.hold(tx, oldest.conversation_id)
        row = held.of(tx, conversation.id)  # It may have changed while this transaction waited.
        if row and row.refused_by == group:
            refused_by = self._let_in(tx, conversation, row, now)
            if refused_by:
                row.refused_by = refused_by
                self._waiting.let_in_later(tx, refused_by, now)
            if refused_by == group:
                return
        enqueue_job(tx, NewJob(holding.LET_IN, job.lane, job.payload, now))

    def on_failed(self, tx: Transaction, job: Job, plan: None, error: Exception) -> None:
        """Held customers must not depend on a new request, so it checks again in the next period."""
        self._waiting.let_in_later(tx, str(job.payload["group"]), self._clock.now())

    def _let_in(
        self, tx: Transaction, conversation: Conversation, row: HeldEscalation, now: datetime
    ) -> str:
        """Returns the group whose limit still refuses it, or "" when it is no longer held."""
        message = tx.session.get(Message, row.message_id) if row.message_id else None
        if message is None or rows.open_of(tx, conversation.id):
            held.remove(tx, row.id)
            return ""
        refused_by = self._waiting.still_refused(tx, conversation, now)
        if not refused_by:
            judgement = holding.judgement_of(row)
            self._opening.begin(tx, conversation, message, judgement, row.tried)
        return refused_by
