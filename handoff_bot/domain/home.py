"""What an agent sees who opens the app: their own conversations, the queue, today's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.desk import AgentRef, BoardRow
from handoff_bot.domain.metrics import AgentNumbers, Numbers


@dataclass(frozen=True)
class MyRow:
    """A conversation of one's own.

    Attributes:
        said_at: when the last word was said, None when nothing was since it was taken.
        waits_for_me: True when that was the customer's word.
    """

    row: BoardRow
    said_at: datetime | None
    waits_for_me: bool


@dataclass(frozen=True)
class Home:
    """Everything on one agent's Home tab.

    Attributes:
        mine: one's own conversations, those that wait for an answer first; `mine_in_all` how many there are.
        waiting: the most urgent of the queue.
        waits: how many wait in all.
        claimed: how many are being talked to.
        today: the figures since midnight, where the agent is; `mine_today` what they did themselves.
        may_administer: True shows the way to the settings.
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
