"""While a customer waits: policy steps, queue-position updates, and effects of a priority change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.escalations import OPEN, Status, Step
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.signals import Priority
from handoff_bot.domain.text import duration
from handoff_bot.domain.texts import Moment
from handoff_bot.domain.waiting_policy import (
    PolicyStep,
    PolicyStepKind,
    for_priority,
    superseded,
)
from handoff_bot.jobs.handler import ADMINS, ProviderJob, TransactionJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock
from handoff_bot.services.delivery.sending import Channels
from handoff_bot.services.escalations import applied_route, offers, sla, still_queued
from handoff_bot.services.escalations.lifecycle import Escalations
from handoff_bot.services.escalations.still_queued import NOBODY, Waiting, still_waiting, tell
from handoff_bot.services.notifications import notifications
from handoff_bot.services.outbox import outbox
from handoff_bot.services.outbox.outbox import EscalationChanged
from handoff_bot.services.outbox.ticket_sync import TicketSync
from handoff_bot.services.settings import hours
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import conversations, log, tickets, visitors
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Conversation, Escalation, Ticket
from handoff_bot.storage.transaction import Transaction

# -- queue-position updates, when the customer has moved up
# One job at a time per wait: each checks, sends and enqueues the next. So the chain survives
# restarts, runs once across processes and ends with the wait.

POSITION = "position"


def start_position_updates(change: EscalationChanged) -> None:
    """Starts the updates for a new wait."""
    if change.escalation.status != Status.QUEUED or _pause(change.tx) is None:
        return
    given = {"escalation_id": change.escalation.id, "epoch": change.conversation.epoch}
    _enqueue(change.tx, given, _place(change.tx, change.escalation), 1, change.now)


def _place(tx: Transaction, escalation: Escalation) -> int:
    return visitors.ahead(tx, escalation) + 1


def _pause(tx: Transaction) -> timedelta | None:
    minutes = live(tx).position_minutes
    return timedelta(minutes=minutes) if minutes else None


def _enqueue(tx: Transaction, given: dict[str, Any], told: int, number: int, now: datetime) -> None:
    """Enqueues the next check; only business hours count."""
    pause = _pause(tx)
    if pause is None:
        return
    name = f"{POSITION}:{given['escalation_id']}:{given['epoch']}"
    payload = {**given, "told": told, "number": number}
    due_at = hours.of_the_team(tx).after(now, pause)
    enqueue_job(tx, NewJob(POSITION, f"ladder:{name}", payload, due_at, key=f"{name}:{number}"))


class QueuePositionUpdate(TransactionJob):
    """One check of a queue position."""

    told = ADMINS

    def __init__(self, channels: Channels, clock: Clock) -> None:
        self._channels = channels
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        """Sends an update if the position improved during business hours, then enqueues the next
        check.
        """
        now = self._clock.now()
        found = still_waiting(tx, job, now)
        if found is None or _pause(tx) is None:
            return
        told = int(job.payload["told"])
        place = _place(tx, found.escalation)
        is_news = place < told and hours.of_the_team(tx).is_open(now)
        if is_news and still_queued.tell(found, Moment.POSITION, self._channels):
            told = place
        _enqueue(tx, job.payload, told, int(job.payload["number"]) + 1, now)


# -- steps: each is a job due at its time, and runs only if it still applies

POLICY_STEP = "waiting.step"


def policy_steps(tx: Transaction) -> list[PolicyStep]:
    """Returns the configured steps, without lines that are stored wrongly."""
    found = []
    for line in live(tx).waiting_policy:
        try:
            found.append(PolicyStep.parse(line))
        except ValueError:
            continue
    return found


def on_escalation_changed(change: EscalationChanged) -> None:
    """Schedules the steps for a new queued escalation. Time outside business hours does not count."""
    if change.escalation.status == Status.QUEUED:
        plan(change.tx, change.escalation, change.conversation, change.now)


def plan(
    tx: Transaction, escalation: Escalation, conversation: Conversation, since: datetime
) -> None:
    """Schedules the steps by priority for a wait that began at `since`. Safe to repeat."""
    team, priority = hours.of_the_team(tx), Priority(escalation.priority)
    chosen = for_priority(policy_steps(tx), priority)
    for policy_step in chosen:
        minutes = int(policy_step.after.total_seconds() // 60)
        later = superseded(policy_step, chosen)
        payload = {
            "escalation_id": escalation.id,
            "epoch": conversation.epoch,
            "kind": policy_step.kind.value,
            "minutes": minutes,
            "priority": priority.value,
            "overtaken_at": team.after(since, later).isoformat() if later else "",
        }
        name = f"{escalation.id}:{conversation.epoch}:{policy_step.kind}:{minutes}"
        due_at = team.after(since, policy_step.after)
        enqueue_job(
            tx, NewJob(POLICY_STEP, f"ladder:{name}", payload, due_at, key=f"ladder:{name}")
        )


def replan(tx: Transaction, escalation: Escalation, conversation: Conversation) -> None:
    """Schedules the steps for a changed priority."""
    released = log.of_escalation(tx, escalation.id, EventKind.ESCALATION_RELEASE)
    plan(tx, escalation, conversation, released[-1].at if released else escalation.opened_at)


def _counts(job: Job, escalation: Escalation, tx: Transaction, now: datetime) -> bool:
    """Returns whether the step is still configured and no later step has superseded it."""
    superseded_at = job.payload.get("overtaken_at")
    if superseded_at and datetime.fromisoformat(superseded_at) <= now:
        return False
    priority = Priority(escalation.priority)
    if job.payload.get("priority", priority) == priority:
        return True
    here = timedelta(minutes=job.payload["minutes"]), PolicyStepKind(job.payload["kind"])
    return here in [
        (policy_step.after, policy_step.kind)
        for policy_step in for_priority(policy_steps(tx), priority)
    ]


class RunPolicyStep(ProviderJob[int, None]):
    """Runs one step. Only a return to the AI is an action of its own, after this transaction."""

    told = ADMINS
    repeatable = True

    def __init__(
        self,
        escalations: Escalations,
        channels: Channels,
        clock: Clock,
        tickets_out: TicketSync,
    ) -> None:
        self._tickets_out = tickets_out
        self._escalations = escalations
        self._channels = channels
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> int | None:
        waiting = still_waiting(tx, job, self._clock.now())
        if waiting is None or not _counts(job, waiting.escalation, tx, waiting.now):
            return None
        kind = PolicyStepKind(job.payload["kind"])
        log.record(
            tx, EventKind.POLICY_STEP, waiting.now, escalation=waiting.escalation, rung=kind.value
        )
        if kind is PolicyStepKind.RETURN:
            return waiting.escalation.id
        _DOES[kind](self, waiting)
        return None

    def call(self, plan: int) -> None:
        """Returns the conversation to the AI."""
        self._escalations.take(Step.RETURN, plan, NOBODY)

    def remind(self, waiting: Waiting, group: str = "") -> None:
        """Posts a reminder in the thread, optionally mentioning a group."""
        waited = duration(waiting.job.payload["minutes"], "minute")
        text = f"No agent has taken this conversation for {waited}."
        post = Post(PostKind.NOTICE, text, mentions=(group,) if group else ())
        outbox.post(waiting.tx, waiting.escalation, post, waiting.now)

    def mention(self, waiting: Waiting) -> None:
        """Mentions the group; without a group, posts a plain reminder."""
        group = waiting.escalation.group_id or live(waiting.tx).mention_group
        self.remind(waiting, group)

    def offer(self, waiting: Waiting) -> None:
        """Offers the conversation to the next available agent. Agents named by a rule come first,
        unless already asked.
        """
        route = applied_route.route_of(waiting.tx, waiting.escalation)
        is_named = route is not None and bool(route.people or route.group_id)
        asked_before = route is not None and route.is_offered
        pool = offers.Pool.RULE if is_named and not asked_before else offers.Pool.ALL
        offers.ask_next(waiting.tx, waiting.escalation, waiting.conversation, waiting.now, pool)

    def tell(self, waiting: Waiting) -> None:
        tell(waiting, Moment.WAITING_LONG, self._channels)

    def call_back(self, waiting: Waiting) -> None:
        """Turns the conversation into a callback; it stays in the queue."""
        ticket = rows.ticket_of(waiting.tx, waiting.escalation.id)
        tickets.add_tags(waiting.tx, ticket.id, ("callback",))
        ticket.updated_at = waiting.now
        self._tickets_out.changed(waiting.tx, ticket.id, waiting.now)
        tell(waiting, Moment.CALLBACK, self._channels)
        text = (
            "No agent took this conversation in time. The customer was told that we will get "
            "back to them."
        )
        outbox.notice(waiting.tx, waiting.escalation, text, waiting.now)


_DOES: dict[PolicyStepKind, Callable[[RunPolicyStep, Waiting], None]] = {
    PolicyStepKind.REMIND: RunPolicyStep.remind,
    PolicyStepKind.MENTION: RunPolicyStep.mention,
    PolicyStepKind.OFFER: RunPolicyStep.offer,
    PolicyStepKind.TELL: RunPolicyStep.tell,
    PolicyStepKind.CALLBACK: RunPolicyStep.call_back,
}


# -- a priority change


def follow_priority(
    tx: Transaction, escalation: Escalation, ticket: Ticket, priority: Priority, now: datetime
) -> None:
    """Applies the new priority to SLA targets, the waiting policy and notifications while the
    escalation is open.
    """
    escalation.priority, escalation.priority_rank = priority.value, priority.rank
    ticket.priority, ticket.updated_at = priority.value, now
    if escalation.status in OPEN:
        sla.promise(tx, escalation, ticket, now)
    if escalation.status == Status.QUEUED:
        conversation = conversations.get(tx, escalation.conversation_id)
        replan(tx, escalation, conversation)
        notifications.announce(tx, escalation, conversation, now)
    outbox.update_card(tx, escalation, now)
