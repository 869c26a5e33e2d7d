"""Claims of conversations: the next of the queue, and claims deferred while an AI message was sent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.desk import EMPTY, PAGE_ROWS, AgentRef, Filter, QueuePage
from handoff_bot.domain.escalations import Status, Step
from handoff_bot.domain.results import ActionResult, Code
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock
from handoff_bot.services.escalations import transfer
from handoff_bot.services.escalations.lifecycle import AGAIN, Escalations
from handoff_bot.services.outbox import alarms
from handoff_bot.storage import conversations, queue
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.transaction import Transaction

# -- deferred claims

NOT_YOURS = "You did not take over this conversation. {why}"
FREE_AGAIN = "{name} did not take over this conversation. {why}"
PRESS = " It is in the queue. Select Take Over."


@dataclass(frozen=True)
class ClaimPlan:
    """The escalation and its agent; the reservation ends at `until`."""

    escalation_id: int
    agent: AgentRef
    until: datetime | None


class LateClaim(ProviderJob[ClaimPlan, ActionResult]):
    """Claims for the first agent, or reports that the claim failed."""

    repeatable = True
    told = "the agent who claimed, and the agents who were told of the claim"

    def __init__(self, escalations: Escalations, clock: Clock) -> None:
        self._escalations = escalations
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> ClaimPlan:
        return _plan(job)

    def call(self, plan: ClaimPlan) -> ActionResult:
        """Claims in a transaction of its own."""
        if plan.until is None:  # Enqueued by an earlier version, which reserved nothing.
            return self._escalations.take(Step.CLAIM, plan.escalation_id, plan.agent)
        return self._escalations.claim_late(plan.escalation_id, plan.agent, plan.until)

    def finish(self, tx: Transaction, job: Job, plan: ClaimPlan, result: ActionResult) -> None:
        """Retries while the message is being sent; tells everyone involved when the claim failed."""
        now = self._clock.now()
        if result.code is Code.LATER:
            enqueue_job(tx, NewJob(job.kind, job.lane, job.payload, due_at=now + AGAIN))
        elif not result.done:
            self._lapse(tx, plan.escalation_id, plan.agent, result.text)

    def on_failed(
        self, tx: Transaction, job: Job, plan: ClaimPlan | None, error: Exception
    ) -> None:
        """Ends the reservation after a bug."""
        found = plan or _plan(job)
        self._lapse(tx, found.escalation_id, found.agent, alarms.why(error))

    def _lapse(self, tx: Transaction, escalation_id: int, agent: AgentRef, why: str) -> None:
        """Ends the reservation and tells everyone involved, unless the escalation was claimed or
        reserved again.
        """
        escalation = rows.get(tx, escalation_id)
        if escalation is None:
            return
        conversations.hold(tx, escalation.conversation_id)
        escalation = rows.get(tx, escalation_id) or escalation
        kept = queue.reservation_of(tx, escalation_id)
        owner = rows.agent(tx, escalation.owner_id)
        if owner and owner.desk_id == agent.desk_id:  # Another claim came first.
            transfer.reservation_used(tx, escalation, agent.desk_id, self._clock.now())
            return
        is_theirs = kept is not None and kept.desk_id == agent.desk_id
        is_free = escalation.status == Status.QUEUED and (kept is None or is_theirs)
        more = PRESS if is_free else ""
        now = self._clock.now()
        transfer.tell_agent(tx, escalation_id, agent.desk_id, NOT_YOURS.format(why=why) + more, now)
        if kept is None or not is_theirs:
            return
        for other in kept.others:
            if owner is None or owner.desk_id != other:
                words = FREE_AGAIN.format(name=agent.name, why=why) + more
                transfer.tell_agent(tx, escalation_id, other, words, now)
        queue.end_reservation(tx, escalation_id)


def _plan(job: Job) -> ClaimPlan:
    said = job.payload
    until = datetime.fromisoformat(said["until"]) if "until" in said else None
    agent = AgentRef(said["desk_id"], said["name"])
    return ClaimPlan(int(said["escalation_id"]), agent, until)


# -- the queue: pages, and "take next"

CONSIDERED = 50
"""How many conversations "take next" tries when other agents are faster."""

MOST_OWNERS = 80
"""Maximum number of agents to filter by; a Slack menu takes 100."""

MOST_HELD = 10
"""Maximum number of held customers listed; the rest is counted."""


class Queue:
    def __init__(self, database: Database, clock: Clock, escalations: Escalations) -> None:
        self._database = database
        self._clock = clock
        self._escalations = escalations

    def page(self, wanted: Filter, number: int) -> QueuePage:
        """Returns one page of matches; a page past the end returns the last page."""
        now = self._clock.now()
        with self._database.read() as tx:
            found, count = queue.page(tx, wanted, now, number * PAGE_ROWS, PAGE_ROWS)
            if not found and count:
                number = (count - 1) // PAGE_ROWS
                found, count = queue.page(tx, wanted, now, number * PAGE_ROWS, PAGE_ROWS)
            return QueuePage(
                rows=tuple(found),
                page=number,
                found=count,
                waiting=_waiting(tx, wanted, now),
                channels=tuple(queue.channels(tx)),
                at=now,
                owners=tuple(queue.owners(tx, MOST_OWNERS)),
                held=tuple(queue.oldest_held(tx, MOST_HELD)),
                held_in_all=queue.count_held(tx),
            )

    def take_next(
        self, agent: AgentRef, slack_channels: Collection[str] | None = None
    ) -> tuple[int | None, ActionResult]:
        """Claims the most urgent conversation and returns which. Concurrent calls get different
        ones.

        `slack_channels` are the channels the agent may take from, None for all.
        """
        with self._database.read() as tx:
            waiting = queue.next_waiting(tx, self._clock.now(), CONSIDERED, slack_channels)
        for escalation_id in waiting:
            outcome = self._escalations.take(Step.CLAIM, escalation_id, agent)
            if outcome.done:
                return escalation_id, outcome
        return None, ActionResult(False, EMPTY)


def _waiting(tx: Transaction, wanted: Filter, now: datetime) -> int:
    """Counts all waiting conversations that are visible."""
    if wanted.slack_channels is None:
        return rows.count(tx, Status.QUEUED)
    seen = Filter(slack_channels=wanted.slack_channels)
    return queue.page(tx, seen, now, 0, 1)[1]
