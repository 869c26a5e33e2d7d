"""Rate limits: all processes on one database share each budget.

A call is either allowed at once, or its lane is released and waits for the budget, without a thread
or a transaction. A dispatcher leases waiting lanes as the budget allows. Budgets are token buckets
in the database.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, func, select, update

from handoff_bot.domain.errors import LeaseLost
from handoff_bot.jobs.job import LANE, RATE_LIMIT, Job
from handoff_bot.jobs.leases import IS_UNHELD, new_grant
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import DIALECTS, Transaction, delete_some


@dataclass(frozen=True)
class Rate:
    """One call per `every` in the long run, up to `burst` at once.

    Its whole state is one time, `free_at`: when everything taken is paid for.
    """

    every: timedelta
    burst: int = 1

    def room(self, free_at: datetime, now: datetime) -> int:
        """Returns how many calls are allowed now."""
        owed = max(timedelta(), free_at - now)
        return max(0, int((self.every * self.burst - owed) / self.every))

    def next_at(self, free_at: datetime) -> datetime:
        """Returns when the next call is allowed."""
        return free_at - self.every * (self.burst - 1)

    def taken(self, free_at: datetime, now: datetime, calls: int = 1) -> datetime:
        """Returns the state after this many calls."""
        return max(free_at, now) + self.every * calls

    def held(self, free_at: datetime, until: datetime) -> datetime:
        """Returns the state if no calls are allowed until then."""
        return max(free_at, until + self.every * (self.burst - 1))


def per_minute(calls: int, burst: int) -> Rate:
    """Returns a rate of `calls` in any minute, including the burst."""
    return Rate(timedelta(minutes=1) / (calls - burst), burst)


@dataclass(frozen=True)
class BucketCost:
    """One call's use of a budget.

    Attributes:
        budget: its name; its kind is the part before ":".
        rank: lower goes first; equal ranks by waiting time.
        patience: after this wait the rank is 0; None for never.
    """

    budget: str
    rank: int = 0
    patience: timedelta | None = None


Cost = tuple[BucketCost, ...]
"""The costs of one call, in this order: a lane waiting for one has paid for those before it."""


def kind_of(budget: str) -> str:
    """Returns a budget's kind; a kind can have one budget per place."""
    return budget.partition(":")[0]


UNLIMITED = Rate(timedelta(microseconds=1), burst=1000)
"""For budgets without a rate."""


