"""Routing rules set by admins; the first match decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from handoff_bot.domain.rule_conditions import Case, RuleConditions

SHORTEST_PATIENCE, USUAL_PATIENCE, LONGEST_PATIENCE = 15, 120, 3600
"""Seconds to respond to an offer."""


class Mode(StrEnum):
    """How a conversation is assigned."""

    FREE = "free"
    ROUND_ROBIN = "round_robin"
    LEAST_BUSY = "least_busy"


@dataclass(frozen=True)
class Route:
    """Where a conversation goes, and how it is assigned.

    Attributes:
        slack_channel: where its card goes, "" for the queue channel.
        group_id: its user group, "" for all agents.
        people: Slack ids of its agents; empty for all agents, or for the group.
        mode: free to claim, or offered to one agent after another.
        assigns: True if it is assigned without an offer.
        seconds: time to respond to an offer.
    """

    slack_channel: str = ""
    group_id: str = ""
    people: tuple[str, ...] = ()
    mode: Mode = Mode.FREE
    assigns: bool = False
    seconds: int = USUAL_PATIENCE

    @property
    def is_offered(self) -> bool:
        """Returns whether it is offered to one agent after another, rather than free to claim."""
        return self.mode is not Mode.FREE


@dataclass(frozen=True)
class Rule:
    """Sends matching conversations to the route."""

    when: RuleConditions = field(default_factory=RuleConditions)
    to: Route = field(default_factory=Route)


def first(rules: Iterable[Rule], case: Case) -> Rule | None:
    """Returns the first matching rule, or None."""
    return next((rule for rule in rules if rule.when.fit(case)), None)


@dataclass(frozen=True)
class Standing:
    """An agent's data for choosing whom to offer to.

    Attributes:
        id: our id.
        load: number of conversations.
        asked_at: last offer as a timestamp; 0 for never.
    """

    id: int
    load: int
    asked_at: float


def turn(mode: Mode, standing: Standing) -> tuple[float, ...]:
    """Returns the sort key: the first agent gets the offer. Equal ones take turns."""
    if mode is Mode.ROUND_ROBIN:
        return standing.asked_at, standing.id
    return standing.load, standing.asked_at, standing.id
