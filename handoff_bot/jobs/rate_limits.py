"""Rate limiter: all processes on one database share each budget.

A call is either allowed at once, or its lane is released and waits for the budget, without a thread
or a transaction. A dispatcher leases waiting lanes as the budget allows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handoff_bot.jobs import rate_limit_store
from handoff_bot.jobs.job import Job
from handoff_bot.jobs.rates import BucketCost, Cost, Rate, kind_of
from handoff_bot.storage.transaction import Transaction

DEFAULT_PAUSE = 1.0
"""Pause in seconds after a rate-limit response without a Retry-After."""


@dataclass(frozen=True)
class Permit:
    """A lane leased under this grant, and the budget already paid for its call ("" for none)."""

    lane: str
    queue: str
    budget: str
    grant: str


class RateLimiter:
    """Grants permits.

    Args:
        rates: kind of budget -> rate; other kinds are not limited.
    """

    def __init__(self, rates: Mapping[str, Rate]) -> None:
        self.rates = rates

    # -- calls

    def admit(self, tx: Transaction, cost: Cost, paid: str, now: datetime) -> BucketCost | None:
        """Takes the cost of a call that was not yet `paid`; returns the budget to wait for, if any.

        A new call does not overtake waiting ones.
        """
        parts = self._unpaid(cost, paid)
        kept = {
            budget: rate_limit_store.room(tx, budget, now)
            for budget in sorted({part.budget for part in parts})  # as in `_held`
        }
        for part in parts:
            rate, (at, is_awaited) = self._rate(part.budget), kept[part.budget]
            if is_awaited or not rate.room(at, now):
                return part
            rate_limit_store.keep(tx, part.budget, rate.taken(at, now))
        return None

    def wait(self, tx: Transaction, job: Job, grant: str, part: BucketCost, now: datetime) -> None:
        """Releases a lane until its turn."""
        latest = None if part.patience is None else now + part.patience
        rate_limit_store.wait(tx, job.lane, grant, job.due_at, part.budget, part.rank, latest)

    def hold(self, tx: Transaction, cost: Cost, seconds: float | None, now: datetime) -> None:
        """Pauses all such calls after a rate-limit response."""
        until = now + timedelta(seconds=DEFAULT_PAUSE if seconds is None else seconds)
        budgets = {part.budget for part in self._limited(cost)}
        for budget, kept in self._held(tx, budgets, now).items():
            rate_limit_store.keep(tx, budget, self._rate(budget).held(kept, until))
            rate_limit_store.count_refusal(tx, budget, now)

    # -- waiting lanes

    def next_permits(self, tx: Transaction, now: datetime, worker: str) -> dict[str, datetime]:
        """Returns budgets with waiting lanes -> time of the next permit; may be in the past."""
        if not self.rates:
            return {}
        return {
            each.budget: max(each.due_at, self._rate(each.budget).next_at(each.free_at or now))
            for each in rate_limit_store.awaited(tx, now, worker)
        }

    def grant(
        self,
        tx: Transaction,
        budgets: Collection[str],
        worker: str,
        free: Mapping[str, int],
        now: datetime,
        besides: Collection[str] = (),
    ) -> Sequence[Permit]:
        """Leases lanes whose turn it is, except `besides`; `free` is the number of free threads per
        queue.
        """
        left, granted = dict(free), []
        # All budgets before the first lane: the holder of a budget may be waiting for a lane.
        for budget, kept in self._held(tx, budgets, now).items():
            rate = self._rate(budget)
            queues = [queue for queue, count in left.items() if count > 0]
            given = []
            room = rate.room(kept, now)
            for lane, queue in rate_limit_store.next_lanes(tx, budget, queues, now, room, worker):
                if left[queue] > 0 and lane not in besides:
                    left[queue] -= 1
                    given.append(
                        Permit(lane, queue, budget, rate_limit_store.take(tx, lane, worker))
                    )
            if given:
                rate_limit_store.keep(tx, budget, rate.taken(kept, now, len(given)))
            granted += given
        return granted

    # -- implementation

    def limits(self, cost: Cost) -> bool:
        """Returns whether such a call is limited."""
        return bool(self._limited(cost))

    def _limited(self, cost: Cost) -> Sequence[BucketCost]:
        return [part for part in cost if kind_of(part.budget) in self.rates]

    def _unpaid(self, cost: Cost, paid: str) -> Sequence[BucketCost]:
        """Returns the unpaid costs: all after the one paid last."""
        parts = self._limited(cost)
        budgets = [part.budget for part in parts]
        return parts[budgets.index(paid) + 1 :] if paid in budgets else parts

    def _held(
        self, tx: Transaction, budgets: Collection[str], now: datetime
    ) -> dict[str, datetime]:
        """Returns and locks each budget's state, in one order for everyone, which avoids deadlocks."""
        return {budget: rate_limit_store.free_at(tx, budget, now) for budget in sorted(budgets)}

    def _rate(self, budget: str) -> Rate:
        return self.rates.get(kind_of(budget), UNLIMITED)


UNLIMITED = Rate(timedelta(microseconds=1), burst=1000)
"""For budgets without a rate."""
