"""Outbound messages: composes them, sends them in order, applies delivery status updates."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.errors import ProviderFailure, Undecryptable
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.files import DeskFile, Piece, pieces
from handoff_bot.domain.messages import (
    Author,
    DeliveryStatus,
    DeliveryUpdate,
    Direction,
    OutboundMessage,
    Receipt,
    Template,
)
from handoff_bot.domain.signals import Evidence
from handoff_bot.domain.text import shorten, split_text
from handoff_bot.jobs.handler import ADMINS, ProviderJob, TransactionJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Channel, Clock
from handoff_bot.services.delivery import outbound_files, reachability
from handoff_bot.services.outbox import alarms, outbox, view_models
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import conversations, deliveries, log, resealing
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.encryption import TEXT_PREFIX
from handoff_bot.storage.models import Conversation, Delivery, Message
from handoff_bot.storage.sealed import Unreadable
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

SEND = "send"
CLARIFIES = "clarifies"
"""Key of the payload of a clarifying question, which answers nothing yet."""
_KEPT = 500
"""Characters of each passage and result that are kept as evidence."""
STATUS_UPDATE = "delivery"
_STATUS_UPDATE = TypeAdapter(DeliveryUpdate)
_TEMPLATE = TypeAdapter(Template)

NO_HOLD = timedelta()

Channels = Mapping[str, Channel]


@dataclass(frozen=True)
class OutboundDraft:
    """A message to enqueue.

    Attributes:
        epoch_bound: True if it must not be sent once the epoch has changed.
        confidence, sources: of the assistant's answer.
        answers: id of the newest message that this answers.
        choices: replies that the website chat offers as buttons.
        clarifies: True if it asks what the customer means.
        evidence: what the answer is based on; the beginning of each text is kept.
        files: an agent's attachments.
        template: sent instead of free text; `text` is its content.
        hold: how long it waits, so that its author can still edit it.
        written: the author's original, if `text` is a translation.
    """

    text: str
    author: Author
    epoch_bound: bool = False
    escalation_id: int | None = None
    agent_id: int | None = None
    desk_channel: str | None = None
    desk_ts: str | None = None
    note_id: int | None = None
    confidence: float | None = None
    sources: tuple[str, ...] = ()
    answers: int | None = None
    choices: tuple[str, ...] = ()
    clarifies: bool = False
    evidence: tuple[Evidence, ...] = ()
    files: tuple[DeskFile, ...] = ()
    template: Template | None = None
    hold: timedelta = NO_HOLD
    written: str = ""


def hold(tx: Transaction) -> timedelta:
    """Returns how long agents' replies are held; edits and deletions still take effect in that time."""
    return timedelta(seconds=live(tx).hold_seconds)


def say(
    tx: Transaction,
    conversation: Conversation,
    words: OutboundDraft,
    channels: Channels,
    now: datetime,
) -> Message:
    """Stores an outbound message and enqueues its parts in the conversation's order."""
    payload: dict[str, object] = {}
    if words.confidence is not None:
        payload = {"confidence": words.confidence, "sources": list(words.sources)}
    if words.answers is not None:
        payload["answers"] = words.answers
    payload |= _of_answer(words)
    if words.hold:
        payload["held"] = True
    if words.written:
        payload["written"] = words.written
    if words.template:
        payload["template"] = asdict(words.template)
    message = tx.add(
        Message(
            conversation_id=conversation.id,
            escalation_id=words.escalation_id,
            agent_id=words.agent_id,
            note_id=words.note_id,
            direction=Direction.OUTBOUND,
            author=words.author,
            channel=conversation.channel,
            text=words.text,
            media=outbound_files.media_of(words.files),
            desk_channel=words.desk_channel,
            desk_ts=words.desk_ts,
            epoch=conversation.epoch if words.epoch_bound else None,
            payload=payload,
            created_at=now,
        )
    )
    outbound_files.collect(tx, message, now)
    enqueue_parts(tx, conversation, message, channels, now, now + words.hold)
    if words.hold:
        outbox.delivery_updated(tx, message, now)
    return message


