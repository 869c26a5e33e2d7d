"""AI turns: evaluates and answers a customer's consecutive messages, and loses no question."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from handoff_bot.domain import detection
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.errors import ModelError, ReadingError
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.messages import Author, MessageKind
from handoff_bot.domain.plain_answers import plain
from handoff_bot.domain.signals import Act, Answer, Judgement, QueueAct, Turn
from handoff_bot.domain.text import spelled
from handoff_bot.domain.texts import Moment
from handoff_bot.jobs import store
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Assistant, Clock, Detector
from handoff_bot.services.ai_turns import file_reading, machines
from handoff_bot.services.delivery import customer_texts, sending
from handoff_bot.services.delivery.sending import CLARIFIES, Channels, OutboundDraft
from handoff_bot.services.escalations import transfer
from handoff_bot.services.escalations.opening import Opening
from handoff_bot.services.outbox import alarms, outbox, view_models
from handoff_bot.services.outbox.outbox import EscalationChanged
from handoff_bot.services.settings import rule_lists
from handoff_bot.storage import conversations, deliveries, log, queue
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Conversation, Message
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

# -- the evaluation: does it need an agent, and if not, what is the answer?

_THREADS = 8
"""Number of answers composed while their turns are still being evaluated."""


@dataclass(frozen=True)
class Question:
    """A customer's turn for the AI.

    Attributes:
        talk: the conversation; its last turn is the customer's.
        vip: True if the contact is a VIP.
        unsure_before: True if the assistant did not know its last answer.
        answers: number of AI answers since an agent last had the conversation, without clarifying
            questions.
        clarified: number of clarifying questions since the last answer.
        wants_person: True if the customer pressed the button for an agent, so no detection is
            needed.
    """

    talk: ConversationContext
    vip: bool = False
    unsure_before: bool = False
    answers: int = 0
    clarified: int = 0
    wants_person: bool = False

    @property
    def words(self) -> str:
        """Returns the customer's last message. Untrusted."""
        return self.talk.turns[-1].text


@dataclass(frozen=True)
class Reaction:
    """The AI's result for a turn; without an answer, an agent is needed.

    Attributes:
        composed: the answer, also where an agent is needed; None if it was not awaited.
    """

    judgement: Judgement
    answer: Answer | None
    composed: Answer | None = None


