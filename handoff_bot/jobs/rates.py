"""Rate values and arithmetic (GCRA)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


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
