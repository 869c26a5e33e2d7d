"""Retries claims that were deferred while an AI message was being sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.action_result import ActionResult, Code
from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.escalations import Status, Step
from handoff_bot.jobs.enqueuing import enqueue_job
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import Job, NewJob
from handoff_bot.ports import Clock
from handoff_bot.services.escalations import reserving
from handoff_bot.services.escalations.lifecycle import AGAIN, Escalations
from handoff_bot.services.outbox import alarms
from handoff_bot.storage import conversations, reservations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.transaction import Transaction

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
        kept = reservations.of(tx, escalation_id)
        owner = rows.agent(tx, escalation.owner_id)
        if owner and owner.desk_id == agent.desk_id:  # Another claim came first.
            reserving.kept(tx, escalation, agent.desk_id, self._clock.now())
            return
        is_theirs = kept is not None and kept.desk_id == agent.desk_id
        is_free = escalation.status == Status.QUEUED and (kept is None or is_theirs)
        more = PRESS if is_free else ""
        now = self._clock.now()
        reserving.tell(tx, escalation_id, agent.desk_id, NOT_YOURS.format(why=why) + more, now)
        if kept is None or not is_theirs:
            return
        for other in kept.others:
            if owner is None or owner.desk_id != other:
                words = FREE_AGAIN.format(name=agent.name, why=why) + more
                reserving.tell(tx, escalation_id, other, words, now)
        reservations.end(tx, escalation_id)


def _plan(job: Job) -> ClaimPlan:
    said = job.payload
    until = datetime.fromisoformat(said["until"]) if "until" in said else None
    agent = AgentRef(said["desk_id"], said["name"])
    return ClaimPlan(int(said["escalation_id"]), agent, until)
