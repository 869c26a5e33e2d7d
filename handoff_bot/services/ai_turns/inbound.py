"""Inbound messages: stores, quick-checks and routes them to the thread or the assistant."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from handoff_bot.domain import detection
from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.errors import DeliveryError
from handoff_bot.domain.events import CONSENTS, EventKind
from handoff_bot.domain.messages import Author, Consent, InboundMessage, storable
from handoff_bot.domain.plain_answers import Rating
from handoff_bot.domain.signals import Act, Judgement
from handoff_bot.domain.text import spelled
from handoff_bot.domain.texts import Moment
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock
from handoff_bot.services import customer_lookup, settings_catalog
from handoff_bot.services.ai_turns import answering, file_reading, machines, moods, queued
from handoff_bot.services.ai_turns.answering import Question, TurnEvaluator
from handoff_bot.services.delivery import customer_texts, inbound_files, reachability, sending
from handoff_bot.services.delivery.sending import Channels, OutboundDraft
from handoff_bot.services.escalations import owners, rating, snoozing
from handoff_bot.services.escalations.opening import Opening
from handoff_bot.services.outbox import alarms, outbox, view_models
from handoff_bot.services.settings import rule_lists
from handoff_bot.services.translation import translating
from handoff_bot.storage import arrivals, conversations, log, sources
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Conversation, Escalation, Message
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

INBOUND = "inbound"
FILES_READ = "inbound.read"
_INBOUND = TypeAdapter(InboundMessage)
LONGEST_WAIT = timedelta(seconds=30)
"""How long a message waits for older ones that are being fetched from its provider."""
EARLIER_FIRST = "older messages are being fetched"


def as_work(message: InboundMessage, now: datetime) -> NewJob:
    """Returns the job for a message; the same message is enqueued once."""
    kind, lane, key, payload = as_arrival(message)
    return NewJob(kind, lane, payload, due_at=now, key=key)


def as_arrival(message: InboundMessage) -> tuple[str, str, str, dict[str, object]]:
    """Returns kind, lane, key and payload of a message's job. Live and fetched messages share them, so
    that a message that comes both ways has one effect.
    """
    key = f"{message.channel}:{message.provider_id}"
    lane = inbound_lane(message.channel, message.address)
    return INBOUND, lane, key, _INBOUND.dump_python(message)


def inbound_lane(channel: str, address: str) -> str:
    """Returns the lane that orders messages from one address."""
    return f"in:{channel}:{address}"


@dataclass(frozen=True)
class Arrived:
    """A stored message for the quick check.

    Attributes:
        epoch: the epoch when it arrived.
        rated: the CSAT rating it contained; its comment may still need an agent or an answer.
    """

    conversation_id: int
    message_id: int
    epoch: int
    question: Question
    rated: Rating | None = None


class HandleInbound(ProviderJob[Arrived, Judgement]):
    """Stores an inbound message, quick-checks it and decides what follows."""

    told = "the assignee, the queue channel and the admins"
    repeatable = True  # The quick check changes nothing: its result only takes effect in `finish`.
    chained = True

    def __init__(
        self,
        reacting: TurnEvaluator,
        opening: Opening,
        channels: Channels,
        clock: Clock,
        mood_of: moods.Moods,
        owner_checks: owners.OwnerChecks,
        leave_queue: Callable[[Transaction, int], bool],
        files: file_reading.FileReading,
        *,
        looks_up: bool = False,
    ) -> None:
        self._reacting = reacting
        self._opening = opening
        self._channels = channels
        self._clock = clock
        self._moods = mood_of
        self._owners = owner_checks
        self._leave_queue = leave_queue
        self._files = files
        self._looks_up = looks_up

    def prepare(self, tx: Transaction, job: Job) -> Arrived | None:
        """Stores the message and posts it if agents have the conversation; otherwise returns it for
        the check.
        """
        inbound = _INBOUND.validate_python(job.payload)
        inbound = replace(
            inbound, text=storable(inbound.text), profile_name=storable(inbound.profile_name)
        )
        known = arrivals.known(tx, inbound, settings_catalog.key_of("translate"))
        if inbound.sent_at is None and self._is_early(tx, inbound.channel, job, known):
            raise DeliveryError(EARLIER_FIRST, permanent=False, code="catching_up", retry_after=1.0)
        if (
            known.is_ours
            if known
            else conversations.is_one_of_ours(tx, inbound.channel, inbound.address)
        ):
            logger.warning("message from our own sender ignored", extra={"work_id": job.id})
            return None
        now = self._clock.now()
        if known:
            conversation, escalation = known.conversation, known.escalation
            conversations.hear(tx, conversation, inbound, now)
            conversations.call(known.contact, inbound)
        else:
            conversation = conversations.of_inbound(tx, inbound, now)
            escalation = rows.open_of(tx, conversation.id)
        message = self._stored(
            tx, job, inbound, conversation, is_new=bool(known and not known.work_id)
        )
        if message is None:
            return None
        if self._looks_up:
            customer_lookup.begin(tx, conversation, self._clock)
        is_translated = (
            settings_catalog.read("translate", known.translation)
            if known
            else bool(escalation) and translating.is_on(tx)
        )
        return self._arrived(tx, conversation, message, inbound, escalation, is_translated)

    def _stored(
        self,
        tx: Transaction,
        job: Job,
        inbound: InboundMessage,
        conversation: Conversation,
        *,
        is_new: bool,
    ) -> Message | None:
        """Returns the message, or None if it was already handled by another job."""
        now = self._clock.now()
        message = None if is_new else conversations.received(tx, inbound)
        is_new = message is None
        if message is None:
            context = view_models.stored(tx, conversation, inbound.context)
            message = conversations.add_inbound(tx, conversation, inbound, job.id, now, context)
        elif message.work_id != job.id:
            return None
        limits = self._channels[conversation.channel].limits
        heard_at = job.first_due_at if inbound.sent_at is None else message.created_at
        reachability.customer_wrote(tx, conversation, limits, heard_at, now)
        if is_new:
            log.record(
                tx,
                EventKind.MESSAGE_RECEIVED,
                now,
                conversation=conversation,
                message_id=message.id,
                channel=inbound.channel,
            )
        return message

    def _is_early(
        self, tx: Transaction, channel: str, job: Job, known: arrivals.Known | None
    ) -> bool:
        """Returns whether older messages of this channel may still have to be fetched. They go
        first, for a limited time.
        """
        now = self._clock.now()
        if now - job.first_due_at >= LONGEST_WAIT:
            return False
        if known is None:
            return sources.is_unread(tx, channel, ended_after=now - LONGEST_WAIT)
        return known.unread_until is not None and known.unread_until > now - LONGEST_WAIT

    def _arrived(
        self,
        tx: Transaction,
        conversation: Conversation,
        message: Message,
        inbound: InboundMessage,
        escalation: Escalation | None,
        is_translated: bool,
    ) -> Arrived | None:
        now = self._clock.now()
        if not escalation and machines.is_not_answered(tx, inbound):
            machines.show(tx, conversation, message, inbound.sender, now)
            return None
        if self._is_about_consent(tx, conversation, message, inbound, escalation):
            return None
        if escalation:
            self._during(tx, conversation, escalation, message, inbound, is_translated)
        is_read = bool(message.media) and self._files.begin(tx, conversation, message, now)
        if escalation or inbound.leaves_queue:
            return None
        rated = rating.take(tx, conversation, message, self._channels, now)
        if rated is not None and not rated.comment:
            return None
        # The team sees messages of customers who opted out.
        is_shown = bool(conversation.opted_out_at)
        if not is_shown and self._needs_no_judgement(
            tx, conversation, message, inbound, is_read=is_read
        ):
            return None
        return Arrived(
            conversation_id=conversation.id,
            message_id=message.id,
            epoch=conversation.epoch,
            rated=rated,
            question=answering.question(tx, conversation, wants_person=inbound.wants_person),
        )

    def _during(
        self,
        tx: Transaction,
        conversation: Conversation,
        escalation: Escalation,
        message: Message,
        inbound: InboundMessage,
        is_translated: bool,
    ) -> None:
        """Shows the message to the agents; a customer who asked to leave the queue leaves it."""
        now = self._clock.now()
        self._to_thread(tx, conversation, escalation, message, judge=not inbound.leaves_queue)
        if inbound.leaves_queue and self._leave_queue(tx, escalation.id):
            escalation.settled_message_id = message.id  # The AI does not answer it either.
            return
        queued.ask(tx, conversation, escalation, message, now)
        if is_translated:  # once its language is known
            outbox.ask_for_mood_of(tx, escalation, message, now)
        if escalation.snoozed_until:
            snoozing.wake(tx, escalation, "The customer replied, so the snooze has ended.", now)

    def _is_about_consent(
        self,
        tx: Transaction,
        conversation: Conversation,
        message: Message,
        inbound: InboundMessage,
        escalation: Escalation | None,
    ) -> bool:
        """Handles an opt-out or opt-in; True when the message needs nothing else."""
        now = self._clock.now()
        consent = reachability.consent_of(conversation, inbound)
        if consent:
            self._consent(tx, conversation, inbound, consent, escalation)
        elif conversation.opted_out_at:
            reachability.invite_answer(
                conversation, self._channels[conversation.channel].limits, now
            )
        if escalation and (consent or conversation.opted_out_at):
            self._to_thread(tx, conversation, escalation, message)
            outbox.update_card(tx, escalation, now)
        return bool(consent or (escalation and conversation.opted_out_at))

    def _needs_no_judgement(
        self,
        tx: Transaction,
        conversation: Conversation,
        message: Message,
        inbound: InboundMessage,
        *,
        is_read: bool,
    ) -> bool:
        """Returns whether no evaluation is needed, because the message is too old or has no text.

        `is_read` if its files are being read: it goes on afterwards.
        """
        now = self._clock.now()
        if inbound.sent_at is not None and reachability.is_closed(conversation, now):
            late = detection.too_late(view_models.shown(message))
            self._opening.open(tx, conversation, message, late, tried="")
            return True
        if inbound.wants_person or not machines.has_no_words(message):
            return False
        if not is_read and not machines.needs_no_answer(message):
            pause = rule_lists.detection_rules(tx).pause_seconds
            answering.ask(tx, conversation, message, pause, now)
        return True

    def _consent(
        self,
        tx: Transaction,
        conversation: Conversation,
        inbound: InboundMessage,
        consent: Consent,
        escalation: Escalation | None,
    ) -> None:
        """Applies STOP and START without involving the AI."""
        now = self._clock.now()
        is_repeated = consent is Consent.STOP and reachability.is_own_opt_out(tx, conversation)
        if consent is Consent.STOP:
            reachability.opt_out(tx, conversation, now)
            moment = Moment.STOPPED
        elif consent is Consent.START:
            reachability.opt_in(tx, conversation, now)
            moment = Moment.RESUMED
        else:
            moment = Moment.DISCLOSURE
        log.record(tx, CONSENTS[consent], now, conversation=conversation)
        if not inbound.consent_answered and not is_repeated:
            words = OutboundDraft(customer_texts.say(tx, moment, conversation, now), Author.SYSTEM)
            sending.say(tx, conversation, words, self._channels, now)

    def _to_thread(
        self,
        tx: Transaction,
        conversation: Conversation,
        escalation: Escalation,
        message: Message,
        *,
        judge: bool = False,
    ) -> None:
        """Posts the message for the agents; its mood is evaluated after it is posted."""
        now = self._clock.now()
        typed = view_models.typed(message)
        words = Post(
            PostKind.CONTACT,
            typed or ("" if message.media else view_models.shown(message)),
            name=conversations.contact_name(tx, conversation),
            channel=conversation.channel,
            notes=view_models.context_of(message).background,
        )
        if words.text or words.notes:
            when = outbox.mood_check_of(escalation) if judge else ""
            outbox.post(tx, escalation, words, now, judged=when, inbound=message)
        inbound_files.to_thread(tx, escalation, message, now)
        if not judge:
            translating.follow(tx, escalation, message, now)
        self._owners.check(tx, escalation)

    def call(self, plan: Arrived) -> Judgement:
        return self._reacting.quick_check(plan.question)

    def on_failed(self, tx: Transaction, job: Job, plan: Arrived | None, error: Exception) -> None:
        """Reports the unanswered message to the team."""
        payload, now = job.payload, self._clock.now()
        known = conversations.at(tx, str(payload["channel"]), str(payload["address"]))
        escalation = rows.open_of(tx, known.id) if known else None
        name = conversations.contact_name(tx, known) if known else payload["address"]
        who = f"{name} on {spelled(str(payload['channel']))}"
        why, key = alarms.why(error), f"inbound:{job.id}:{now.timestamp()}"
        alarms.unhandled(tx, escalation, who, str(payload["text"]), why, now, key)

    def finish(self, tx: Transaction, job: Job, plan: Arrived, result: Judgement) -> None:
        """Applies the check if the conversation has not changed since the message arrived."""
        now = self._clock.now()
        conversation = conversations.hold(tx, plan.conversation_id)
        message = tx.session.get_one(Message, plan.message_id)
        tx.set(conversation, language=result.language or conversation.language)
        answering.record(tx, EventKind.MESSAGE_JUDGED, conversation, message, result, now)
        escalation = rows.open_of(tx, plan.conversation_id)
        if escalation:  # escalated during the check
            self._to_thread(tx, conversation, escalation, message)
            self._moods.follow(tx, escalation, result, message)
        elif conversation.epoch == plan.epoch:
            self._go_on(tx, conversation, message, plan, result)

    def _go_on(
        self,
        tx: Transaction,
        conversation: Conversation,
        message: Message,
        plan: Arrived,
        result: Judgement,
    ) -> None:
        """Escalates the message or enqueues its answer."""
        if conversation.opted_out_at:
            # The team sees new messages now, unless they need no reply or are already in the
            # thread.
            is_shown = plan.rated and not plan.rated.asks and not result.escalate
            if result.act is Act.NONE and not is_shown:
                self._opening.open(tx, conversation, message, detection.opted_out(result), "")
        elif result.escalate and result.final:
            tried = answering.last_answer(plan.question.talk)
            self._opening.open(tx, conversation, message, result, tried)
        elif not plan.rated or plan.rated.asks:
            pause = plan.question.talk.rules.pause_seconds
            answering.ask(tx, conversation, message, pause, self._clock.now())


def go_on(tx: Transaction, conversation: Conversation, message: Message, now: datetime) -> None:
    """Enqueues what follows after a message's files were read, in turn with newer messages."""
    lane = inbound_lane(conversation.channel, conversation.address)
    payload = {"message_id": message.id, "conversation_id": conversation.id}
    key = f"read:{message.id}"
    enqueue_job(tx, NewJob(FILES_READ, lane, payload, due_at=now, key=key))


