"""How an agent stands: there or away, in their hours, with how many conversations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Availability:
    """How an agent stands, as they see it themselves.

    Attributes:
        until: when they come back, None for by hand (or when they are not away).
        load, capacity: conversations they have, and at most have; capacity 0 for any number.
        own_capacity: the most that they have set themselves, 0 where the team's usual number counts.
        hours: lines like "mon-fri 9:00-17:00".
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
