"""Data of an agent's Home tab."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.desk import AgentRef, BoardRow
from handoff_bot.domain.metrics import AgentNumbers, Numbers


@dataclass(frozen=True)
class MyRow:
    """One of the agent's own conversations.

    Attributes:
        said_at: time of the last message, None if there was none since the claim.
        waits_for_me: True if that message was the customer's.
    """

    row: BoardRow
    said_at: datetime | None
    waits_for_me: bool


@dataclass(frozen=True)
class Home:
    """Data of one agent's Home tab.

    Attributes:
        mine: own conversations, those waiting for a reply first; `mine_in_all` is their number.
        waiting: the most urgent of the queue.
        waits: number of waiting conversations.
        claimed: number of conversations in progress.
        today: metrics since the agent's midnight; `mine_today` are the agent's own.
        may_administer: True shows the settings button.
    """

    agent: AgentRef
    mine: tuple[MyRow, ...]
    waiting: tuple[BoardRow, ...]
    waits: int
    claimed: int
    today: Numbers
    mine_today: AgentNumbers | None = None
    may_administer: bool = False
    mine_in_all: int = 0