class TurnEvaluator:
    """The detector and the assistant, combined with the admins' rules."""

    def __init__(self, detector: Detector, assistant: Assistant) -> None:
        self._detector = detector
        self._assistant = assistant
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="answer")

    def close(self) -> None:
        """Stops the threads; pending answers are dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def quick_check(self, question: Question) -> Judgement:
        """Quick check on this machine, without a network request."""
        if question.wants_person:
            return self._about(question, detection.pressed_for_a_person(question.words))
        rules = question.talk.rules
        if phrase := rules.phrase_in(question.words):
            named = detection.named_a_phrase(phrase, question.words)
            return self._ranked(question, self._about(question, named))
        try:
            judgement = self._detector.quick_check(_as_judged(question))
        except ModelError:
            logger.warning("no detector could judge")
            judgement = detection.broken_detector(question.words)
        return self._ranked(question, judgement)

    def screened(self, question: Question) -> Judgement:
        """Quick check, and whether the rules let the AI answer at all."""
        first = self.quick_check(question)
        if (first.escalate and first.final) or first.act is not Act.NONE:
            return first
        enough = detection.enough(question.talk.rules, question.answers, first)
        return self._ranked(question, self._about(question, enough)) if enough else first

    def react(self, question: Question) -> Reaction:
        """Full evaluation: detects, and answers unless an agent is needed."""
        first = self.screened(question)
        if first.escalate and first.final:
            return Reaction(first, None)
        language = first.language or question.talk.language
        if first.final:
            return self._weighed(question, first, self._answer(question, language))
        # The answer is composed in parallel; it is dropped if an agent is needed.
        waiting = self._pool.submit(self._answer, question, language)
        judgement = self._judged(question, first)
        if judgement.escalate:
            waiting.cancel()
            return Reaction(judgement, None)
        return self._weighed(question, judgement, waiting.result())

    def _judged(self, question: Question, first: Judgement) -> Judgement:
        try:
            return self._ranked(question, self._detector.judge(_as_judged(question)))
        except ModelError:
            logger.warning("no detector could take a longer look")
            return replace(first, final=True)

    def _answer(self, question: Question, language: str) -> Answer | None:
        try:
            return self._assistant.answer(question.talk, language)
        except ModelError:
            logger.warning("no assistant could answer")
            return None

    def _weighed(self, question: Question, judgement: Judgement, answer: Answer | None) -> Reaction:
        """Combines the evaluation with the answer. The answer must not promise an agent who was not
        requested.
        """
        if answer and self._detector.announces(answer.text):
            return Reaction(self._ranked(question, detection.announced(judgement)), None, answer)
        if answer and answer.is_clarifying:
            weighed = detection.clarified(judgement, question.clarified)
        else:
            weighed = detection.weigh(judgement, answer, unsure_before=question.unsure_before)
        if answer is None and not weighed.escalate:
            weighed = replace(detection.broken_detector(question.words), by=judgement.by)
        weighed = self._ranked(question, weighed)
        return Reaction(weighed, None if weighed.escalate else answer, answer)

    def queue_act(self, words: str) -> QueueAct:
        """Returns what a queued customer's message asks for."""
        return self._detector.queue_act(words)

    def sure_answer(self, question: Question) -> Answer | None:
        """Returns an answer from articles that a queued customer may get, or None."""
        talk = question.talk
        if talk.rules.paused or (
            talk.rules.languages and talk.language not in talk.rules.languages
        ):
            return None
        answer = self._answer(question, talk.language)
        if (
            answer is None
            or answer.is_clarifying
            or not answer.sources
            or answer.confidence < detection.SURE
        ):
            return None
        return None if self._detector.announces(answer.text) else answer

    def _about(self, question: Question, judgement: Judgement) -> Judgement:
        """Adds to a rule's summary what the customer wants."""
        about = self._detector.about(_as_judged(question))
        return replace(judgement, summary=f"{judgement.summary} {about}".strip())

    def _ranked(self, question: Question, judgement: Judgement) -> Judgement:
        return detection.ranked(judgement, vip=question.vip)


def _as_judged(question: Question) -> ConversationContext:
    talk = question.talk
    rules = talk.rules.for_vip() if question.vip else talk.rules
    return replace(talk, turns=rules.without_phrases(talk.turns), rules=rules)


# -- the turn: consecutive messages as one

ANSWER = "answer"

TURNS = 40
"""Number of messages of a conversation that the AI receives."""

PATIENCE = timedelta(seconds=10)
"""A customer who keeps writing without a pause is answered after this time."""

_FILLED = frozenset({MessageKind.FORM, MessageKind.ORDER})
_ROLES = {
    Author.CONTACT: "customer",
    Author.ASSISTANT: "assistant",
    Author.SYSTEM: "assistant",
    Author.AGENT: "agent",
}


@dataclass(frozen=True)
class History:
    """What is read of a conversation for the AI, once for all that is worked out from it.

    Attributes:
        recent: its newest messages, oldest first.
        settled: the newest message that an agent has settled, including all before it; or 0.
    """

    recent: Sequence[Message]
    settled: int

    @classmethod
    def of(cls, tx: Transaction, conversation_id: int, last: int = 0) -> History:
        """Returns the messages up to the one with the id `last`; 0 for all."""
        if last:
            recent = conversations.until(tx, conversation_id, last, TURNS)
        else:
            recent = conversations.recent(tx, conversation_id, TURNS)
        return cls(recent, rows.settled_until(tx, conversation_id))

    def unanswered(self) -> list[Message]:
        """Returns the customer's unanswered and unsettled messages, oldest first.

        Messages about consent or a CSAT rating are excluded: a fixed text or the carrier answers
        them.
        """
        found: list[Message] = []
        covered, done = self.settled, set()
        for message in reversed(self.recent):
            if message.id <= self.settled:
                break
            if message.author == Author.CONTACT and not plain(message.text):
                found.append(message)
            elif message.author == Author.SYSTEM:
                done.add(message.payload.get("answers"))
            elif message.author == Author.ASSISTANT:
                covered = message.payload.get("answers", message.id)
                break
        return [one for one in reversed(found) if one.id > covered and one.id not in done]