_THIS = RATE_LIMIT.c.key == bindparam("budget")
_FREE_AT = Prepared(select(RATE_LIMIT.c.free_at).where(_THIS).with_for_update())
_ROOM = Prepared(
    select(RATE_LIMIT.c.free_at, exists().where(LANE.c.waits_for == RATE_LIMIT.c.key)).where(_THIS)
)
_KEEP = Prepared(update(RATE_LIMIT).where(_THIS).values(free_at=bindparam("at")))
_COUNT = Prepared(
    update(RATE_LIMIT)
    .where(_THIS)
    .values(limited=RATE_LIMIT.c.limited + 1, limited_at=bindparam("now"))
)
_IS_AWAITED = Prepared(select(exists().where(LANE.c.waits_for == bindparam("budget"))))
_AWAITED = Prepared(
    select(LANE.c.waits_for, func.min(LANE.c.due_at).label("due_at"), RATE_LIMIT.c.free_at)
    .outerjoin(RATE_LIMIT, RATE_LIMIT.c.key == LANE.c.waits_for)
    .where(LANE.c.waits_for.is_not(None), LANE.c.due_at.is_not(None), IS_UNHELD)
    .group_by(LANE.c.waits_for, RATE_LIMIT.c.free_at)
)
_RANK = case((LANE.c.turn_by <= bindparam("now"), 0), else_=LANE.c.rank)
_NEXT = Prepared(
    select(LANE.c.key, LANE.c.family)
    .where(
        LANE.c.waits_for == bindparam("budget"),
        LANE.c.due_at <= bindparam("now"),
        LANE.c.family.in_(bindparam("families", expanding=True)),
        IS_UNHELD,
    )
    .order_by(_RANK, LANE.c.due_at, LANE.c.key)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_TAKE = Prepared(
    update(LANE)
    .where(LANE.c.key == bindparam("lane"))
    .values(leased_by=bindparam("worker"), grant=bindparam("token"), waits_for=None)
)
_WAIT = Prepared(
    update(LANE)
    .where(and_(LANE.c.key == bindparam("lane"), LANE.c.grant == bindparam("token")))
    .values(
        leased_by=None,
        grant=None,
        due_at=bindparam("due"),
        waits_for=bindparam("budget"),
        rank=bindparam("place"),
        turn_by=bindparam("latest"),
    )
)


def _new(insert: Any) -> Prepared:
    return Prepared(insert(RATE_LIMIT).on_conflict_do_nothing(index_elements=[RATE_LIMIT.c.key]))


_NEW = {on_sqlite: _new(insert) for on_sqlite, insert in DIALECTS.items()}


def free_at(tx: Transaction, budget: str, now: datetime) -> datetime:
    """Returns a budget's state and locks it until commit, so that only one process uses it at a time."""
    found: datetime | None = _FREE_AT.scalar(tx.core, {"budget": budget})
    if found is not None:
        return found
    _NEW[tx.is_sqlite].run(tx.core, {"key": budget, "free_at": now, "limited": 0})
    made: datetime = _FREE_AT.scalar(tx.core, {"budget": budget})
    return made


def room(tx: Transaction, budget: str, now: datetime) -> tuple[datetime, bool]:
    """Same as `free_at`, plus whether any lane waits for the budget."""
    if tx.is_sqlite:  # elsewhere the row is locked before lanes are read
        found = _ROOM.first(tx.core, {"budget": budget})
        if found is not None:
            free, awaits = found
            return free, bool(awaits)
    return free_at(tx, budget, now), is_awaited(tx, budget)


def keep(tx: Transaction, budget: str, at: datetime) -> None:
    """Stores the budget's new state."""
    _KEEP.run(tx.core, {"budget": budget, "at": at})


def count_refusal(tx: Transaction, budget: str, now: datetime) -> None:
    """Counts a rate-limit response of the provider."""
    _COUNT.run(tx.core, {"budget": budget, "now": now})


def is_awaited(tx: Transaction, budget: str) -> bool:
    """Returns whether any lane waits for the budget."""
    return bool(_IS_AWAITED.scalar(tx.core, {"budget": budget}))


@dataclass(frozen=True)
class Awaited:
    """A budget that lanes wait for: their due time and the budget's state."""

    budget: str
    due_at: datetime
    free_at: datetime | None


def awaited(tx: Transaction, now: datetime, worker: str = "") -> Sequence[Awaited]:
    """Returns all budgets with waiting lanes that this worker could lease."""
    return [Awaited(*row) for row in _AWAITED.rows(tx.core, {"now": now, "worker": worker})]


def next_lanes(
    tx: Transaction,
    budget: str,
    queues: Sequence[str],
    now: datetime,
    most: int,
    worker: str = "",
) -> Sequence[tuple[str, str]]:
    """Returns the next lanes that this worker may lease, with their queues."""
    values = {"budget": budget, "families": list(queues), "now": now, "most": most}
    return _NEXT.rows(tx.core, values | {"worker": worker})


def take(tx: Transaction, lane: str, worker: str) -> str:
    """Leases a waiting lane; returns the token of the lease."""
    grant = new_grant()
    _TAKE.run(tx.core, {"lane": lane, "worker": worker, "token": grant})
    return grant


def wait(
    tx: Transaction,
    lane: str,
    grant: str,
    due_at: datetime,
    budget: str,
    rank: int,
    turn_by: datetime | None,
) -> None:
    """Releases a lane until its turn.

    Raises:
        LeaseLost: it is no longer leased under this grant.
    """
    values = {"lane": lane, "token": grant, "due": due_at, "budget": budget}
    if not _WAIT.run(tx.core, values | {"place": rank, "latest": turn_by}):
        raise LeaseLost(lane)


def prune(tx: Transaction, now: datetime, keep: timedelta, limit: int) -> int:
    """Deletes at most `limit` budgets that were unused for this long and never refused; returns how many."""
    unused = (RATE_LIMIT.c.free_at < now - keep, RATE_LIMIT.c.limited == 0)
    return delete_some(tx, RATE_LIMIT, limit, *unused)


@dataclass(frozen=True)
class Refusals:
    """Rate-limit responses: how many, when last, and until when calls pause."""

    budget: str
    count: int
    last_at: datetime
    free_at: datetime


def refusals(tx: Transaction) -> Sequence[Refusals]:
    found = select(
        RATE_LIMIT.c.key, RATE_LIMIT.c.limited, RATE_LIMIT.c.limited_at, RATE_LIMIT.c.free_at
    )
    rows = tx.core.execute(found.where(RATE_LIMIT.c.limited > 0).order_by(RATE_LIMIT.c.key))
    return [Refusals(*row) for row in rows]


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
            budget: room(tx, budget, now)
            for budget in sorted({part.budget for part in parts})  # as in `_held`
        }
        for part in parts:
            rate, (at, is_awaited) = self._rate(part.budget), kept[part.budget]
            if is_awaited or not rate.room(at, now):
                return part
            keep(tx, part.budget, rate.taken(at, now))
        return None

    def wait(self, tx: Transaction, job: Job, grant: str, part: BucketCost, now: datetime) -> None:
        """Releases a lane until its turn."""
        latest = None if part.patience is None else now + part.patience
        wait(tx, job.lane, grant, job.due_at, part.budget, part.rank, latest)

    def hold(self, tx: Transaction, cost: Cost, seconds: float | None, now: datetime) -> None:
        """Pauses all such calls after a rate-limit response."""
        until = now + timedelta(seconds=DEFAULT_PAUSE if seconds is None else seconds)
        budgets = {part.budget for part in self._limited(cost)}
        for budget, kept in self._held(tx, budgets, now).items():
            keep(tx, budget, self._rate(budget).held(kept, until))
            count_refusal(tx, budget, now)

    # -- waiting lanes

    def next_permits(self, tx: Transaction, now: datetime, worker: str) -> dict[str, datetime]:
        """Returns budgets with waiting lanes -> time of the next permit; may be in the past."""
        if not self.rates:
            return {}
        return {
            each.budget: max(each.due_at, self._rate(each.budget).next_at(each.free_at or now))
            for each in awaited(tx, now, worker)
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
            for lane, queue in next_lanes(tx, budget, queues, now, room, worker):
                if left[queue] > 0 and lane not in besides:
                    left[queue] -= 1
                    given.append(Permit(lane, queue, budget, take(tx, lane, worker)))
            if given:
                keep(tx, budget, rate.taken(kept, now, len(given)))
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
        return {budget: free_at(tx, budget, now) for budget in sorted(budgets)}

    def _rate(self, budget: str) -> Rate:
        return self.rates.get(kind_of(budget), UNLIMITED)