def _of_answer(words: OutboundDraft) -> dict[str, object]:
    """Returns what is kept of an answer besides its confidence; empty without."""
    held: dict[str, object] = {}
    if words.choices:
        held["choices"] = list(words.choices)
    if words.clarifies:
        held[CLARIFIES] = True
    if words.evidence:
        shown = (replace(one, text=shorten(one.text, _KEPT)) for one in words.evidence)
        held[view_models.EVIDENCE] = [asdict(one) for one in shown]
    return held


def enqueue_parts(
    tx: Transaction,
    conversation: Conversation,
    message: Message,
    channels: Channels,
    now: datetime,
    due_at: datetime,
) -> None:
    """Splits a message for its channel: one delivery and one job per part."""
    for part, piece in enumerate(pieces_of(message, channels)):
        made = deliveries.add(tx, message.id, part, piece.text, now, piece.file)
        enqueue(tx, conversation, made, due_at)


def pieces_of(
    message: Message, channels: Channels, besides: Collection[str] = frozenset()
) -> list[Piece]:
    """Returns the pieces of a message for its channel, without the given files."""
    limits = channels[message.channel].limits
    is_template = bool(message.payload.get("template"))  # a template is one piece
    words = [message.text] if is_template else split_text(message.text, limits.text)
    files = [one for one in view_models.sent_files(message) if one.token not in besides]
    return pieces(words, files, limits.caption)


def lane_of(conversation: Conversation) -> str:
    """Returns the lane that orders messages to this customer."""
    return f"out:{conversation.id}"


def enqueue(
    tx: Transaction, conversation: Conversation, delivery: Delivery, due_at: datetime
) -> None:
    """Enqueues one delivery in the conversation's order."""
    payload = {"delivery_id": delivery.id}
    enqueue_job(tx, NewJob(SEND, lane_of(conversation), payload, due_at=due_at))


@dataclass(frozen=True)
class SendPlan:
    delivery_id: int
    channel: str
    message: OutboundMessage


NOT_OPENED = "[This text cannot be decrypted: this process has no key for it.]"


