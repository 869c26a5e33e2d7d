"""Escalation limits per sender, per network and for all anonymous visitors together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

CONVERSATION = "conversation"
NETWORK = "network"
STRANGERS = "strangers"
"""Kinds of groups that are counted together. A group's name is its kind, or begins with it and ":"."""


@dataclass(frozen=True)
class Quota:
    """At most `amount` per period; periods begin at multiples of their length (UTC)."""

    most: int
    within: timedelta

    def window(self, now: datetime) -> int:
        """Returns the number of the period at this time."""
        return int(now.timestamp() // self.within.total_seconds())

    def ends(self, now: datetime) -> datetime:
        """Returns the end of the current period."""
        return datetime.fromtimestamp((self.window(now) + 1) * self.within.total_seconds(), UTC)


@dataclass(frozen=True)
class EscalationLimits:
    """Limits on new escalations, by kind of group.

    Attributes:
        conversation: per customer, for repeated escalations.
        network: per internet address (IPv6: per /64) of anonymous visitors.
        strangers: for all visitors without a verified identity together.
    """

    conversation: Quota = field(default=Quota(6, timedelta(hours=1)))
    network: Quota = field(default=Quota(5, timedelta(minutes=10)))
    strangers: Quota = field(default=Quota(40, timedelta(minutes=10)))

    def of(self, group: str) -> Quota:
        quota: Quota = getattr(self, group.partition(":")[0])
        return quota

    def for_all(self, groups: Iterable[str]) -> Mapping[str, Quota]:
        return {group: self.of(group) for group in groups}
