"""Which conversations an admin's rule is about."""

from __future__ import annotations

from dataclasses import dataclass

from handoff_bot.domain.signals import Priority, Signal


@dataclass(frozen=True)
class Case:
    """What rules look at: one conversation that needs a person.

    Attributes:
        channel: the channel's kind.
        reason: the signal that tipped it.
        priority: how urgent.
        language: ISO 639-1, "" when unknown.
        tags: of the customer's tickets, this one and earlier ones.
        vip: did an admin name them one?
    """

    channel: str
    reason: Signal
    priority: Priority
    language: str = ""
    tags: frozenset[str] = frozenset()
    vip: bool = False


@dataclass(frozen=True)
class Criteria:
    """What a conversation must be: for each attribute any one of these, and nothing named means any.

    `vip` asks for VIPs alone.
    """

    channels: tuple[str, ...] = ()
    reasons: tuple[Signal, ...] = ()
    priorities: tuple[Priority, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    vip: bool = False

    def covers(self, other: Criteria) -> bool:
        """Is everything that the other is about something that this is about?"""
        mine = (self.channels, self.reasons, self.priorities, self.languages, self.tags)
        theirs = (other.channels, other.reasons, other.priorities, other.languages, other.tags)
        pairs = zip(mine, theirs, strict=True)
        return (not self.vip or other.vip) and all(
            not ours or (bool(named) and set(ours) >= set(named)) for ours, named in pairs
        )

    def fit(self, case: Case) -> bool:
        """Is it about this one?"""
        return (
            _any_of(self.channels, case.channel)
            and _any_of(self.reasons, case.reason)
            and _any_of(self.priorities, case.priority)
            and _any_of(self.languages, case.language)
            and (not self.tags or not case.tags.isdisjoint(self.tags))
            and (case.vip or not self.vip)
        )


def _any_of(wanted: tuple[str, ...], found: str) -> bool:
    return not wanted or found in wanted
