"""Keeps what was promised of a ticket: when it is due, and reminders before and at a breach, each once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain import sla
from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.escalations import OPEN
from handoff_bot.domain.signals import Priority
from handoff_bot.domain.sla import Promise
from handoff_bot.jobs.enqueuing import enqueue_job
from handoff_bot.jobs.handler import ADMINS, TransactionJob
from handoff_bot.jobs.job import Job, NewJob
from handoff_bot.ports import Clock
from handoff_bot.services import deskwork, hours
from handoff_bot.services.followers import Moved
from handoff_bot.storage import conversations, deliveries, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.models import Escalation, Message, Ticket
from handoff_bot.storage.transaction import Transaction

REMIND = "sla.remind"
MINUTES = "sla"
"""The preference with the minutes of each promise, by "urgent.reply" and the like; 0 for none."""
NEAR, LATE = "sla.near", "sla.late"
"""What the log says: somebody was reminded, and a promise was not kept."""


def follow(moved: Moved) -> None:
    """Whoever begins to wait is promised something."""
    if moved.step is None:
        promise(moved.tx, moved.escalation, moved.ticket, moved.now)


def promise(tx: Transaction, escalation: Escalation, ticket: Ticket, now: datetime) -> None:
    """By the priority it has now, and in the team's hours, counted from when the customer began to wait."""
    stored, team = log.preference(tx, MINUTES, {}), hours.of_the_team(tx)
    minutes = stored if isinstance(stored, dict) else {}
    for each in Promise:
        length = sla.length(minutes, Priority(ticket.priority), each)
        due = team.after(escalation.opened_at, length) if length else None
        if due == due_at(ticket, each):
            continue
        _set(ticket, each, due)
        if length and due and open_due(ticket, each):
            near = team.after(escalation.opened_at, length * sla.NEAR)
            _remind(tx, escalation, each, due, at=max(near, now))


def due_at(ticket: Ticket, which: Promise) -> datetime | None:
    """When it was promised for."""
    return ticket.reply_due_at if which is Promise.REPLY else ticket.solve_due_at


def open_due(ticket: Ticket, which: Promise) -> datetime | None:
    """When it was promised for, None when it is kept or was never promised."""
    kept = ticket.solved_at or (ticket.replied_at if which is Promise.REPLY else None)
    return None if kept else due_at(ticket, which)


def replied(tx: Transaction, escalation: Escalation, now: datetime) -> None:
    """An agent's words to the customer were accepted: if they are the first, that promise is kept."""
    if escalation.replied_at:
        return
    escalation.replied_at = now
    ticket = rows.ticket_of(tx, id_of(escalation))
    if ticket.replied_at is None:
        ticket.replied_at = now
        if ticket.reply_due_at:
            deskwork.redraw(tx, escalation, now)


def unsaid(tx: Transaction, escalation: Escalation, message: Message, now: datetime) -> None:
    """Words that were accepted have been taken back: if they were the first, the promise is open again."""
    if escalation.replied_at != message.created_at:
        return
    first = min(
        (
            other.created_at
            for other in conversations.replies(tx, id_of(escalation))
            if not deliveries.is_withdrawn(tx, id_of(other))
        ),
        default=None,
    )
    ticket = rows.ticket_of(tx, id_of(escalation))
    if ticket.replied_at == escalation.replied_at:
        ticket.replied_at = first
    escalation.replied_at = first
    deskwork.redraw(tx, escalation, now)


def _set(ticket: Ticket, which: Promise, due: datetime | None) -> None:
    if which is Promise.REPLY:
        ticket.reply_due_at = due
    else:
        ticket.solve_due_at = due


def _remind(
    tx: Transaction, escalation: Escalation, which: Promise, due: datetime, at: datetime
) -> None:
    payload = {
        "escalation_id": id_of(escalation),
        "promise": which.value,
        "due": due.isoformat(),
    }
    key = f"sla:{id_of(escalation)}:{which}:{due.isoformat()}:{at.isoformat()}"
    enqueue_job(tx, NewJob(REMIND, f"tick:{key}", payload, at, key=key))


@dataclass(frozen=True)
class _Owed:
    """A promise that is not kept yet; the conversation is held."""

    escalation: Escalation
    promise: Promise
    due: datetime


def _still_owed(tx: Transaction, job: Job) -> _Owed | None:
    """What a row of work was written for, unless it was kept meanwhile, or something else was promised."""
    found = rows.get(tx, int(job.payload["escalation_id"]))
    if found is None:
        return None
    conversations.hold(tx, found.conversation_id)
    escalation = rows.get(tx, id_of(found)) or found
    ticket = rows.ticket_of(tx, id_of(escalation))
    which, due = Promise(job.payload["promise"]), datetime.fromisoformat(job.payload["due"])
    owed = escalation.status in OPEN and open_due(ticket, which) == due
    return _Owed(escalation, which, due) if owed else None


class Remind(TransactionJob):
    """Says in the thread that time runs out, and then that it has; nobody is told while it is snoozed."""

    told = ADMINS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        """Say it, unless it was said; before the breach, come back for that."""
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
    escalation, due = owed.escalation, owed.due.isoformat()
    kind = LATE if now >= owed.due else NEAR
    for event in log.of_escalation(tx, id_of(escalation), kind):
        if (event.data.get("promise"), event.data.get("due")) == (owed.promise.value, due):
            return
    log.record(tx, kind, now, escalation=escalation, promise=owed.promise.value, due=due)
    owner = rows.agent(tx, escalation.owner_id)
    words = sla.in_words(owed.promise, owed.due, now)
    mentions = (owner.desk_id,) if owner else ()
    deskwork.post(tx, escalation, Post(PostKind.NOTICE, words, mentions=mentions), now)
