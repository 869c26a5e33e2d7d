"""An agent's availability."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Availability:
    """An agent's availability as the agent sees it.

    Attributes:
        until: end of the absence; None if open-ended or available.
        load, capacity: current and maximum number of conversations; capacity 0 means no limit.
        own_capacity: the agent's own limit, 0 if the team's limit applies.
        by_presence: True if the agent has never set it, and gets offers while active in Slack.
        hours: lines such as "mon-fri 9:00-17:00".
    """

    on_roster: bool
    is_away: bool
    until: datetime | None
    in_hours: bool
    load: int
    capacity: int
    hours: tuple[str, ...]
    timezone: str
    own_capacity: int = 0
    by_presence: bool = False
