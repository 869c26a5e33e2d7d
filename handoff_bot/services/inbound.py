"""What a customer's message sets in motion: stored, then judged and answered, or passed to the thread."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from handoff_bot.domain import policy
from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.messages import Author, Consent, InboundMessage, storable
from handoff_bot.domain.signals import Answer, Judgement, Turn
from handoff_bot.domain.texts import Moment, say
from handoff_bot.ports import Assistant, Clock, Detector
from handoff_bot.services import deskwork, rating, sending
from handoff_bot.services.escalations import Escalations
from handoff_bot.services.runner import Handler
from handoff_bot.services.sending import Channels, Words
from handoff_bot.storage import conversations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.models import Conversation, Escalation, Message
from handoff_bot.storage.transaction import Job, Transaction

logger = logging.getLogger(__name__)

INBOUND = "inbound"
_INBOUND = TypeAdapter(InboundMessage)
TURNS = 40
"""How much of a conversation the AI sees."""


def inbound_lane(channel: str, address: str) -> str:
    """The lane that orders what comes from one address."""
    return f"in:{channel}:{address}"


_ROLES = {
    Author.CONTACT: "customer",
    Author.ASSISTANT: "assistant",
    Author.SYSTEM: "assistant",
    Author.AGENT: "agent",
}


@dataclass(frozen=True)
class Question:
    """One customer's turn for the AI.

    Attributes:
        epoch: who spoke when it was asked; an answer to it leaves in that epoch alone.
        unsure_before: True when the assistant did not know its last answer.
        wants_person: True when they pressed a button for it, so that nobody need be asked.
    """

    conversation_id: int
    message_id: int
    epoch: int
    turns: tuple[Turn, ...]
    language: str
    unsure_before: bool
    wants_person: bool


@dataclass(frozen=True)
class Reaction:
    """What the AI says to a turn."""

    judgement: Judgement
    answer: Answer | None


class HandleInbound(Handler[Question, Reaction]):
    """Stores an inbound message and decides what follows from it."""

    repeatable = True  # asking the AI again is harmless: what it says counts only in `finish`

    def __init__(
        self,
        detector: Detector,
        assistant: Assistant,
        escalations: Escalations,
        channels: Channels,
        clock: Clock,
    ) -> None:
        self._detector = detector
        self._assistant = assistant
        self._escalations = escalations
        self._channels = channels
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> Question | None:
        """Store it; a question for the AI unless a human, or nobody, is to answer it."""
        inbound = _INBOUND.validate_python(job.payload)
        inbound = replace(
            inbound, text=storable(inbound.text), profile_name=storable(inbound.profile_name)
        )
        now = self._clock.now()
        conversation = conversations.of_inbound(tx, inbound, now)
        message = conversations.add_inbound(tx, conversation, inbound, job.id, now)
        if message is None:
            return None
        if job.attempts == 0:
            log.record(
                tx,
                "message.received",
                now,
                conversation=conversation,
                message_id=id_of(message),
                channel=inbound.channel,
            )
        return self._question(tx, conversation, message, inbound)

    def _question(
        self,
        tx: Transaction,
        conversation: Conversation,
        message: Message,
        inbound: InboundMessage,
    ) -> Question | None:
        escalation = rows.open_of(tx, id_of(conversation))
        if inbound.consent:
            self._consent(tx, conversation, inbound, escalation)
        if escalation:
            self._to_thread(tx, conversation, escalation, message)
        if escalation or inbound.consent or conversation.opted_out_at:
            return None
        if rating.take(tx, conversation, message, self._channels, self._clock.now()):
            return None
        last = conversations.last_assistant_message(tx, id_of(conversation))
        return Question(
            conversation_id=id_of(conversation),
            message_id=id_of(message),
            epoch=conversation.epoch,
            turns=tuple(_turns(conversations.recent(tx, id_of(conversation), TURNS))),
            language=conversation.language,
            unsure_before=bool(last and last.payload.get("confidence", 1.0) < policy.UNSURE),
            wants_person=inbound.wants_person,
        )

    def _consent(
        self,
        tx: Transaction,
        conversation: Conversation,
        inbound: InboundMessage,
        escalation: Escalation | None,
    ) -> None:
        """STOP and START are the customer's word; nobody argues with it, least of all the AI."""
        now = self._clock.now()
        consent = inbound.consent
        if consent is Consent.STOP:
            conversation.opted_out_at = now
            moment = Moment.STOPPED
        elif consent is Consent.START:
            conversation.opted_out_at = None
            moment = Moment.RESUMED
        else:
            moment = Moment.DISCLOSURE
        log.record(tx, f"consent.{consent}", now, conversation=conversation)
        if not inbound.consent_answered:
            words = Words(say(moment, conversation.language), Author.SYSTEM)
            sending.say(tx, conversation, words, self._channels, now)
        if escalation:
            deskwork.redraw(tx, escalation, now)

    def _to_thread(
        self, tx: Transaction, conversation: Conversation, escalation: Escalation, message: Message
    ) -> None:
        words = Post(
            PostKind.CONTACT,
            message.text,
            name=conversations.contact_name(tx, conversation),
            channel=conversation.channel,
            attachments=tuple(file["content_type"] for file in message.media),
        )
        deskwork.post(tx, escalation, words, self._clock.now())

    def call(self, plan: Question) -> Reaction:
        """Judge the turn; answer it unless a human is needed."""
        if plan.wants_person:
            return Reaction(policy.pressed_for_a_person(plan.turns[-1].text), None)
        judgement = self._judge(plan)
        if judgement.escalate:
            return Reaction(judgement, None)
        answer = self._answer(plan, judgement.language or plan.language)
        return Reaction(policy.weigh(judgement, answer, unsure_before=plan.unsure_before), answer)

    def _judge(self, plan: Question) -> Judgement:
        try:
            return self._detector.judge(plan.turns)
        except ModelError:
            logger.warning("no detector could judge", extra={"message_id": plan.message_id})
            return policy.broken_detector(plan.turns[-1].text)

    def _answer(self, plan: Question, language: str) -> Answer | None:
        try:
            return self._assistant.answer(plan.turns, language)
        except ModelError:
            logger.warning("no assistant could answer", extra={"message_id": plan.message_id})
            return None

    def finish(self, tx: Transaction, job: Job, plan: Question, result: Reaction) -> None:
        """Act on it, if the conversation is still where it was when the AI was asked."""
        conversation = conversations.hold(tx, plan.conversation_id)
        message = tx.session.get_one(Message, plan.message_id)
        judgement = result.judgement
        conversation.language = judgement.language or conversation.language
        self._log(tx, conversation, message, result)
        escalation = rows.open_of(tx, plan.conversation_id)
        if escalation:
            self._to_thread(tx, conversation, escalation, message)
        elif conversation.opted_out_at or conversation.epoch != plan.epoch:
            return
        elif judgement.escalate or result.answer is None:
            self._escalate(tx, conversation, message, plan, result)
        else:
            self._say(tx, conversation, result.answer)

    def _log(
        self, tx: Transaction, conversation: Conversation, message: Message, result: Reaction
    ) -> None:
        judgement = result.judgement
        log.record(
            tx,
            "message.judged",
            self._clock.now(),
            conversation=conversation,
            message_id=id_of(message),
            scores={signal.value: round(score, 4) for signal, score in judgement.scores.items()},
            reason=judgement.reason.value if judgement.reason else None,
            by=judgement.by,
            answered_by=result.answer.by if result.answer else None,
            answer_confidence=round(result.answer.confidence, 4) if result.answer else None,
        )

    def _escalate(
        self,
        tx: Transaction,
        conversation: Conversation,
        message: Message,
        plan: Question,
        result: Reaction,
    ) -> None:
        judgement = result.judgement
        if not judgement.escalate:  # there was no answer to give
            judgement = replace(policy.broken_detector(message.text), by=judgement.by)
        tried = next((turn.text for turn in reversed(plan.turns) if turn.role == "assistant"), "")
        self._escalations.open(tx, conversation, message, judgement, tried)

    def _say(self, tx: Transaction, conversation: Conversation, answer: Answer) -> None:
        now = self._clock.now()
        text = answer.text
        if conversation.disclosed_at is None:
            text = f"{say(Moment.DISCLOSURE, conversation.language)}\n\n{text}"
            conversation.disclosed_at = now
        words = Words(
            text,
            Author.ASSISTANT,
            epoch_bound=True,
            confidence=answer.confidence,
            sources=answer.sources,
        )
        sending.say(tx, conversation, words, self._channels, now)


def _turns(messages: Sequence[Message]) -> list[Turn]:
    return [
        Turn(_ROLES[Author(message.author)], message.text or _attached(message))
        for message in messages
    ]


def _attached(message: Message) -> str:
    return " ".join(f"[{file['content_type']}]" for file in message.media)
