"""Retention rules: how many days what is kept, by channel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

ANY = "all"
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
        return f"{self.channel or ANY} {self.what} {self.days}"


def parse(lines: Iterable[str], channels: Sequence[str]) -> tuple[RetentionRule, ...]:
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
    channel, what = "" if found[1] == ANY else found[1], Retained(found[2])
    if channel and what in WITHOUT_CHANNEL:
        raise ValueError(f"“{line[:60]}”: {what} have no channel. Enter all {what}.")
    if channel and channel not in channels:
        raise ValueError(f"“{channel}” is no channel. Use {ANY}, {', '.join(channels)}.")
    return RetentionRule(channel, what, int(found[3]))
