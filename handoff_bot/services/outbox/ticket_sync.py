"""Syncs the latest state of each ticket to other systems, each system independently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from handoff_bot.domain import events
from handoff_bot.domain.desk import Place
from handoff_bot.domain.errors import ProviderFailure
from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.tickets import TicketRecord, key_of
from handoff_bot.jobs import store
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock, Desk, TicketConnector
from handoff_bot.services.outbox import outbox
from handoff_bot.services.outbox.outbox import EscalationChanged
from handoff_bot.storage import conversations, escalations, log, tickets
from handoff_bot.storage.models import Escalation, Ticket
from handoff_bot.storage.transaction import Transaction

TICKET_OUT = "ticket.out"
LATE = timedelta(hours=1)

SYSTEMS = {"webhook": "The ticket webhook", "zendesk": "Zendesk"}
"""Name of each connector -> what agents call it."""
Connectors = Mapping[str, TicketConnector]
"""By name, one of `SYSTEMS`; only those that are configured."""


def sync_queue(name: str) -> str:
    """Returns a connector's queue: each has its own, so that a slow one only occupies its threads."""
    return f"sink-{name}"


QUEUES = tuple(map(sync_queue, SYSTEMS))


class TicketSync:
    """Subscriber to escalation changes and edits: every ticket change must pass here."""

    def __init__(self, connectors: Connectors) -> None:
        self._connectors = tuple(connectors)

    def __call__(self, change: EscalationChanged) -> None:
        self.changed(change.tx, change.ticket.id, change.now)

    def changed(self, tx: Transaction, ticket_id: int, now: datetime) -> None:
        """Enqueues the sync of a changed ticket to each system."""
        for name in self._connectors:
            key = f"{sync_queue(name)}:{ticket_id}"
            payload = {"ticket_id": ticket_id, "sink": name}
            enqueue_job(tx, NewJob(TICKET_OUT, key, payload, due_at=now, key=key, coalesce=True))


@dataclass(frozen=True)
class PutPlan:
    """One call to one system."""

    sink: str
    record: TicketRecord
    external_id: str
    thread: Place | None


class SyncTicket(ProviderJob[PutPlan, str]):
    """Syncs a ticket to one system. Connectors make repeated calls harmless."""

    repeatable = True
    coalesces = True
    told = "the agents, in the thread, once for each escalation and system"
    give_up_after = timedelta(days=7)

    def __init__(self, connectors: Connectors, desk: Desk, clock: Clock) -> None:
        self._connectors = connectors
        self._desk = desk
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> PutPlan | None:
        """Returns the current ticket, or None if the system is no longer configured."""
        sink = str(job.payload["sink"])
        ticket = tx.session.get(Ticket, int(job.payload["ticket_id"]))
        if ticket is None or sink not in self._connectors:
            return None
        if conversations.get(tx, ticket.conversation_id).forgotten_at:
            return None
        later = store.waiting_behind(tx, job, 1) if job.attempts else ()
        if later:  # the ticket has changed since, and the next job syncs it
            store.inherit_age(tx, later[0], job)
            return None
        return PutPlan(
            sink,
            _record(tx, ticket, job.id),
            tickets.external_id(tx, ticket.id, sink),
            escalations.place_of(tx, ticket.escalation_id),
        )

    def call(self, plan: PutPlan) -> str:
        link = self._desk.link(plan.thread) if plan.thread else ""
        return self._connectors[plan.sink].put(replace(plan.record, link=link), plan.external_id)

    def finish(self, tx: Transaction, job: Job, plan: PutPlan, result: str) -> None:
        """Stores the ticket's id in the other system."""
        if result:
            now = self._clock.now()
            tickets.keep_external_id(tx, plan.record.number, plan.sink, result, now)

    def on_retry(self, tx: Transaction, job: Job, plan: PutPlan | None, error: Exception) -> None:
        """Tells the team when the other system is behind for long."""
        if self._clock.now() - job.first_due_at >= LATE:
            self._tell(
                tx, job, "late", "has not accepted the ticket for an hour. Handoff keeps retrying."
            )

    def on_failed(self, tx: Transaction, job: Job, plan: PutPlan | None, error: Exception) -> None:
        """Reports that the other system is behind until the next change of the ticket."""
        ours = isinstance(error, ProviderFailure)
        why = str(error) if ours else "Something went wrong on our side."
        self._tell(tx, job, "failed", f"does not have the ticket's latest state. {why}")

    def _tell(self, tx: Transaction, job: Job, what: str, words: str) -> None:
        """Posts in the thread, once for each escalation."""
        sink, ticket = (
            str(job.payload["sink"]),
            tx.session.get(Ticket, int(job.payload["ticket_id"])),
        )
        if ticket is None:
            return
        kind, now = events.of_connector(sink, what), self._clock.now()
        if log.has(tx, kind, ticket.escalation_id):
            return
        escalation = tx.session.get_one(Escalation, ticket.escalation_id)
        log.record(tx, kind, now, escalation=escalation, ticket=ticket.id)
        text = f"Ticket #{ticket.id}: {SYSTEMS.get(sink, sink)} {words}"
        outbox.notice(tx, escalation, text, now)


def _record(tx: Transaction, ticket: Ticket, revision: int) -> TicketRecord:
    conversation = conversations.get(tx, ticket.conversation_id)
    escalation = tx.session.get_one(Escalation, ticket.escalation_id)
    assignee = escalations.agent(tx, ticket.assignee_id)
    number = ticket.id
    return TicketRecord(
        key=key_of(number, ticket.created_at),
        revision=revision,
        number=number,
        subject=ticket.subject,
        contact=conversations.contact_name(tx, conversation),
        address=conversation.address,
        channel=ticket.channel,
        reason=Signal(ticket.reason),
        priority=Priority(ticket.priority),
        status=TicketStatus(ticket.status),
        assignee=assignee.name if assignee else "",
        tags=tickets.tag_names(tx, number),
        outcome=ticket.outcome,
        summary=escalation.summary,
        created_at=ticket.created_at,
        updated_at=ticket.updated_at,
        solved_at=ticket.solved_at,
    )
