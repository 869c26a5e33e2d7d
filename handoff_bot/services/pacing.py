"""Keeps to how often a provider may be called: all processes on one database share each budget.

A call either may be made at once, or its lane is let go of and waits for the budget, without a thread and
without a transaction. As the budget allows, a dispatcher leases those whose turn it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handoff_bot.domain.pacing import Rate, Turn, kind_of
from handoff_bot.storage import pace
from handoff_bot.storage.transaction import Job, Transaction

DEFAULT_PAUSE = 1.0
"""Seconds, when we are asked to slow down and not told for how long."""


@dataclass(frozen=True)
class Granted:
    """A lane whose turn has come, and the budget of which its call is paid for."""

    lane: str
    family: str
    budget: str


class Pacer:
    """Gives turns.

    Args:
        rates: kind of budget -> how often; calls that take of other kinds are not limited.
    """

    def __init__(self, rates: Mapping[str, Rate]) -> None:
        self._rates = rates

    # -- a call

    def admit(self, tx: Transaction, turn: Turn | None, paid: str, now: datetime) -> str | None:
        """Take what a call needs, of which `paid` was taken before; says which budget it must wait for.

        Who comes while others wait does not go before them.
        """
        limited = self._limited(turn)
        kept = self._held(tx, {*limited, *([paid] if paid else [])}, now)
        wanted = [budget for budget in limited if budget != paid]
        lacking = next((b for b in wanted if not self._is_open(tx, b, kept[b], now)), None)
        if paid and (lacking or paid not in limited):
            pace.keep(tx, paid, kept[paid] - self._rate(paid).every)
        if not lacking:
            for budget in wanted:
                pace.keep(tx, budget, self._rate(budget).taken(kept[budget], now))
        return lacking

    def wait(
        self, tx: Transaction, job: Job, worker: str, turn: Turn, budget: str, now: datetime
    ) -> None:
        """Let go of a lane until it is its turn."""
        latest = None if turn.patience is None else now + turn.patience
        pace.wait(tx, job.lane, worker, job.due_at, budget, turn.rank, latest)

    def hold(
        self, tx: Transaction, turn: Turn | None, seconds: float | None, now: datetime
    ) -> None:
        """We were asked to slow down: nobody makes such calls for so long."""
        until = now + timedelta(seconds=DEFAULT_PAUSE if seconds is None else seconds)
        for budget, kept in self._held(tx, self._limited(turn), now).items():
            pace.keep(tx, budget, self._rate(budget).held(kept, until))
            pace.count_refusal(tx, budget, now)

    # -- those who wait

    def turns(self, tx: Transaction, now: datetime) -> dict[str, datetime]:
        """Budgets that lanes wait for -> when the next of them may go; may be in the past."""
        if not self._rates:
            return {}
        return {
            each.budget: max(each.due_at, self._rate(each.budget).next_at(each.free_at or now))
            for each in pace.awaited(tx, now)
        }

    def grant(
        self,
        tx: Transaction,
        budgets: Collection[str],
        worker: str,
        free: Mapping[str, int],
        now: datetime,
    ) -> Sequence[Granted]:
        """Lease lanes whose turn it is; `free` says how many threads their families have."""
        left, granted = dict(free), []
        # All budgets before the first lane: who holds a budget may be waiting for a lane.
        for budget, kept in self._held(tx, budgets, now).items():
            rate = self._rate(budget)
            families = [family for family, count in left.items() if count > 0]
            given = []
            for lane, family in pace.next_lanes(tx, budget, families, now, rate.room(kept, now)):
                if left[family] > 0:
                    left[family] -= 1
                    pace.take(tx, lane, worker)
                    given.append(Granted(lane, family, budget))
            if given:
                pace.keep(tx, budget, rate.taken(kept, now, len(given)))
            granted += given
        return granted

    # -- how

    def _limited(self, turn: Turn | None) -> Sequence[str]:
        budgets = turn.budgets if turn else ()
        return [budget for budget in budgets if kind_of(budget) in self._rates]

    def _held(
        self, tx: Transaction, budgets: Collection[str], now: datetime
    ) -> dict[str, datetime]:
        """What is kept of each until commit; in one order for everybody, so that no two wait in a ring."""
        return {budget: pace.free_at(tx, budget, now) for budget in sorted(budgets)}

    def _rate(self, budget: str) -> Rate:
        return self._rates.get(kind_of(budget), UNLIMITED)

    def _is_open(self, tx: Transaction, budget: str, kept: datetime, now: datetime) -> bool:
        return self._rate(budget).room(kept, now) > 0 and not pace.is_awaited(tx, budget)


UNLIMITED = Rate(timedelta(microseconds=1), burst=1000)
"""For budgets that have no rate (any more)."""
