"""What a queued customer is told: their place and wait, a sure answer, or that they have left.

The message is in the thread already, so an agent sees it whatever happens here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.messages import Author
from handoff_bot.domain.signals import Answer, QueueAct
from handoff_bot.domain.text import shorten
from handoff_bot.domain.texts import Moment, find
from handoff_bot.jobs import store
from handoff_bot.jobs.handler import ADMINS, ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock
from handoff_bot.services.ai_turns import answering, machines
from handoff_bot.services.ai_turns.answering import Question, TurnEvaluator
from handoff_bot.services.delivery import customer_texts, reachability, sending
from handoff_bot.services.delivery.sending import Channels, OutboundDraft
from handoff_bot.services.escalations import applied_route, availability
from handoff_bot.services.escalations.lifecycle import Escalations
from handoff_bot.services.outbox import outbox, view_models
from handoff_bot.services.settings import rule_lists
from handoff_bot.storage import conversations, visitors
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Conversation, Escalation, Message
from handoff_bot.storage.transaction import Transaction

QUEUED = "queued.turn"
ANSWERED = "The AI answered while the customer was waiting:"
_SHOWN = 1_500
AT_ONCE = timedelta(seconds=5)
"""Beyond the pause, messages this close together count as one turn: the earlier one may have been left to
the later one.
"""


def ask(
    tx: Transaction,
    conversation: Conversation,
    escalation: Escalation,
    message: Message,
    now: datetime,
) -> None:
    """Enqueues a look at a queued customer's message, after a pause without another one."""
    if escalation.status != Status.QUEUED or machines.has_no_words(message):
        return
    pause = rule_lists.detection_rules(tx).pause_seconds
    payload = {"conversation_id": conversation.id, "message_id": message.id}
    due_at = now + timedelta(seconds=pause)
    enqueue_job(tx, NewJob(QUEUED, f"answer:queued:{conversation.id}", payload, due_at=due_at))


@dataclass(frozen=True)
class QueuedTurn:
    """A queued customer's messages since our last one.

    Attributes:
        epoch: the epoch in which they were written; later, nothing is said.
    """

    escalation_id: int
    message_id: int
    epoch: int
    question: Question
    texts: tuple[str, ...]


@dataclass(frozen=True)
class QueuedReaction:
    """What the messages ask for, and the answer to a question that the assistant is sure of."""

    act: QueueAct
    answer: Answer | None = None


