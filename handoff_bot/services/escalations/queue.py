"""The queue for agents: pages, and "take next"."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from handoff_bot.domain.action_result import ActionResult
from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.escalations import Status, Step
from handoff_bot.domain.queue import EMPTY, PAGE_ROWS, Filter, QueuePage
from handoff_bot.ports import Clock
from handoff_bot.services.escalations.lifecycle import Escalations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage import held, queue
from handoff_bot.storage.database import Database
from handoff_bot.storage.transaction import Transaction

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
                held=tuple(held.oldest(tx, MOST_HELD)),
                held_in_all=held.count(tx),
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
