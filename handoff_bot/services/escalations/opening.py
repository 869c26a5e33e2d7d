"""Starts escalations: ticket, card and message to the customer."""

from __future__ import annotations

from collections.abc import Sequence

from handoff_bot.domain.escalations import Status, TicketStatus
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.signals import Judgement, Signal
from handoff_bot.ports import Clock
from handoff_bot.services.delivery import customer_texts, inbound_files
from handoff_bot.services.delivery.sending import Channels
from handoff_bot.services.escalations import applied_route, availability, reopening
from handoff_bot.services.escalations.holding import Holding
from handoff_bot.services.outbox import message_content, outbox, slack_channels, view_models
from handoff_bot.services.outbox.escalation_events import EscalationChanged, Subscriber
from handoff_bot.services.settings import detection_rules, hours
from handoff_bot.storage import conversations, held, log, tickets
from handoff_bot.storage.models import Conversation, Escalation, Message, Ticket
from handoff_bot.storage.transaction import Transaction

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
        waited = held.of(tx, conversation.id)
        if waited:
            held.remove(tx, waited.id)
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
                evidence=judgement.evidence or message_content.shown(message),
                summary=judgement.summary,
                tried=tried,
                judged_by=judgement.by,
                slack_channel=slack_channels.channel_for(tx, judgement.priority),
                vip=detection_rules.read(tx).is_vip(conversation.address),
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
        again = reopening.of(tx, conversation, now)
        if again:
            reopening.reopen(tx, again, escalation, now)
            return again
        subject = (message_content.shown(message) or "(no text)")[:SUBJECT_LENGTH]
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
