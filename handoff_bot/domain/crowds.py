"""How much of people's work one sender, one place and all strangers together may ask for at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

CONVERSATION = "conversation"
NETWORK = "network"
STRANGERS = "strangers"
"""Kinds of groups that are counted together; a group's name is its kind, or begins with it and ":"."""


@dataclass(frozen=True)
class Quota:
    """At most so much within each window of time; windows begin at multiples of their length (UTC)."""

    most: int
    within: timedelta

    def window(self, now: datetime) -> int:
        """The number of the window that this moment is in."""
        return int(now.timestamp() // self.within.total_seconds())

    def ends(self, now: datetime) -> datetime:
        """When that window is over."""
        return datetime.fromtimestamp((self.window(now) + 1) * self.within.total_seconds(), UTC)


@dataclass(frozen=True)
class EscalationLimits:
    """Escalations that may begin, by kind of group.

    Attributes:
        conversation: of one customer, who asks for a person again after each end.
        network: of one address on the internet (IPv6: of one /64) from which strangers write.
        strangers: of all strangers together: visitors for whom no website vouches.
    """

    conversation: Quota = field(default=Quota(6, timedelta(hours=1)))
    network: Quota = field(default=Quota(5, timedelta(minutes=10)))
    strangers: Quota = field(default=Quota(40, timedelta(minutes=10)))

    def of(self, group: str) -> Quota:
        """The limit of a group."""
        quota: Quota = getattr(self, group.partition(":")[0])
        return quota

    def for_all(self, groups: Iterable[str]) -> Mapping[str, Quota]:
        """The limits of these groups."""
        return {group: self.of(group) for group in groups}
