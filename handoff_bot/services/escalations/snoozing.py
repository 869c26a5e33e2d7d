"""Snoozes conversations until a time or until the customer writes."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.desk import AgentRef, Post, PostKind
from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.results import ActionResult
from handoff_bot.jobs import store
from handoff_bot.jobs.handler import ADMINS, TransactionJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock
from handoff_bot.services.escalations import transfer
from handoff_bot.services.outbox import outbox
from handoff_bot.storage import conversations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Escalation
from handoff_bot.storage.transaction import Transaction

WAKE = "tick.wake"
LONGEST = timedelta(days=30)

GONE = "This conversation no longer exists."
CLOSED = "This conversation is already closed."
PAST = "Choose a time in the future, at most 30 days ahead."


class Snoozing:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def snooze(self, escalation_id: int, agent: AgentRef, until: datetime) -> ActionResult:
        """Pauses reminders until then; the snooze ends at that time or when the customer writes."""
        now = self._clock.now()
        if not now < until <= now + LONGEST:
            return ActionResult(False, PAST)
        with self._database.write() as tx:
            escalation = rows.get(tx, escalation_id)
            if escalation is None:
                return ActionResult(False, GONE)
            conversations.hold(tx, escalation.conversation_id)
            escalation = rows.get(tx, escalation_id)
            if escalation is None or escalation.status not in OPEN:
                return ActionResult(False, CLOSED)
            if _is_another_agents(tx, escalation, agent):
                return ActionResult(False, transfer.someone_elses(tx, escalation))
            self._put_aside(tx, escalation, agent, until)
            return ActionResult(True)

    def _put_aside(
        self, tx: Transaction, escalation: Escalation, agent: AgentRef, until: datetime
    ) -> None:
        now = self._clock.now()
        row = conversations.agent_row(tx, agent.desk_id, agent.name, now)
        end(tx, escalation, now)
        escalation.snoozed_until = until
        log.record(
            tx,
            EventKind.ESCALATION_SNOOZED,
            now,
            escalation=escalation,
            agent_id=row.id,
            until=until.isoformat(),
        )
        payload = {"escalation_id": escalation.id, "desk_id": agent.desk_id}
        key = f"wake:{escalation.id}:{until.timestamp():.0f}"
        lane = f"tick:wake:{escalation.id}:{until.timestamp():.0f}"
        enqueue_job(tx, NewJob(WAKE, lane, payload, due_at=until, key=key))
        outbox.notice(tx, escalation, f"{agent.name} snoozed this conversation.", now)
        outbox.update_card(tx, escalation, now)


def _is_another_agents(tx: Transaction, escalation: Escalation, agent: AgentRef) -> bool:
    owner = rows.agent(tx, escalation.owner_id)
    if escalation.status != Status.CLAIMED or owner is None:
        return False
    return owner.desk_id != agent.desk_id and not agent.is_admin


def end(tx: Transaction, escalation: Escalation, now: datetime) -> None:
    """Ends the snooze; delayed jobs run now."""
    until = escalation.snoozed_until
    if until is None:
        return
    escalation.snoozed_until = None
    for job in store.due_at(tx, until):
        if job.payload.get("escalation_id") == escalation.id:
            store.replace_with(tx, job, f"{job.lane}:{now.timestamp():.3f}", now)


def wake(
    tx: Transaction, escalation: Escalation, words: str, now: datetime, desk_id: str = ""
) -> None:
    """Ends the snooze and posts it."""
    end(tx, escalation, now)
    log.record(tx, EventKind.ESCALATION_WOKEN, now, escalation=escalation)
    mentions = (desk_id,) if desk_id else ()
    outbox.post(tx, escalation, Post(PostKind.NOTICE, words, mentions=mentions), now)
    outbox.update_card(tx, escalation, now)


class Wake(TransactionJob):
    """Ends a snooze at its time, if it was not changed."""

    told = ADMINS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        now = self._clock.now()
        found = rows.get(tx, int(job.payload["escalation_id"]))
        if found is None:
            return
        conversations.hold(tx, found.conversation_id)
        escalation = rows.get(tx, found.id) or found
        until = escalation.snoozed_until
        if escalation.status in OPEN and until and until <= now:
            wake(tx, escalation, "The snooze has ended.", now, job.payload["desk_id"])
