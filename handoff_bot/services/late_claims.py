"""Claims that had to wait until an AI message on the wire had left."""

from __future__ import annotations

from dataclasses import dataclass

from handoff_bot.domain.desk import AgentRef, Place, Whisper
from handoff_bot.domain.escalations import Step
from handoff_bot.ports import Clock
from handoff_bot.services import deskwork
from handoff_bot.services.escalations import AFTER_THE_AI, Escalations
from handoff_bot.services.outcome import Outcome
from handoff_bot.services.runner import Handler
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.transaction import Job, Transaction


@dataclass(frozen=True)
class ClaimPlan:
    """Who wants what."""

    escalation_id: int
    agent: AgentRef


class LateClaim(Handler[ClaimPlan, Outcome]):
    """Tries the claim again; while the wire is still busy, `take` puts the next try behind this one."""

    repeatable = True

    def __init__(self, escalations: Escalations, clock: Clock) -> None:
        self._escalations = escalations
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> ClaimPlan:
        """Who wants what."""
        agent = AgentRef(job.payload["desk_id"], job.payload["name"])
        return ClaimPlan(int(job.payload["escalation_id"]), agent)

    def call(self, plan: ClaimPlan) -> Outcome:
        """Claim: a transaction of its own."""
        return self._escalations.take(Step.CLAIM, plan.escalation_id, plan.agent)

    def finish(self, tx: Transaction, job: Job, plan: ClaimPlan, result: Outcome) -> None:
        """Tell the agent when somebody else was faster."""
        thread = rows.thread_of(tx, plan.escalation_id)
        if result.done or result.text == AFTER_THE_AI or thread is None:
            return
        place = Place(thread.slack_channel, thread.ts)
        deskwork.whisper(tx, Whisper(plan.agent.desk_id, place, result.text), self._clock.now())
