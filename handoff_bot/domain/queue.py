"""The queue as shown to agents: filter and page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from handoff_bot.domain.desk import AgentRef, BoardRow
from handoff_bot.domain.signals import Priority, Signal

EMPTY = "No customers are waiting."
PAGE_ROWS = 15


class Whose(StrEnum):
    """Which conversations to show."""

    WAITING = "waiting"
    MINE = "mine"
    CLAIMED = "claimed"
    OPEN = "open"


@dataclass(frozen=True)
class Filter:
    """Filter of the queue; None for any.

    Attributes:
        waited: minimum wait.
        owner: Slack id of the assignee.
        slack_channels: channels of the conversations; "" is the configured queue channel.
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
    """A customer held by the escalation limits; `contact` and `text` are hostile."""

    contact: str
    channel: str
    text: str
    held_at: datetime


@dataclass(frozen=True)
class QueuePage:
    """One page of the queue, most urgent first; `page` counts from 0.

    Attributes:
        found: number of matches.
        waiting: number of all waiting conversations.
        channels: kinds of channels to filter by.
        owners: agents with conversations to filter by, by name.
        held: the longest held customers.
        held_in_all: number of held customers.
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
        """Returns the number of pages, at least one."""
        return max(1, -(-self.found // PAGE_ROWS))