class Send(ProviderJob[SendPlan, Receipt]):
    """Sends one delivery. The epoch is checked in the transaction that begins the call.

    Args:
        base_url: URL from which providers fetch our files.
    """

    chained = True
    told = "the agents, in the thread; without an escalation the queue channel and the admins"

    def __init__(
        self,
        database: Database,
        channels: Channels,
        clock: Clock,
        base_url: str = "",
    ) -> None:
        self._database = database
        self._channels = channels
        self._clock = clock
        self._base_url = base_url

    def prepare(self, tx: Transaction, job: Job) -> SendPlan | None:
        """Refuses what must not be sent, or marks the delivery as being sent."""
        found = _load(tx, job)
        if found is None:
            return None
        delivery, message, conversation = found
        now = self._clock.now()
        if isinstance(delivery.text, Unreadable):
            raise Undecryptable(str(delivery.text))
        if delivery.text.startswith(TEXT_PREFIX) and resealing.is_recorded(tx, delivery.text):
            raise Undecryptable(NOT_OPENED)
        if message.epoch is not None and message.epoch != conversation.epoch:
            deliveries.move(tx, delivery.id, DeliveryStatus.DROPPED, now)
            log.record(
                tx, EventKind.MESSAGE_DROPPED, now, conversation=conversation, message_id=message.id
            )
            _correct(tx, message, now)
            return None
        if reachability.refuses_from(Author(message.author), conversation, now):
            _fail(tx, delivery, message, conversation, "opted_out", OPTED_OUT, now, self._channels)
            return None
        if reachability.is_closed(conversation, now) and not message.payload.get("template"):
            code, words = reachability.CLOSED, reachability.WORDS
            _fail(tx, delivery, message, conversation, code, words, now, self._channels)
            return None
        media = outbound_files.addresses(tx, delivery, self._base_url, now)
        if media is None:
            _fail(tx, delivery, message, conversation, "file", NOT_KEPT, now, self._channels)
            return None
        deliveries.set_sending(tx, delivery.id, now)
        return _plan(delivery, message, conversation, media)

    def call(self, plan: SendPlan) -> Receipt:
        return self._channels[plan.channel].send(plan.message)

    def finish(self, tx: Transaction, job: Job, plan: SendPlan, result: Receipt) -> None:
        """Stores the provider's id and the status."""
        now = self._clock.now()
        status = max(result.status, DeliveryStatus.ACCEPTED, key=list(DeliveryStatus).index)
        deliveries.move(tx, plan.delivery_id, status, now, provider_id=result.provider_id)
        _updated(tx, plan.delivery_id, EventKind.MESSAGE_SENT, now)

    def recover(self, job: Job, begun_at: datetime) -> tuple[SendPlan, Receipt] | None:
        """Finds out whether it was sent, from its status callback or the provider."""
        with self._database.read() as tx:
            delivery = deliveries.get(tx, int(job.payload["delivery_id"]))
            if delivery is None:
                return None
            message = tx.session.get_one(Message, delivery.message_id)
            conversation = conversations.get(tx, message.conversation_id)
            # Only whether there were files matters here, not where.
            plan = _plan(delivery, message, conversation, tuple(filter(None, (delivery.file,))))
            if delivery.provider_id:
                return plan, Receipt(delivery.provider_id, DeliveryStatus(delivery.status))
        candidates = self._channels[plan.channel].sent_since(plan.message, begun_at)
        with self._database.read() as tx:
            known = deliveries.known_provider_ids(tx, [found.provider_id for found in candidates])
        for receipt in candidates:
            if receipt.provider_id not in known:
                logger.info("send recovered", extra={"delivery_id": plan.delivery_id})
                return plan, receipt
        return None

    def on_retry(self, tx: Transaction, job: Job, plan: SendPlan | None, error: Exception) -> None:
        """It is no longer being sent, so a claim need not wait for it."""
        in_doubt = job.begun_at is not None
        number = int(job.payload["delivery_id"])
        deliveries.set_waiting(tx, number, self._clock.now(), in_doubt=in_doubt)

    def on_failed(self, tx: Transaction, job: Job, plan: SendPlan | None, error: Exception) -> None:
        """Reports the failure with a reason and a Retry button."""
        found = _load(tx, job)
        if found is None:
            return
        delivery, message, conversation = found
        ours = isinstance(error, ProviderFailure)
        code = error.code if isinstance(error, ProviderFailure) else "internal"
        words = str(error) if ours else "Something went wrong on our side."
        in_doubt = job.begun_at is not None
        if in_doubt:
            words = f"It is not known whether this message reached the customer. {words}"
        now, channels = self._clock.now(), self._channels
        _fail(tx, delivery, message, conversation, code, words, now, channels, in_doubt=in_doubt)


NOT_SENT = "The AI's answer was not sent, because the conversation had changed meanwhile."
OPTED_OUT = (
    "Not sent: the customer texted STOP. They must text START before they can receive messages."
)


NOT_KEPT = "The file is no longer stored. Share it again."


def _plan(
    delivery: Delivery, message: Message, conversation: Conversation, media: tuple[str, ...]
) -> SendPlan:
    template = message.payload.get("template")
    outbound = OutboundMessage(
        oid=delivery.oid,
        to=conversation.address,
        sender=conversation.recipient,
        text=delivery.text,
        media=media,
        template=_TEMPLATE.validate_python(template) if template else None,
    )
    return SendPlan(delivery.id, conversation.channel, outbound)


def _correct(tx: Transaction, message: Message, now: datetime) -> None:
    """Says in the thread that an answer shown there was not sent."""
    if message.author != Author.ASSISTANT or message.escalation_id is None:
        return
    escalation = rows.get(tx, message.escalation_id)
    if escalation:
        post = Post(PostKind.NOTICE, NOT_SENT)
        outbox.post(tx, escalation, post, now, key=f"not sent:{message.id}")


