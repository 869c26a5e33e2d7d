"""Keeps to how often a provider may be called: all processes on one database share each budget.

A call either may be made at once, or its lane is let go of and waits for the budget, without a thread and
without a transaction. As the budget allows, a dispatcher leases those whose turn it is.
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
"""Seconds, when we are asked to slow down and not told for how long."""


@dataclass(frozen=True)
class Permit:
    """A lane that was leased under this grant, and the budget of which its call is paid for ("" for none)."""

    lane: str
    queue: str
    budget: str
    grant: str


class RateLimiter:
    """Gives permits.

    Args:
        rates: kind of budget -> how often; calls that take of other kinds are not limited.
    """

    def __init__(self, rates: Mapping[str, Rate]) -> None:
        self.rates = rates

    # -- a call

    def admit(self, tx: Transaction, cost: Cost, paid: str, now: datetime) -> BucketCost | None:
        """Take what a call needs, as far as it was not `paid` before; says what it must wait for, if so.

        Who comes while others wait does not go before them.
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
        """Let go of a lane until it is its turn."""
        latest = None if part.patience is None else now + part.patience
        rate_limit_store.wait(tx, job.lane, grant, job.due_at, part.budget, part.rank, latest)

    def hold(self, tx: Transaction, cost: Cost, seconds: float | None, now: datetime) -> None:
        """We were asked to slow down: nobody makes such calls for so long."""
        until = now + timedelta(seconds=DEFAULT_PAUSE if seconds is None else seconds)
        budgets = {part.budget for part in self._limited(cost)}
        for budget, kept in self._held(tx, budgets, now).items():
            rate_limit_store.keep(tx, budget, self._rate(budget).held(kept, until))
            rate_limit_store.count_refusal(tx, budget, now)

    # -- those who wait

    def next_permits(self, tx: Transaction, now: datetime, worker: str) -> dict[str, datetime]:
        """Budgets that lanes wait for -> when the next of them may go; may be in the past."""
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
        """Lease lanes whose turn it is, none of `besides`; `free` says how many threads queues have."""
        left, granted = dict(free), []
        # All budgets before the first lane: who holds a budget may be waiting for a lane.
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

    # -- how

    def limits(self, cost: Cost) -> bool:
        """Does such a call take of any budget?"""
        return bool(self._limited(cost))

    def _limited(self, cost: Cost) -> Sequence[BucketCost]:
        return [part for part in cost if kind_of(part.budget) in self.rates]

    def _unpaid(self, cost: Cost, paid: str) -> Sequence[BucketCost]:
        """What is left to take: all behind what was paid for last."""
        parts = self._limited(cost)
        budgets = [part.budget for part in parts]
        return parts[budgets.index(paid) + 1 :] if paid in budgets else parts

    def _held(
        self, tx: Transaction, budgets: Collection[str], now: datetime
    ) -> dict[str, datetime]:
        """What is kept of each until commit; in one order for everybody, so that no two wait in a ring."""
        return {budget: rate_limit_store.free_at(tx, budget, now) for budget in sorted(budgets)}

    def _rate(self, budget: str) -> Rate:
        return self.rates.get(kind_of(budget), UNLIMITED)


UNLIMITED = Rate(timedelta(microseconds=1), burst=1000)
"""For budgets that have no rate (any more)."""
