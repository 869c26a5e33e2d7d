"""Ticks: each enqueues work under a key that makes it run once."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from handoff_bot.jobs import rate_limits, store
from handoff_bot.jobs.handler import ADMINS, TransactionJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock
from handoff_bot.services.ai_turns.articles import CRAWL_EVERY, CRAWL_TICK
from handoff_bot.services.ai_turns.articles import EVERY as UNANSWERED_EVERY
from handoff_bot.services.ai_turns.articles import TICK as UNANSWERED_TICK
from handoff_bot.services.ai_turns.language_model import LOOK
from handoff_bot.services.catching_up import CONTACT
from handoff_bot.services.delivery.outbound_files import KEPT_FOR
from handoff_bot.services.delivery.reachability import CLOSING
from handoff_bot.services.escalations.availability import PRESENCE
from handoff_bot.services.escalations.owners import IDLE, OWNERS
from handoff_bot.services.home import EVERY as SETUP_EVERY
from handoff_bot.services.home import TICK
from handoff_bot.services.outbox import alarms, outbox
from handoff_bot.services.privacy.retention import RETAIN
from handoff_bot.storage import attachments, log, tallies
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

PRUNE = "tick.prune"
WATCH = "tick.watch"
KEEP_DONE = timedelta(days=30)
LATE = timedelta(minutes=1)
BATCH = 1_000
"""Rows of a kind in one transaction."""
FILES = 20
"""Files in one transaction: SQLite overwrites each with zeros."""
PAUSE = timedelta(seconds=1)
"""Between two batches. At 10,000 messages a day an hour leaves two batches of jobs."""

EVERY = {
    PRUNE: timedelta(hours=1),
    WATCH: timedelta(minutes=1),
    IDLE: timedelta(minutes=1),
    CLOSING: timedelta(minutes=5),
    LOOK: timedelta(minutes=1),
    OWNERS: timedelta(minutes=5),
    PRESENCE: timedelta(minutes=5),
    CONTACT: timedelta(seconds=30),
    RETAIN: timedelta(hours=1),
    TICK: SETUP_EVERY,
    CRAWL_TICK: CRAWL_EVERY,
    UNANSWERED_TICK: UNANSWERED_EVERY,
}
"""Tick -> interval. Providers redeliver within hours, so done jobs can be deleted after days."""


class Prune(TransactionJob):
    """Deletes a batch of what is no longer needed, and enqueues itself while there is more.

    Nothing is remembered between batches: after a stop it goes on with what is left.
    """

    told = ADMINS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        now = self._clock.now()
        files = attachments.prune(tx, now - KEPT_FOR, FILES)
        gone = [
            store.prune(tx, now, KEEP_DONE, BATCH),
            rate_limits.prune(tx, now, KEEP_DONE, BATCH),
            tallies.prune(tx, now, BATCH),
            tallies.prune_usage(tx, now - KEEP_DONE, BATCH),
            log.prune_marks(tx, now - KEEP_DONE, BATCH),
        ]
        logger.info("pruned", extra={"rows": sum(gone), "files": files})
        if files == FILES or any(rows >= BATCH for rows in gone):
            enqueue_job(tx, NewJob(PRUNE, job.lane, {}, due_at=now + PAUSE))


class Watch(TransactionJob):
    """Tells the team when messages to customers are stuck, and admins what cannot be decrypted."""

    told = ADMINS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        """Posts once in each affected thread, and once a day to the admins."""
        now = self._clock.now()
        for stuck in store.late(tx, "out", now - LATE):
            self._tell(tx, stuck, now)
        if tx.keyring and tx.keyring.troubles:
            places = sorted({place for place, _ in tx.keyring.troubles})
            alarms.undecryptable(tx, places, now)

    def _tell(self, tx: Transaction, stuck: store.Late, now: datetime) -> None:
        escalation = rows.open_of(tx, int(stuck.lane.partition(":")[2]))
        told = f"watch.told:{stuck.lane}"
        if escalation is None or log.preference(tx, told, 0) == stuck.work_id:
            return
        log.prefer(tx, told, stuck.work_id, "system", now)
        text = (
            f"Messages to the customer are delayed: {stuck.error} Handoff keeps retrying, in order."
        )
        outbox.notice(tx, escalation, text, now)
