"""Where conversations go: admins' rules, of which the first that fits decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from handoff_bot.domain.criteria import Case, Criteria

SHORTEST_PATIENCE, USUAL_PATIENCE, LONGEST_PATIENCE = 15, 120, 3600
"""Seconds that one who was asked has to answer."""


class Mode(StrEnum):
    """Who gets a conversation."""

    FREE = "free"
    ROUND_ROBIN = "round_robin"
    LEAST_BUSY = "least_busy"


@dataclass(frozen=True)
class Route:
    """Where a conversation goes, and how it finds an owner there.

    Attributes:
        slack_channel: where its card goes, "" for the queue channel.
        group_id: the user group it is for, "" for everybody.
        people: the desk ids of those it is for; none for everybody, or for the group.
        mode: free for whoever takes it, or offered to one after the other.
        assigns: True when they are not asked: it is given to them.
        seconds: how long one who was asked has to answer before the next one is asked.
    """

    slack_channel: str = ""
    group_id: str = ""
    people: tuple[str, ...] = ()
    mode: Mode = Mode.FREE
    assigns: bool = False
    seconds: int = USUAL_PATIENCE

    @property
    def is_offered(self) -> bool:
        """Is it for one agent after the other, not for whoever takes it?"""
        return self.mode is not Mode.FREE


@dataclass(frozen=True)
class Rule:
    """Conversations like these go there."""

    when: Criteria = field(default_factory=Criteria)
    to: Route = field(default_factory=Route)


def first(rules: Iterable[Rule], case: Case) -> Rule | None:
    """The rule that decides; None when the queue is free for all, as usual."""
    return next((rule for rule in rules if rule.when.fit(case)), None)


@dataclass(frozen=True)
class Standing:
    """How one agent stands when somebody is to be asked.

    Attributes:
        id: ours.
        load: how many conversations they have.
        asked_at: when they were last asked, as a timestamp; 0 for never.
    """

    id: int
    load: int
    asked_at: float


def turn(mode: Mode, standing: Standing) -> tuple[float, ...]:
    """What agents are sorted by: the first of them is the one to ask. Equal ones take turns."""
    if mode is Mode.ROUND_ROBIN:
        return standing.asked_at, standing.id
    return standing.load, standing.asked_at, standing.id