def question(
    tx: Transaction,
    conversation: Conversation,
    history: History | None = None,
    *,
    wants_person: bool = False,
    last: int = 0,
) -> Question:
    """Builds the AI's input; the last message is the customer's.

    Args:
        last: id of the customer's message to end with; 0 for the newest.
    """
    history = history or History.of(tx, conversation.id, last)
    messages = _in_turn(deliveries.arrived(tx, history.recent))
    settled = sum(one.id <= history.settled for one in messages)
    turns = tuple(map(_turn, messages))
    hints = tuple(transfer.memories(tx, conversation.id)) if settled else ()
    ours = [one for one in messages[settled:] if one.author == Author.ASSISTANT]
    answers = [one for one in ours if not one.payload.get(CLARIFIES)]
    live = rule_lists.detection_rules(tx)
    return Question(
        talk=ConversationContext(
            turns=turns,
            settled=min(settled, len(turns) - 1),
            rules=live,
            language=conversation.language,
            contact_id=conversation.contact_id,
            conversation_id=conversation.id,
            hints=hints,
            waiting=_waiting(history, messages),
        ),
        vip=live.is_vip(conversation.address),
        unsure_before=bool(
            answers and answers[-1].payload.get("confidence", 1.0) < detection.UNSURE
        ),
        # A customer who already waits for an agent keeps talking to the AI.
        answers=0 if queue.held_of(tx, conversation.id) else len(answers),
        clarified=sum(1 for _ in takewhile(_clarifies, reversed(ours))),
        wants_person=wants_person,
    )


def _clarifies(message: Message) -> bool:
    return bool(message.payload.get(CLARIFIES))


def _waiting(history: History, messages: Sequence[Message]) -> int:
    """Counts the customer's unanswered messages at the end of the conversation; at least 1."""
    open_ones = {one.id for one in history.unanswered()}
    trailing = takewhile(lambda one: one.id in open_ones, reversed(messages))
    return max(1, sum(1 for _ in trailing))


def _in_turn(messages: list[Message]) -> list[Message]:
    """Moves the customer's last message to the end. Messages after it are not answers to it."""
    theirs = [message for message in messages if message.author == Author.CONTACT]
    if not theirs:
        return messages
    return [*(message for message in messages if message is not theirs[-1]), theirs[-1]]


def talk_until(
    tx: Transaction, conversation_id: int, message_id: int
) -> ConversationContext | None:
    """Returns the conversation up to this message, or None if the message no longer exists."""
    messages = deliveries.arrived(tx, conversations.until(tx, conversation_id, message_id, TURNS))
    if not messages:
        return None
    earlier = rows.settled_before(tx, conversation_id, message_id)
    settled = sum(one.id <= earlier for one in messages)
    return ConversationContext(tuple(map(_turn, messages)), settled=min(settled, len(messages) - 1))


def _turn(message: Message) -> Turn:
    text = view_models.own_words(message) or _attached(message)
    if not text and view_models.kind_of(message) is not MessageKind.TEXT:
        text = view_models.shown(message)
    context = " · ".join(view_models.context_of(message).background)
    filled = view_models.kind_of(message) in _FILLED
    return Turn(_ROLES[Author(message.author)], text, context, filled)


def _attached(message: Message) -> str:
    return " ".join(f"[{file['content_type']}]" for file in message.media)


def last_answer(talk: ConversationContext) -> str:
    """Returns the assistant's last message, or ""."""
    return next((turn.text for turn in reversed(talk.turns) if turn.role == "assistant"), "")


