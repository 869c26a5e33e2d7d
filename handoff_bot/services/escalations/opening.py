"""Starts escalations, held ones later: ticket, reopened or new, card and message to the customer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from handoff_bot.domain.escalations import Status, TicketStatus
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.signals import Judgement, Signal
from handoff_bot.jobs.handler import ADMINS, TransactionJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock
from handoff_bot.services.delivery import customer_texts, inbound_files
from handoff_bot.services.delivery.sending import Channels
from handoff_bot.services.escalations import applied_route, availability, holding
from handoff_bot.services.escalations.holding import Holding
from handoff_bot.services.outbox import outbox, slack_channels, view_models
from handoff_bot.services.outbox.outbox import EscalationChanged, Subscriber
from handoff_bot.services.settings import hours, rule_lists
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import conversations, log, queue, tickets
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Conversation, Escalation, HeldEscalation, Message, Ticket
from handoff_bot.storage.transaction import Transaction

# -- the ticket to reopen, when a customer returns within the configured time


def ticket_to_reopen(tx: Transaction, conversation: Conversation, now: datetime) -> Ticket | None:
    """Returns the ticket to continue, or None to create a new one.

    Closed tickets stay closed: no agent was needed, or an agent closed it for good.
    """
    within = live(tx).reopen_hours
    if not within:
        return None
    ticket = tickets.last_of(tx, conversation.id, now - timedelta(hours=within))
    return ticket if ticket and ticket.status == TicketStatus.SOLVED else None


def reopen(tx: Transaction, ticket: Ticket, escalation: Escalation, now: datetime) -> None:
    """Reopens the ticket for this escalation, unassigned and with new SLA targets."""
    ticket.escalation_id = escalation.id
    ticket.status = TicketStatus.OPEN.value
    ticket.reopened += 1
    ticket.assignee_id = None
    ticket.solved_at = ticket.replied_at = None
    ticket.outcome = ""
    ticket.priority, ticket.reason = escalation.priority, escalation.reason
    ticket.updated_at = now
    escalation.ticket_id = ticket.id
    log.record(tx, EventKind.TICKET_REOPENED, now, escalation=escalation, ticket=ticket.id)


# -- the escalation: ticket, card and message to the customer

SUBJECT_LENGTH = 120


class Opening:
    """Works in the transaction that evaluated the message."""

    def __init__(
        self,
        channels: Channels,
        clock: Clock,
        waiting: Holding,
        subscribers: Sequence[Subscriber] = (),
    ) -> None:
        self._channels = channels
        self._clock = clock
        self._waiting = waiting
        self._subscribers = subscribers

    def open(
        self,
        tx: Transaction,
        conversation: Conversation,
        message: Message,
        judgement: Judgement,
        tried: str,
    ) -> Escalation | None:
        """Starts an escalation; None if a limit holds it, which the customer is told."""
        now = self._clock.now()
        refused_by = self._waiting.refusal(tx, conversation, now)
        if refused_by:
            self._waiting.hold(tx, conversation, message, judgement, tried, refused_by, now)
            return None
        return self.begin(tx, conversation, message, judgement, tried)

    def begin(
        self,
        tx: Transaction,
        conversation: Conversation,
        message: Message,
        judgement: Judgement,
        tried: str,
    ) -> Escalation:
        """Starts an escalation with its ticket, tells the customer and enqueues the card."""
        now = self._clock.now()
        waited = queue.held_of(tx, conversation.id)
        if waited:
            queue.remove_held(tx, waited.id)
        reason = judgement.reason or Signal.REQUEST
        escalation = tx.add(
            Escalation(
                conversation_id=conversation.id,
                message_id=message.id,
                status=Status.QUEUED,
                reason=reason,
                priority=judgement.priority,
                priority_rank=judgement.priority.rank,
                scores={signal.value: score for signal, score in judgement.scores.items()},
                evidence=judgement.evidence or view_models.shown(message),
                summary=judgement.summary,
                tried=tried,
                judged_by=judgement.by,
                slack_channel=slack_channels.channel_for(tx, judgement.priority),
                vip=rule_lists.detection_rules(tx).is_vip(conversation.address),
                opened_at=now,
            )
        )
        log.record(
            tx,
            EventKind.ESCALATION_OPENED,
            now,
            escalation=escalation,
            message_id=message.id,
            channel=conversation.channel,
            reason=reason.value,
            priority=judgement.priority.value,
            by=judgement.by,
            hours=hours.words_for(tx, now),
        )
        ticket = self._open_ticket(tx, conversation, escalation, message)
        # Before the subscribers: their posts go below the card. The card is rendered when it is
        # posted.
        outbox.post_card(tx, escalation, now)
        if transcript := view_models.before(tx, escalation):
            outbox.post(tx, escalation, transcript, now, key=f"transcript:{escalation.id}")
        change = EscalationChanged(tx, escalation, conversation, ticket, None, None, now)
        for subscriber in self._subscribers:
            subscriber(change)
        about = customer_texts.About(tx, conversation, escalation, self._channels, now)
        people = applied_route.people_of(tx, escalation)
        customer_texts.tell(about, availability.first_words(tx, now, people), epoch_bound=True)
        inbound_files.earlier(tx, escalation, now)
        return escalation

    def _open_ticket(
        self, tx: Transaction, conversation: Conversation, escalation: Escalation, message: Message
    ) -> Ticket:
        now = self._clock.now()
        again = ticket_to_reopen(tx, conversation, now)
        if again:
            reopen(tx, again, escalation, now)
            return again
        subject = (view_models.shown(message) or "(no text)")[:SUBJECT_LENGTH]
        ticket = tx.add(
            Ticket(
                escalation_id=escalation.id,
                contact_id=conversation.contact_id,
                conversation_id=conversation.id,
                subject=subject,
                searched=tickets.searched(subject, conversations.contact_name(tx, conversation)),
                channel=conversation.channel,
                reason=escalation.reason,
                priority=escalation.priority,
                status=TicketStatus.OPEN,
                created_at=now,
                updated_at=now,
            )
        )
        tx.set(escalation, ticket_id=ticket.id)
        log.record(tx, EventKind.TICKET_CREATED, now, escalation=escalation, ticket=ticket.id)
        return ticket


# -- held escalations: oldest first, one per transaction


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
        oldest = queue.first_held(tx, group)
        if oldest is None:
            return
        conversation = conversations.hold(tx, oldest.conversation_id)
        # It may have changed while this transaction waited.
        row = queue.held_of(tx, conversation.id)
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
            queue.remove_held(tx, row.id)
            return ""
        refused_by = self._waiting.still_refused(tx, conversation, now)
        if not refused_by:
            judgement = holding.judgement_of(row)
            self._opening.begin(tx, conversation, message, judgement, row.tried)
        return refused_by
