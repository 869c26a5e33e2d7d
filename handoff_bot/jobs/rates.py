"""How often a provider may be called, and whose turn it is: values alone, in the manner of GCRA."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Rate:
    """A budget of calls: one `every` so often in the long run, up to `burst` of them at once.

    What is kept of it is one moment, `free_at`: when all that was taken will have been paid for.
    """

    every: timedelta
    burst: int = 1

    def room(self, free_at: datetime, now: datetime) -> int:
        """How many calls may be made now."""
        owed = max(timedelta(), free_at - now)
        return max(0, int((self.every * self.burst - owed) / self.every))

    def next_at(self, free_at: datetime) -> datetime:
        """From when on there is room for one."""
        return free_at - self.every * (self.burst - 1)

    def taken(self, free_at: datetime, now: datetime, calls: int = 1) -> datetime:
        """What is kept after so many calls were made."""
        return max(free_at, now) + self.every * calls

    def held(self, free_at: datetime, until: datetime) -> datetime:
        """What is kept when nothing may be called until then."""
        return max(free_at, until + self.every * (self.burst - 1))


def per_minute(calls: int, burst: int) -> Rate:
    """So many calls in any minute, the burst at its beginning among them."""
    return Rate(timedelta(minutes=1) / (calls - burst), burst)


@dataclass(frozen=True)
class BucketCost:
    """One call's share of a budget.

    Attributes:
        budget: its name; its kind is what stands before ":", if it stands for one place of many.
        rank: of those who wait for it a lower one goes first; among equals, who has waited longest.
        patience: after waiting so long the rank is 0; None for never.
    """

    budget: str
    rank: int = 0
    patience: timedelta | None = None


Cost = tuple[BucketCost, ...]
"""What one call takes, in this order: who waits for a share has paid for those before it."""


def kind_of(budget: str) -> str:
    """The kind of a budget, of which there may be one for each place."""
    return budget.partition(":")[0]