def record(
    tx: Transaction,
    kind: EventKind,
    conversation: Conversation,
    message: Message,
    judgement: Judgement,
    now: datetime,
    reaction: Reaction | None = None,
) -> None:
    """Logs the AI's result: `message.judged` for the quick check, `message.considered` for the full
    evaluation.
    """
    answer = reaction.answer if reaction else None
    outcome = _by_model(reaction.composed) if reaction else {}
    if answer and answer.is_clarifying:
        outcome["outcome"] = "clarified"
    log.record(
        tx,
        kind,
        now,
        conversation=conversation,
        message_id=message.id,
        scores={signal.value: round(score, 4) for signal, score in judgement.scores.items()},
        reason=judgement.reason.value if judgement.reason else None,
        by=judgement.by,
        answered_by=answer.by if answer else None,
        answer_confidence=round(answer.confidence, 4) if answer else None,
        channel=conversation.channel,
        **outcome,
    )


def _by_model(composed: Answer | None) -> dict[str, Any]:
    """Returns whether a language model answered in time; empty when none was asked."""
    if composed is None or composed.in_time is None:
        return {}
    return {"model": "in_time" if composed.in_time else "late"}


def ask(
    tx: Transaction, conversation: Conversation, message: Message, pause: float, now: datetime
) -> None:
    """Enqueues the answer to this message, due after `pause` seconds without another message."""
    payload = {"conversation_id": conversation.id, "message_id": message.id}
    due_at = now + timedelta(seconds=pause)
    enqueue_job(tx, NewJob(ANSWER, f"answer:{conversation.id}", payload, due_at=due_at))


@dataclass(frozen=True)
class Asked:
    """A turn to evaluate and answer.

    Attributes:
        message_id: the newest message to answer.
        epoch: the epoch of the question; the answer is only sent in the same epoch.
        waits_since: when the oldest unanswered message arrived.
        covers: the newest message that the answer covers, also if it has no text.
        unread: the newest message with a file that was not read; the answer says so. None without.
    """

    conversation_id: int
    message_id: int
    epoch: int
    waits_since: datetime
    question: Question
    covers: int
    unread: int | None = None


