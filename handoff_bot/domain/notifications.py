"""Notification rules and quiet hours."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from handoff_bot.domain.rule_conditions import Case, RuleConditions
from handoff_bot.domain.signals import Priority

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


def fitting(rules: Iterable[NotificationRule], case: Case) -> list[Audience]:
    """Returns the audiences of all matching rules, not only the first."""
    return [rule.to for rule in rules if rule.when.fit(case)]
