"""Retention: what is older than the admins' rules is blanked or deleted, a batch at a time.

Off by default. Rules are shown with what they would delete before they are saved.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from handoff_bot.domain.rules import RetentionRule, retention_rules_in
from handoff_bot.domain.text import many
from handoff_bot.jobs.handler import ADMINS, TransactionJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock
from handoff_bot.services.settings.preferences import Preferences
from handoff_bot.storage import log, retention
from handoff_bot.storage.database import Database
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

RETAIN = "tick.retention"
RULES = "retention"
"""Setting with the rules as lines."""
BATCH = 200
"""Rows in one transaction, so that no message waits for a deletion."""
PAUSE = timedelta(seconds=1)


@dataclass(frozen=True)
class RetentionPreview:
    """What a rule deletes as soon as it is saved."""

    rule: RetentionRule
    rows: int

    def line(self) -> str:
        return (
            f"{self.rule.line()}: {many(self.rows, 'row')} older than {many(self.rule.days, 'day')}"
        )


class Retention:
    """Rules and their previews."""

    def __init__(
        self, database: Database, preferences: Preferences, clock: Clock, channels: Collection[str]
    ) -> None:
        self._database = database
        self._preferences = preferences
        self._clock = clock
        self._channels = sorted(channels)

    def lines(self) -> list[str]:
        """Returns the rules in effect, as lines."""
        with self._database.read() as tx:
            return _lines(tx)

    def preview(self, lines: Iterable[str]) -> list[RetentionPreview]:
        """Returns what these rules would delete now.

        Raises:
            ValueError: a line is not a rule.
        """
        rules = retention_rules_in(lines, self._channels)
        now = self._clock.now()
        with self._database.read() as tx:
            return [
                RetentionPreview(one, retention.count(tx, one, now, _others(rules, one)))
                for one in rules
            ]

    def save(self, lines: Iterable[str], by: str) -> None:
        """Puts rules into effect; none switch retention off. The next hour's tick applies them.

        Raises:
            ValueError: a line is not a rule.
        """
        rules = retention_rules_in(lines, self._channels)
        self._preferences.change(RULES, [one.line() for one in rules] or None, by)


def _lines(tx: Transaction) -> list[str]:
    held = log.preference(tx, RULES, [])
    return [str(one) for one in held] if isinstance(held, list) else []


def _others(rules: Sequence[RetentionRule], rule: RetentionRule) -> list[str]:
    """Returns the channels with a rule of their own of this kind."""
    return [one.channel for one in rules if one.what is rule.what and one.channel]


def _read(tx: Transaction) -> Iterator[RetentionRule]:
    """Yields the stored rules; a channel that was removed since keeps its rule."""
    for line in _lines(tx):
        try:
            yield from retention_rules_in([line], [line.partition(" ")[0]])
        except ValueError:
            logger.warning("retention rule not valid")


class Retain(TransactionJob):
    """Applies one batch of the first rule that has any rows, and enqueues itself until none has."""

    told = ADMINS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        now, rules = self._clock.now(), tuple(_read(tx))
        for rule in rules:
            gone = retention.apply(tx, rule, now, _others(rules, rule), BATCH)
            if gone:
                logger.info("retention", extra={"what": rule.what.value, "rows": gone})
                enqueue_job(tx, NewJob(RETAIN, job.lane, {}, due_at=now + PAUSE))
                return