def _load(tx: Transaction, job: Job) -> tuple[Delivery, Message, Conversation] | None:
    """Returns the delivery with its message if it may still be sent; the conversation is locked."""
    delivery = deliveries.get(tx, int(job.payload["delivery_id"]))
    if delivery is None:
        return None
    message = tx.session.get_one(Message, delivery.message_id)
    conversation = conversations.hold(tx, message.conversation_id)
    delivery = deliveries.get(tx, delivery.id)  # It may have changed while this transaction waited.
    waiting = (DeliveryStatus.QUEUED, DeliveryStatus.SENDING)
    if delivery is None or delivery.status not in waiting or delivery.superseded_at:
        return None
    return delivery, message, conversation


def _fail(
    tx: Transaction,
    delivery: Delivery,
    message: Message,
    conversation: Conversation,
    code: str,
    words: str,
    now: datetime,
    channels: Channels,
    *,
    in_doubt: bool = False,
) -> None:
    failed = DeliveryStatus.FAILED
    moved = deliveries.move(
        tx, delivery.id, failed, now, error_code=code, error=words, in_doubt=in_doubt
    )
    if moved:
        _report_failure(tx, message, conversation, code, words, now, channels)


def _report_failure(
    tx: Transaction,
    message: Message,
    conversation: Conversation,
    code: str,
    words: str,
    now: datetime,
    channels: Channels,
) -> None:
    log.record(
        tx,
        EventKind.MESSAGE_FAILED,
        now,
        conversation=conversation,
        message_id=message.id,
        agent_id=message.agent_id,
        channel=conversation.channel,
        code=code,
        author=message.author,
    )
    limits = channels[conversation.channel].limits
    if code in limits.opt_out_codes and not conversation.opted_out_at:
        reachability.opt_out(tx, conversation, now)
        log.record(tx, EventKind.CONSENT_STOP, now, conversation=conversation, by="carrier")
        if message.escalation_id:
            outbox.update_card_of(tx, message.escalation_id, now)
    is_late = code == reachability.CLOSED or code in limits.window_codes
    use_template = is_late and limits.templates
    told = outbox.delivery_failed(tx, message, words, now, use_template=use_template)
    if not told and not conversation.opted_out_at:
        alarms.unsent(tx, code, words, now)


def _updated(tx: Transaction, delivery_id: int, kind: EventKind, now: datetime) -> None:
    delivery = deliveries.get(tx, delivery_id)
    if delivery is None:
        return
    message = tx.session.get_one(Message, delivery.message_id)
    log.record(
        tx,
        kind,
        now,
        conversation=conversations.get(tx, message.conversation_id),
        message_id=message.id,
        status=delivery.status,
        author=message.author,
    )
    outbox.delivery_updated(tx, message, now)


class ApplyStatusUpdate(TransactionJob):
    """Applies status updates, which may arrive late, repeatedly or in any order."""

    chained = True
    told = ADMINS

    def __init__(self, clock: Clock, channels: Channels) -> None:
        self._clock = clock
        self._channels = channels

    def run(self, tx: Transaction, job: Job) -> None:
        """Updates the delivery and the thread."""
        news = _STATUS_UPDATE.validate_python(job.payload)
        delivery = deliveries.for_status_update(tx, news)
        if delivery is None:
            logger.warning("news of an unknown delivery", extra={"channel": news.channel})
            return
        now = self._clock.now()
        moved = deliveries.move(
            tx,
            delivery.id,
            news.status,
            now,
            provider_id=news.provider_id,
            error_code=news.error_code,
            error=news.error,
        )
        if not moved or delivery.superseded_at:
            return
        if news.status is not DeliveryStatus.FAILED:
            _updated(tx, delivery.id, EventKind.STATUS_UPDATE, now)
            return
        message = tx.session.get_one(Message, delivery.message_id)
        conversation = conversations.get(tx, message.conversation_id)
        code, words = news.error_code, news.error
        _report_failure(tx, message, conversation, code, words, now, self._channels)
