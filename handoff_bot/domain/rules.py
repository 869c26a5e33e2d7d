"""Rules set by admins: their conditions, routing, notification and retention rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from handoff_bot.domain import customers
from handoff_bot.domain.signals import Priority, Signal

# -- conditions


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
        customers.by_name(self.attributes)

    def covers(self, other: RuleConditions) -> bool:
        """Returns whether these conditions match everything that the other ones match."""
        mine = (self.channels, self.reasons, self.priorities, self.languages, self.tags)
        theirs = (other.channels, other.reasons, other.priorities, other.languages, other.tags)
        pairs = zip(mine, theirs, strict=True)
        narrower = (not self.vip or other.vip) and customers.cover(
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
            and customers.fit(self.attributes, case.attributes)
        )


def _any_of(wanted: tuple[str, ...], found: str) -> bool:
    return not wanted or found in wanted


# -- routing rules
# The first match decides.

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
class RoutingRule:
    """Sends matching conversations to the route."""

    when: RuleConditions = field(default_factory=RuleConditions)
    to: Route = field(default_factory=Route)


def first_fitting(rules: Iterable[RoutingRule], case: Case) -> RoutingRule | None:
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


def turn_of(mode: Mode, standing: Standing) -> tuple[float, ...]:
    """Returns the sort key: the first agent gets the offer. Equal ones take turns."""
    if mode is Mode.ROUND_ROBIN:
        return standing.asked_at, standing.id
    return standing.load, standing.asked_at, standing.id


# -- notification rules and quiet hours

_SPAN = re.compile(r"(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)")


@dataclass(frozen=True)
class Quiet:
    """Daily quiet hours; they may span midnight."""

    since: time
    until: time

    @classmethod
    def parse(cls, words: str) -> Quiet:
        """Parses "22:00-7:00".

        Raises:
            ValueError: invalid; with a message for the user.
        """
        found = _SPAN.fullmatch(words.strip())
        if found is None:
            raise ValueError("Enter quiet hours such as 22:00-7:00.")
        hours = [int(found[1]), int(found[3])]
        minutes = [int(found[2]), int(found[4])]
        if max(hours) > 23 or max(minutes) > 59:
            raise ValueError("Enter times from 0:00 to 23:59.")
        since, until = (time(*at) for at in zip(hours, minutes, strict=True))
        if since == until:
            raise ValueError("Quiet hours must not start and end at the same time.")
        return cls(since, until)

    def ends(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """Returns the end of the current quiet hours; None outside of them."""
        here = at.astimezone(zone)
        clock = here.time().replace(tzinfo=None)
        over_midnight = self.until < self.since
        is_late = clock >= self.since
        is_early = clock < self.until
        if not (is_late or is_early if over_midnight else is_late and is_early):
            return None
        day = here.date() + timedelta(days=1 if over_midnight and is_late else 0)
        return datetime.combine(day, self.until, zone).astimezone(UTC)


@dataclass(frozen=True)
class Audience:
    """Recipients of a rule, and when they are notified.

    Attributes:
        slack_channel: channel for a message, or "".
        group_id: user group to mention, in that message or in the conversation's thread.
        people: Slack ids for direct messages.
        emails: email addresses.
        quiet: quiet hours in the form of `Quiet`; "" for none.
        wakes: True if urgent notifications ignore quiet hours.
    """

    slack_channel: str = ""
    group_id: str = ""
    people: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    quiet: str = ""
    wakes: bool = False

    def is_nobody(self) -> bool:
        """Returns whether there are no recipients."""
        return not (self.slack_channel or self.group_id or self.people or self.emails)

    def due_at(self, now: datetime, priority: Priority, zone: ZoneInfo) -> datetime:
        """Returns when to notify them."""
        if not self.quiet or (self.wakes and priority is Priority.URGENT):
            return now
        return Quiet.parse(self.quiet).ends(now, zone) or now


@dataclass(frozen=True)
class NotificationRule:
    """Notifies the audience about matching conversations."""

    when: RuleConditions = field(default_factory=RuleConditions)
    to: Audience = field(default_factory=Audience)


def audiences_of(rules: Iterable[NotificationRule], case: Case) -> list[Audience]:
    """Returns the audiences of all matching rules, not only the first."""
    return [rule.to for rule in rules if rule.when.fit(case)]


# -- retention rules: how many days what is kept, by channel

ALL_CHANNELS = "all"
MOST_RULES = 40
LONGEST_DAYS = 36_500


class Retained(StrEnum):
    """What a rule deletes when it is older."""

    MESSAGES = "messages"
    FILES = "files"
    NOTES = "notes"
    JOBS = "jobs"
    """Failed jobs, which may contain messages and addresses."""
    LOG = "log"
    """Changes of settings with their values before and after."""


WITHOUT_CHANNEL = frozenset({Retained.JOBS, Retained.LOG})
_LINE = re.compile(r"([a-z][a-z0-9_]{0,39})\s+([a-z]+)\s+([0-9]{1,5})")


@dataclass(frozen=True)
class RetentionRule:
    """`channel` is "" for all."""

    channel: str
    what: Retained
    days: int

    @property
    def age(self) -> timedelta:
        return timedelta(days=self.days)

    def line(self) -> str:
        """Returns the rule as an admin writes it."""
        return f"{self.channel or ALL_CHANNELS} {self.what} {self.days}"


def retention_rules_in(lines: Iterable[str], channels: Sequence[str]) -> tuple[RetentionRule, ...]:
    """Parses rules such as "all messages 365", one per line; a channel's own rule replaces "all".

    Raises:
        ValueError: a line is not a rule, or there are too many.
    """
    wanted = [line.strip().lower() for line in lines if line.strip()]
    if len(wanted) > MOST_RULES:
        raise ValueError(f"Enter at most {MOST_RULES} lines.")
    rules = [_rule(line, channels) for line in wanted]
    known = {(rule.channel, rule.what): rule for rule in rules}
    if len(known) < len(rules):
        raise ValueError("Enter one line for each channel and kind.")
    return tuple(rules)


def _rule(line: str, channels: Sequence[str]) -> RetentionRule:
    found = _LINE.fullmatch(line)
    if not found or found[2] not in list(Retained) or not 1 <= int(found[3]) <= LONGEST_DAYS:
        kinds = ", ".join(Retained)
        raise ValueError(
            f"“{line[:60]}” is no rule. Enter a channel or all, one of {kinds}, and days."
        )
    channel, what = "" if found[1] == ALL_CHANNELS else found[1], Retained(found[2])
    if channel and what in WITHOUT_CHANNEL:
        raise ValueError(f"“{line[:60]}”: {what} have no channel. Enter all {what}.")
    if channel and channel not in channels:
        raise ValueError(f"“{channel}” is no channel. Use {ALL_CHANNELS}, {', '.join(channels)}.")
    return RetentionRule(channel, what, int(found[3]))