class HandleFilesRead(HandleInbound):
    """Lets a message go on whose files were read, as if the customer had typed what they hold."""

    chained = False

    def prepare(self, tx: Transaction, job: Job) -> Arrived | None:
        """Posts what was read if agents have the conversation; otherwise returns the message for the
        check.
        """
        message = tx.session.get(Message, int(job.payload["message_id"]))
        if message is None or not message.media:
            return None
        conversation = conversations.hold(tx, message.conversation_id)
        escalation = rows.open_of(tx, conversation.id)
        now = self._clock.now()
        if escalation:
            self._to_thread(tx, conversation, escalation, message, judge=True)
            queued.ask(tx, conversation, escalation, message, now)
            return None
        if conversation.opted_out_at or message.id <= rows.settled_until(tx, conversation.id):
            return None
        if machines.has_no_words(message):
            answering.ask(
                tx, conversation, message, rule_lists.detection_rules(tx).pause_seconds, now
            )
            return None
        return Arrived(
            conversation_id=conversation.id,
            message_id=message.id,
            epoch=conversation.epoch,
            # A customer may have written since: this message is judged all the same.
            question=answering.question(tx, conversation, last=message.id),
        )

    def finish(self, tx: Transaction, job: Job, plan: Arrived, result: Judgement) -> None:
        """Applies the check; if it escalates, later messages are posted too: their own check is over."""
        conversation = conversations.hold(tx, plan.conversation_id)
        was_open = rows.open_of(tx, conversation.id) is not None
        waiting = answering.unanswered(tx, conversation.id)
        super().finish(tx, job, plan, result)
        escalation = rows.open_of(tx, conversation.id)
        if escalation and not was_open:
            for later in (one for one in waiting if one.id > plan.message_id):
                super()._to_thread(tx, conversation, escalation, later)

    def _to_thread(
        self,
        tx: Transaction,
        conversation: Conversation,
        escalation: Escalation,
        message: Message,
        *,
        judge: bool = False,
    ) -> None:
        """Posts what was read; the message itself is in the thread already."""
        now = self._clock.now()
        inbound_files.readings_to_thread(tx, escalation, message, now)
        translating.follow(tx, escalation, message, now, read=True)
        if judge and view_models.read_words(message):
            outbox.ask_for_mood_of(tx, escalation, message, now, read=True)

    def on_failed(self, tx: Transaction, job: Job, plan: Arrived | None, error: Exception) -> None:
        """Reports the unanswered message to the team."""
        message = tx.session.get(Message, int(job.payload["message_id"]))
        if message is None:
            return
        conversation = conversations.get(tx, message.conversation_id)
        name = conversations.contact_name(tx, conversation)
        who = f"{name} on {spelled(conversation.channel)}"
        why, now = alarms.why(error), self._clock.now()
        key = f"inbound:{job.id}:{now.timestamp()}"
        text = view_models.own_words(message)
        escalation = rows.open_of(tx, conversation.id)
        alarms.unhandled(tx, escalation, who, text, why, now, key)