class HandleQueued(ProviderJob[QueuedTurn, QueuedReaction]):
    """Answers a queued customer."""

    repeatable = True  # Its result only takes effect in `finish`.
    told = ADMINS

    def __init__(
        self, reacting: TurnEvaluator, escalations: Escalations, channels: Channels, clock: Clock
    ) -> None:
        self._reacting = reacting
        self._escalations = escalations
        self._channels = channels
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> QueuedTurn | None:
        """Returns the turn, or None if the customer has written again or is no longer queued."""
        conversation = conversations.hold(tx, job.payload["conversation_id"])
        escalation = rows.open_of(tx, conversation.id)
        if not _is_served(conversation, escalation, self._clock.now()) or escalation is None:
            return None
        newer = _burst(tx, conversation.id, escalation.message_id or 0)
        if not newer or newer[-1].id != job.payload["message_id"] or store.has_later(tx, job):
            return None
        question = answering.question(tx, conversation)
        return QueuedTurn(
            escalation_id=escalation.id,
            message_id=newer[-1].id,
            epoch=conversation.epoch,
            question=replace(question, talk=replace(question.talk, waiting=len(newer))),
            texts=tuple(map(view_models.own_words, newer)),
        )

    def call(self, plan: QueuedTurn) -> QueuedReaction:
        acts = [self._reacting.queue_act(text) for text in plan.texts]
        if acts[-1] is QueueAct.LEAVE:
            return QueuedReaction(QueueAct.LEAVE)
        if QueueAct.WAIT in acts:
            return QueuedReaction(QueueAct.WAIT)
        if QueueAct.QUESTION in acts:
            return QueuedReaction(QueueAct.QUESTION, self._reacting.sure_answer(plan.question))
        return QueuedReaction(QueueAct.OTHER)

    def finish(self, tx: Transaction, job: Job, plan: QueuedTurn, result: QueuedReaction) -> None:
        """Applies the reaction if the customer still waits in the same queue."""
        now = self._clock.now()
        conversation = conversations.hold(tx, job.payload["conversation_id"])
        escalation = rows.open_of(tx, conversation.id)
        if not _is_served(conversation, escalation, now) or escalation is None:
            return
        if conversation.epoch != plan.epoch or store.has_later(tx, job):
            return
        if result.act is QueueAct.LEAVE:
            if self._escalations.leave_in(tx, escalation.id):
                # It may not be in the thread yet; the AI does not answer it again.
                escalation.settled_message_id = plan.message_id
        elif result.act is QueueAct.WAIT:
            text = _place(tx, conversation, escalation, now)
            self._say(tx, conversation, plan, OutboundDraft(text, Author.SYSTEM), now)
        elif result.answer:
            self._answer(tx, conversation, escalation, plan, result.answer, now)

    def _answer(
        self,
        tx: Transaction,
        conversation: Conversation,
        escalation: Escalation,
        plan: QueuedTurn,
        answer: Answer,
        now: datetime,
    ) -> None:
        """Sends the answer, marked as automatic, and shows it in the thread."""
        mark = find("assistant", "automatic", conversation.language or "en").fill()
        draft = OutboundDraft(
            f"{mark}\n{answer.text}",
            Author.ASSISTANT,
            confidence=answer.confidence,
            sources=answer.sources,
            evidence=answer.evidence,
        )
        said = self._say(tx, conversation, plan, draft, now)
        shown = f"{ANSWERED}\n{shorten(answer.text, _SHOWN)}"
        feedback = f"{escalation.id}:{said.id}"
        outbox.post(tx, escalation, Post(PostKind.NOTICE, shown, feedback=feedback), now)

    def _say(
        self,
        tx: Transaction,
        conversation: Conversation,
        plan: QueuedTurn,
        draft: OutboundDraft,
        now: datetime,
    ) -> Message:
        draft = replace(draft, epoch_bound=True, answers=plan.message_id)
        return sending.say(
            tx,
            conversation,
            replace(draft, escalation_id=plan.escalation_id),
            self._channels,
            now,
        )

    def on_failed(
        self, tx: Transaction, job: Job, plan: QueuedTurn | None, error: Exception
    ) -> None:
        """Needs nothing: the message is in the thread, and the customer still waits."""


def _burst(tx: Transaction, conversation_id: int, after: int) -> list[Message]:
    """Returns the customer's last messages that came in one go, oldest first.

    Earlier ones had their turn, also those that nothing was said to: else each later message would
    be told the position again.
    """
    pause = timedelta(seconds=rule_lists.detection_rules(tx).pause_seconds) + AT_ONCE
    recent = conversations.recent(tx, conversation_id, answering.TURNS)
    ours = (one.payload.get("answers") for one in recent if one.author != Author.CONTACT)
    after = max(after, *(int(answered) for answered in ours if answered), 0)
    found: list[Message] = []
    for one in reversed(answering.unanswered(tx, conversation_id)):
        is_apart = bool(found) and found[-1].created_at - one.created_at > pause
        if one.id <= after or is_apart:
            break
        if not machines.has_no_words(one):
            found.append(one)
    return found[::-1]


def _is_served(conversation: Conversation, escalation: Escalation | None, now: datetime) -> bool:
    """Returns whether the customer waits in the queue and can be written to."""
    if escalation is None or escalation.status != Status.QUEUED:
        return False
    is_silenced = reachability.refuses(conversation, now)
    return not is_silenced and not reachability.is_closed(conversation, now)


def _place(
    tx: Transaction, conversation: Conversation, escalation: Escalation, now: datetime
) -> str:
    """Returns the position and what is left of the estimated wait.

    Where no agent is available it says so, and where the estimate is over it gives none. A text that
    the team has switched off is replaced by one that says less.
    """
    moments = [availability.first_words(tx, now, applied_route.people_of(tx, escalation))]
    ahead = visitors.ahead(tx, escalation)
    waited = int((now - escalation.opened_at).total_seconds() // 60)
    left = customer_texts.wait_minutes(tx, now, ahead) - waited
    if moments[0] is Moment.STARTED:
        is_late = left <= 0
        moments = (
            [Moment.WAITING_LONG, Moment.NOBODY_HERE]
            if is_late
            else [Moment.POSITION, Moment.STARTED]
        )
    texts = (
        customer_texts.say(tx, one, conversation, now, escalation, wait_minutes=left)
        for one in moments
    )
    return next(filter(None, texts))
