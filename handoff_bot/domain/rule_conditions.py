"""Conditions of admins' rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from handoff_bot.domain import attributes
from handoff_bot.domain.signals import Priority, Signal


@dataclass(frozen=True)
class Case:
    """An escalation as rules see it.

    Attributes:
        channel: the channel's kind.
        reason: the decisive signal.
        priority: the priority.
        language: ISO 639-1, "" if unknown.
        tags: tags of all the customer's tickets.
        vip: True if the customer is a VIP.
        attributes: the customer's attributes (hostile).
    """

    channel: str
    reason: Signal
    priority: Priority
    language: str = ""
    tags: frozenset[str] = frozenset()
    vip: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RuleConditions:
    """Conditions that must all match; an empty attribute matches anything.

    `vip` only matches VIPs. `attributes` has conditions such as "plan = pro".
    """

    channels: tuple[str, ...] = ()
    reasons: tuple[Signal, ...] = ()
    priorities: tuple[Priority, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    vip: bool = False
    attributes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for a condition that cannot be read."""
        attributes.by_name(self.attributes)

    def covers(self, other: RuleConditions) -> bool:
        """Returns whether these conditions match everything that the other ones match."""
        mine = (self.channels, self.reasons, self.priorities, self.languages, self.tags)
        theirs = (other.channels, other.reasons, other.priorities, other.languages, other.tags)
        pairs = zip(mine, theirs, strict=True)
        narrower = (not self.vip or other.vip) and attributes.cover(
            self.attributes, other.attributes
        )
        return narrower and all(
            not ours or (bool(named) and set(ours) >= set(named)) for ours, named in pairs
        )

    def fit(self, case: Case) -> bool:
        """Returns whether the case matches."""
        return (
            _any_of(self.channels, case.channel)
            and _any_of(self.reasons, case.reason)
            and _any_of(self.priorities, case.priority)
            and _any_of(self.languages, case.language)
            and (not self.tags or not case.tags.isdisjoint(self.tags))
            and (case.vip or not self.vip)
            and attributes.fit(self.attributes, case.attributes)
        )


def _any_of(wanted: tuple[str, ...], found: str) -> bool:
    return not wanted or found in wanted