class HandleAnswer(ProviderJob[Asked, Reaction]):
    """Evaluates and answers a customer's turn."""

    told = "the queue channel and the admins"
    repeatable = True  # Asking the AI again is harmless: its result only takes effect in `finish`.

    def __init__(
        self, reacting: TurnEvaluator, opening: Opening, channels: Channels, clock: Clock
    ) -> None:
        self._reacting = reacting
        self._opening = opening
        self._channels = channels
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> Asked | None:
        """Returns the question, or None if it was answered, an agent answers, or the customer is
        still writing.

        Raises:
            ReadingError: a voice note or a picture of the turn is still being read.
        """
        conversation = conversations.hold(tx, job.payload["conversation_id"])
        number = conversation.id
        if rows.open_of(tx, number) or conversation.opted_out_at:
            return None
        history = History.of(tx, number)
        waiting = history.unanswered()
        if job.payload["message_id"] not in [one.id for one in waiting]:
            return None
        since = waiting[0].created_at
        now = self._clock.now()
        if store.has_later(tx, job) and now - since < PATIENCE:
            return None
        if any(one.media for one in waiting) and file_reading.is_pending(tx, number, now):
            raise ReadingError(file_reading.STILL_READING, permanent=False, retry_after=1.0)
        silent = [one for one in waiting if machines.has_no_words(one)]
        if silent == waiting:
            machines.tell(tx, conversation, waiting[-1], self._channels, now)
            return None
        readable = [one for one in history.recent if one not in silent]
        unread = [one.id for one in silent if not machines.needs_no_answer(one)]
        return Asked(
            conversation_id=number,
            message_id=[one.id for one in waiting if one not in silent][-1],
            epoch=conversation.epoch,
            waits_since=since,
            question=question(tx, conversation, replace(history, recent=readable)),
            covers=waiting[-1].id,
            unread=unread[-1] if unread else None,
        )

    def call(self, plan: Asked) -> Reaction:
        return self._reacting.react(plan.question)

    def on_failed(self, tx: Transaction, job: Job, plan: Asked | None, error: Exception) -> None:
        """Reports the unanswered message to the team."""
        now, why = self._clock.now(), alarms.why(error)
        conversation = conversations.get(tx, job.payload["conversation_id"])
        message = tx.session.get_one(Message, job.payload["message_id"])
        name = conversations.contact_name(tx, conversation)
        who = f"{name} on {spelled(conversation.channel)}"
        key = f"answer:{job.id}:{now.timestamp()}"
        escalation = rows.open_of(tx, conversation.id)
        alarms.unhandled(tx, escalation, who, view_models.own_words(message), why, now, key)

    def finish(self, tx: Transaction, job: Job, plan: Asked, result: Reaction) -> None:
        """Applies the reaction if the conversation has not changed since the AI was asked."""
        now = self._clock.now()
        conversation = conversations.hold(tx, plan.conversation_id)
        message = tx.session.get_one(Message, plan.message_id)
        judgement = result.judgement
        tx.set(conversation, language=judgement.language or conversation.language)
        record(tx, EventKind.MESSAGE_CONSIDERED, conversation, message, judgement, now, result)
        if rows.open_of(tx, plan.conversation_id) or conversation.opted_out_at:
            return
        if conversation.epoch != plan.epoch:
            return
        if judgement.escalate or result.answer is None:
            tried = last_answer(plan.question.talk)
            self._opening.open(tx, conversation, message, judgement, tried)
        elif not store.has_later(tx, job) or now - plan.waits_since >= PATIENCE:
            self._say(tx, conversation, result.answer, plan, now)

    def _say(
        self,
        tx: Transaction,
        conversation: Conversation,
        answer: Answer,
        plan: Asked,
        now: datetime,
    ) -> None:
        text = answer.text
        unread = tx.session.get(Message, plan.unread) if plan.unread else None
        if unread:
            text = f"{text}\n\n{machines.sentence(tx, conversation, unread, now)}".strip()
        if conversation.disclosed_at is None:
            text = f"{customer_texts.say(tx, Moment.DISCLOSURE, conversation, now)}\n\n{text}"
            tx.set(conversation, disclosed_at=now)
        words = OutboundDraft(
            text,
            Author.ASSISTANT,
            epoch_bound=True,
            confidence=answer.confidence,
            sources=answer.sources,
            answers=plan.covers,
            choices=answer.choices,
            clarifies=answer.is_clarifying,
            evidence=answer.evidence,
        )
        sending.say(tx, conversation, words, self._channels, now)


def unanswered(tx: Transaction, conversation_id: int) -> list[Message]:
    """Same as `History.unanswered`."""
    return History.of(tx, conversation_id).unanswered()


# -- messages that arrive while a conversation changes between AI and agent

ALSO = "Earlier messages without an answer:"
MOST = 10
ENDS = frozenset({Step.RESOLVE, Step.RETURN, Step.DISMISS})


def answer_unposted(change: EscalationChanged) -> None:
    """Lets the AI answer messages that arrived during closing and were not in the thread yet."""
    tx, escalation, conversation = change.tx, change.escalation, change.conversation
    unposted = outbox.unposted(tx, escalation.id) if change.step in ENDS else []
    if not unposted or conversation.opted_out_at:
        return
    settled = escalation.settled_message_id or 0
    escalation.settled_message_id = min(settled, unposted[0] - 1)
    message = tx.session.get_one(Message, unposted[-1])
    ask(tx, conversation, message, rule_lists.detection_rules(tx).pause_seconds, change.now)


def on_escalation_changed(change: EscalationChanged) -> None:
    """Posts unanswered messages below the card, in order. The escalating message is on the card
    itself.
    """
    tx, escalation, conversation = change.tx, change.escalation, change.conversation
    if change.step or escalation.message_id is None:
        return
    waiting = unanswered(tx, conversation.id)
    earlier = [one for one in waiting if one.text and one.id < escalation.message_id][-MOST:]
    if not earlier:
        return
    outbox.notice(tx, escalation, ALSO, change.now)
    name = conversations.contact_name(tx, conversation)
    for message in earlier:
        words = Post(PostKind.CONTACT, message.text, name=name, channel=conversation.channel)
        outbox.post(tx, escalation, words, change.now)
