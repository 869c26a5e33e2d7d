"""SLA targets of a ticket: due times, and warnings before and at a breach, each once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.escalations import OPEN
from handoff_bot.domain.events import EventKind, SlaReminded
from handoff_bot.domain.signals import Priority
from handoff_bot.domain.tickets import SLA_NEAR, SlaTarget, sla_in_words, sla_length
from handoff_bot.jobs.handler import ADMINS, TransactionJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock
from handoff_bot.services.outbox import outbox
from handoff_bot.services.outbox.outbox import EscalationChanged
from handoff_bot.services.settings import hours
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import conversations, deliveries, log, tickets
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Escalation, Message, Ticket
from handoff_bot.storage.transaction import Transaction

REMIND = "sla.remind"


def on_escalation_changed(change: EscalationChanged) -> None:
    """Sets the SLA targets of a new escalation."""
    if change.step is None:
        promise(change.tx, change.escalation, change.ticket, change.now)


def promise(tx: Transaction, escalation: Escalation, ticket: Ticket, now: datetime) -> None:
    """Sets the targets by priority in business hours, counted from the start of the wait."""
    minutes, team = live(tx).sla, hours.of_the_team(tx)
    for each in SlaTarget:
        length = sla_length(minutes, Priority(ticket.priority), each)
        due = team.after(escalation.opened_at, length) if length else None
        if due == tickets.due_at(ticket, each):
            continue
        _set(tx, ticket, each, due)
        if length and due and tickets.open_due(ticket, each):
            near = team.after(escalation.opened_at, length * SLA_NEAR)
            _remind(tx, escalation, each, due, at=max(near, now))


def replied(tx: Transaction, escalation: Escalation, now: datetime) -> None:
    """An agent's reply was accepted: if it is the first, the first-reply target is met."""
    if escalation.replied_at:
        return
    escalation.replied_at = now
    ticket = rows.ticket_of(tx, escalation.id)
    if ticket.replied_at is None:
        ticket.replied_at = now
    outbox.update_card(tx, escalation, now)  # without the last messages, and the target that is met


def unsaid(tx: Transaction, escalation: Escalation, message: Message, now: datetime) -> None:
    """An accepted reply was withdrawn: if it was the first, the target is open again."""
    if escalation.replied_at != message.created_at:
        return
    first = min(
        (
            other.created_at
            for other in conversations.replies(tx, escalation.id)
            if not deliveries.is_withdrawn(tx, other.id)
        ),
        default=None,
    )
    ticket = rows.ticket_of(tx, escalation.id)
    if ticket.replied_at == escalation.replied_at:
        ticket.replied_at = first
    escalation.replied_at = first
    outbox.update_card(tx, escalation, now)


def _set(tx: Transaction, ticket: Ticket, which: SlaTarget, due: datetime | None) -> None:
    if which is SlaTarget.REPLY:
        tx.set(ticket, reply_due_at=due)
    else:
        tx.set(ticket, solve_due_at=due)


def _remind(
    tx: Transaction, escalation: Escalation, which: SlaTarget, due: datetime, at: datetime
) -> None:
    payload = {
        "escalation_id": escalation.id,
        "promise": which.value,
        "due": due.isoformat(),
    }
    key = f"sla:{escalation.id}:{which}:{due.isoformat()}:{at.isoformat()}"
    enqueue_job(tx, NewJob(REMIND, f"tick:{key}", payload, at, key=key))


@dataclass(frozen=True)
class _Owed:
    """An open SLA target; the conversation is locked."""

    escalation: Escalation
    promise: SlaTarget
    due: datetime


def _still_owed(tx: Transaction, job: Job) -> _Owed | None:
    """Returns the job's target, or None if it was met or changed in the meantime."""
    found = rows.get(tx, int(job.payload["escalation_id"]))
    if found is None:
        return None
    conversations.hold(tx, found.conversation_id)
    escalation = rows.get(tx, found.id) or found
    ticket = rows.ticket_of(tx, escalation.id)
    which, due = SlaTarget(job.payload["promise"]), datetime.fromisoformat(job.payload["due"])
    owed = escalation.status in OPEN and tickets.open_due(ticket, which) == due
    return _Owed(escalation, which, due) if owed else None


class Remind(TransactionJob):
    """Posts the SLA warning and the breach in the thread; silent while snoozed."""

    told = ADMINS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        """Posts it once; after a warning, enqueues the breach."""
        now = self._clock.now()
        owed = _still_owed(tx, job)
        if owed is None:
            return
        snoozed = owed.escalation.snoozed_until
        if snoozed and snoozed > now:
            _remind(tx, owed.escalation, owed.promise, owed.due, at=snoozed)
            return
        _say_once(tx, owed, now)
        if now < owed.due:
            _remind(tx, owed.escalation, owed.promise, owed.due, at=owed.due)


def _say_once(tx: Transaction, owed: _Owed, now: datetime) -> None:
    escalation = owed.escalation
    said = SlaReminded(promise=owed.promise.value, due=owed.due.isoformat())
    kind = EventKind.SLA_BREACH if now >= owed.due else EventKind.SLA_WARNING
    earlier = log.of_escalation(tx, escalation.id, kind)
    if any(SlaReminded.model_validate(event.data) == said for event in earlier):
        return
    log.record(tx, kind, now, escalation=escalation, **said.model_dump())
    owner = rows.agent(tx, escalation.owner_id)
    words = sla_in_words(owed.promise, owed.due, now)
    mentions = (owner.desk_id,) if owner else ()
    outbox.post(tx, escalation, Post(PostKind.NOTICE, words, mentions=mentions), now)
