"""Updates sentiment and priority on the card after a message was posted; see `outbox`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from handoff_bot.domain import detection
from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.messages import Author
from handoff_bot.domain.signals import Judgement, Mood, Priority
from handoff_bot.jobs.handler import ADMINS, ProviderJob
from handoff_bot.jobs.job import Job
from handoff_bot.ports import Clock
from handoff_bot.services.ai_turns import answering
from handoff_bot.services.ai_turns.answering import Question, TurnEvaluator
from handoff_bot.services.escalations import waiting_policy
from handoff_bot.services.outbox import outbox
from handoff_bot.services.outbox.ticket_sync import TicketSync
from handoff_bot.services.translation import translating
from handoff_bot.storage import conversations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Escalation, Message
from handoff_bot.storage.transaction import Transaction

STALE = timedelta(minutes=1)
"""Older messages are not evaluated: under load, posting messages has priority."""


class Moods:
    """Applies evaluations to cards."""

    def __init__(self, reacting: TurnEvaluator, clock: Clock, tickets_out: TicketSync) -> None:
        self._reacting = reacting
        self._clock = clock
        self._tickets_out = tickets_out

    def judge(self, question: Question) -> Judgement:
        return self._reacting.quick_check(question)

    def follow(
        self, tx: Transaction, escalation: Escalation, judgement: Judgement, message: Message
    ) -> None:
        """Updates the escalation with the evaluation of a customer's message.

        The mood changes in both directions, but a message that is older than the newest one (a voice
        note is read later) does not calm it. The priority only rises until an agent has looked.
        """
        now = self._clock.now()
        mood = detection.mood(judgement)
        before = Mood(escalation.mood or mood)
        if mood.rank < before.rank and _has_written_since(tx, message):
            mood = before
        rises = judgement.escalate and judgement.priority.rank < escalation.priority_rank
        if mood == escalation.mood and not rises:
            return
        escalation.mood = mood
        if rises:
            _raise(tx, escalation, judgement.priority, now)
            if escalation.ticket_id:
                self._tickets_out.changed(tx, escalation.ticket_id, now)
        outbox.update_card(tx, escalation, now)


@dataclass(frozen=True)
class MoodPlan:
    escalation_id: int
    message_id: int
    question: Question


class JudgeMood(ProviderJob[MoodPlan, Judgement]):
    """Evaluates a customer's posted message."""

    repeatable = True
    coalesces = True
    told = ADMINS

    def __init__(self, moods: Moods, clock: Clock) -> None:
        self._moods = moods
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> MoodPlan | None:
        """Returns the message of the job, or else the customer's last one; None if the escalation is
        closed or the message too old.
        """
        one = job.payload.get("message_id")
        now = self._clock.now()
        escalation = rows.get(tx, int(job.payload["escalation_id"]))
        if escalation is None or Status(escalation.status) not in OPEN:
            return None
        if one is None and now - job.first_due_at > STALE:
            return None
        conversation = conversations.get(tx, escalation.conversation_id)
        question = answering.question(tx, conversation, last=int(one or 0))
        newest = conversations.newest_of(tx, conversation.id, Author.CONTACT)
        if not question.talk.turns or newest is None:
            return None
        return MoodPlan(escalation.id, one or newest.id, question)

    def call(self, plan: MoodPlan) -> Judgement:
        return self._moods.judge(plan.question)

    def finish(self, tx: Transaction, job: Job, plan: MoodPlan, result: Judgement) -> None:
        """Updates the card, and translates the message now that its language is known."""
        now = self._clock.now()
        escalation = rows.get(tx, plan.escalation_id)
        message = tx.session.get(Message, plan.message_id)
        if escalation is None or message is None:
            return
        conversation = conversations.hold(tx, escalation.conversation_id)
        conversation.language = result.language or conversation.language
        answering.record(tx, EventKind.MESSAGE_JUDGED, conversation, message, result, now)
        if Status(escalation.status) not in OPEN:
            return
        self._moods.follow(tx, escalation, result, message)
        if "message_id" in job.payload:
            translating.follow(tx, escalation, message, now)


def _has_written_since(tx: Transaction, message: Message) -> bool:
    newest = conversations.newest_of(tx, message.conversation_id, Author.CONTACT)
    return newest is not None and newest.id > message.id


def _raise(tx: Transaction, escalation: Escalation, priority: Priority, now: datetime) -> None:
    log.record(
        tx,
        EventKind.ESCALATION_PRIORITY,
        now,
        escalation=escalation,
        before=escalation.priority,
        priority=priority.value,
    )
    waiting_policy.follow_priority(tx, escalation, rows.ticket_of(tx, escalation.id), priority, now)
