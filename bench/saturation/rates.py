"""Messages at a rate until they fall behind: how long each took, what each cost, whether all came once."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass

from bench.saturation.fire import Fired
from bench.saturation.stage import Stage, at_rest

GRACE = 0.5
"""A rate is kept up with when all messages are posted so many seconds after the last one was due."""
RAISE = 1.2
"""Each rate is so many times the one before; the knee is known no closer than that."""
MOST_STEPS = 9
MOST_AT_ONCE = 2_000
PATIENCE = 120.0
"""Seconds that a backlog may take to be drained before what is missing counts as lost."""


@dataclass(frozen=True)
class Run:
    """What one load did.

    Attributes:
        rate: messages offered a second; 0 for all at once.
        arrived: acknowledged messages that were posted.
        lost: acknowledged messages that were not posted.
        twice: messages that were posted more than once.
        out_of_order: messages that were posted before an earlier one of the same customer.
        median_ms, p99_ms: from when a message was due to be sent until it was posted.
        per_second: messages posted a second, from the first due to the last posted.
        behind_s: seconds from the last message due until the last one was posted.
        cpu_ms: processor time a message, by process; it includes redraws and moods that follow.
    """

    rate: float
    offered: int
    acked: int
    refused: int
    arrived: int
    lost: int
    twice: int
    out_of_order: int
    median_ms: float
    p99_ms: float
    per_second: float
    behind_s: float
    cpu_ms: dict[str, float]

    @property
    def keeps_up(self) -> bool:
        """Was every message acknowledged and posted in time?"""
        return self.arrived == self.offered and self.behind_s <= GRACE

    @property
    def is_right(self) -> bool:
        """Nothing lost, nothing twice, everything in order?"""
        return not (self.lost or self.twice or self.out_of_order)

    @property
    def bot_ms(self) -> float:
        """Processor time a message of all processes of the bot."""
        return round(sum(ms for name, ms in self.cpu_ms.items() if name.startswith("bot")), 2)

    def shown(self) -> dict[str, object]:
        """For a file of results."""
        return asdict(self) | {"bot_ms": self.bot_ms}


def summed_up(
    fired: Fired,
    posts: dict[int, list[float]],
    rate: float,
    customers: int,
    cpu: dict[str, float],
) -> Run:
    """What came of a load.

    Args:
        posts: message number -> when it was posted, each time.
        cpu: seconds, by process.
    """
    first = {number: min(times) for number, times in posts.items()}
    took = sorted((at - fired.due[number]) * 1000 for number, at in first.items())
    ends = max(first.values(), default=0.0)
    due = list(fired.due.values())
    return Run(
        rate=round(rate, 1),
        offered=len(due),
        acked=len(fired.acked),
        refused=fired.refused,
        arrived=len(first),
        lost=len(fired.acked.keys() - first.keys()),
        twice=sum(len(times) > 1 for times in posts.values()),
        out_of_order=_out_of_order(first, customers),
        median_ms=round(statistics.median(took), 1) if took else 0.0,
        p99_ms=round(took[int(0.99 * (len(took) - 1))], 1) if took else 0.0,
        per_second=round(len(first) / (ends - min(due)), 1) if first else 0.0,
        behind_s=round(max(0.0, ends - max(due)), 2),
        cpu_ms={name: round(1000 * used / len(due), 2) for name, used in cpu.items()},
    )


def _out_of_order(first: dict[int, float], customers: int) -> int:
    """Messages that were posted before an earlier one of the same customer; one post may hold both."""
    latest: dict[int, float] = {}
    wrong = 0
    for number in sorted(first):
        customer = number % customers
        wrong += first[number] < latest.get(customer, 0.0)
        latest[customer] = max(first[number], latest.get(customer, 0.0))
    return wrong


class Rates:
    """Loads on one stage, each with a name of its own."""

    def __init__(self, stage: Stage, customers: int) -> None:
        self._stage, self._customers = stage, customers
        self._names = map("".join, itertools.product("abcdefghij", repeat=4))

    def run(self, count: int, rate: float) -> Run:
        """Offer so many messages; returns when the bot is at rest again, or patience has ended."""
        name = next(self._names)
        stage = self._stage
        before = stage.processor_time()
        load = stage.place.load(name, stage.port, count, rate, self._customers)
        fired = stage.fired(stage.fire(load), load.due(count) + load.patience + PATIENCE)
        stage.wait_for_posts(name, len(fired.acked), PATIENCE)
        at_rest(stage.url)
        after = stage.processor_time()
        cpu = {process: used - before.get(process, 0.0) for process, used in after.items()}
        return summed_up(fired, stage.arrivals(name), rate, self._customers, cpu)

    def burst(self, seconds: float) -> Run:
        """Offer at once what takes about so long to drain, whatever the speed of bot and machine."""
        small = self.run(20, 0)
        return self.run(min(MOST_AT_ONCE, max(40, int(small.per_second * seconds))), 0)

    def knee(self, guess: float, seconds: float, tell: Callable[[Run], None]) -> list[Run]:
        """Raise the rate until messages fall behind; the last rate before that is the knee."""
        steps: list[Run] = []
        rate: float | None = guess
        while rate is not None:
            steps.append(self.run(max(10, int(rate * seconds)), rate))
            tell(steps[-1])
            rate = next_rate([(step.rate, step.keeps_up) for step in steps])
        return steps


def next_rate(steps: list[tuple[float, bool]]) -> float | None:
    """The rate to try next, after these and whether each was kept up with; None when the knee is known."""
    kept = [rate for rate, keeps_up in steps if keeps_up]
    missed = [rate for rate, keeps_up in steps if not keeps_up]
    if len(steps) >= MOST_STEPS or (kept and missed):
        return None
    return max(kept) * RAISE if kept else min(missed) / RAISE**2


def knee_of(steps: list[Run]) -> float:
    """The highest rate that was kept up with; 0 when there is none."""
    return max((step.rate for step in steps if step.keeps_up), default=0.0)
