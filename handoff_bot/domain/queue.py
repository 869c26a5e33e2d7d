"""The queue as agents look at it: what to show of it, and one page of that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from handoff_bot.domain.desk import AgentRef, BoardRow
from handoff_bot.domain.signals import Priority, Signal

PAGE_ROWS = 15


class Whose(StrEnum):
    """Whose conversations to show."""

    WAITING = "waiting"
    MINE = "mine"
    CLAIMED = "claimed"
    OPEN = "open"


@dataclass(frozen=True)
class Filter:
    """What of the queue to show; None for any.

    Attributes:
        waited: at least so long.
        owner: the desk id of the agent who has them.
        slack_channels: in one of these; "" stands for the queue channel of the deployment's settings.
    """

    whose: Whose = Whose.WAITING
    channel: str | None = None
    priority: Priority | None = None
    reason: Signal | None = None
    waited: timedelta | None = None
    owner: str | None = None
    slack_channels: frozenset[str] | None = None


@dataclass(frozen=True)
class HeldRow:
    """A customer who waits for room in the queue; `contact` and `text` are hostile."""

    contact: str
    channel: str
    text: str
    held_at: datetime


@dataclass(frozen=True)
class QueuePage:
    """One page of the queue, most urgent first; `page` counts from 0.

    Attributes:
        found: how many fit the filter.
        waiting: how many wait in all.
        channels: the kinds of channels there are to filter by.
        owners: those who have somebody, to filter by, in the order of their names.
        held: the first customers who wait for room in the queue, longest first.
        held_in_all: how many customers wait for room in the queue.
    """

    rows: tuple[BoardRow, ...]
    page: int
    found: int
    waiting: int
    channels: tuple[str, ...]
    at: datetime
    owners: tuple[AgentRef, ...] = ()
    held: tuple[HeldRow, ...] = ()
    held_in_all: int = 0

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.found // PAGE_ROWS))
