"""The queue as agents work through it: pages of it, and the next one for me."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.escalations import Status, Step
from handoff_bot.domain.queue import PAGE_ROWS, Filter, QueuePage
from handoff_bot.ports import Clock
from handoff_bot.services.escalations import Escalations
from handoff_bot.services.outcome import Outcome
from handoff_bot.storage import escalations as rows
from handoff_bot.storage import held, queue
from handoff_bot.storage.database import Database
from handoff_bot.storage.transaction import Transaction

CONSIDERED = 50
"""How many are tried for "Next for me" when others are faster each time."""

MOST_OWNERS = 80
"""To choose from; one menu of Slack's takes 100."""

MOST_HELD = 10
"""Customers who wait for room in the queue that are listed; the rest are counted."""

NOBODY = "No customers are waiting."


class Queue:
    """What waits, and who has it."""

    def __init__(self, database: Database, clock: Clock, escalations: Escalations) -> None:
        self._database = database
        self._clock = clock
        self._escalations = escalations

    def page(self, wanted: Filter, number: int) -> QueuePage:
        """One page of what fits; a page that is not there any more is the last one."""
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
                held=tuple(held.oldest(tx, MOST_HELD)),
                held_in_all=held.count(tx),
            )

    def take_next(
        self, agent: AgentRef, slack_channels: Collection[str] | None = None
    ) -> tuple[int | None, Outcome]:
        """Claim the most urgent one for this agent; says which. Of two who ask at once, each gets another.

        `slack_channels` are those whose conversations the agent may have, None for all.
        """
        with self._database.read() as tx:
            waiting = queue.next_waiting(tx, self._clock.now(), CONSIDERED, slack_channels)
        for escalation_id in waiting:
            outcome = self._escalations.take(Step.CLAIM, escalation_id, agent)
            if outcome.done:
                return escalation_id, outcome
        return None, Outcome(False, NOBODY)


def _waiting(tx: Transaction, wanted: Filter, now: datetime) -> int:
    """How many wait in all, of those that may be seen."""
    if wanted.slack_channels is None:
        return rows.count(tx, Status.QUEUED)
    seen = Filter(slack_channels=wanted.slack_channels)
    return queue.page(tx, seen, now, 0, 1)[1]
