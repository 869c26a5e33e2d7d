"""Estimates the time in queue from recent waits."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain import policy
from handoff_bot.services.settings import hours
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.transaction import Transaction

CONSIDERED = 20
WITHIN = timedelta(days=7)


def wait_minutes(tx: Transaction, now: datetime, ahead: int) -> int:
    """Returns the estimate in business minutes for a customer with `ahead` others before them."""
    team = hours.of_the_team(tx)
    recent = rows.recent_waits(tx, now - WITHIN, CONSIDERED)
    return policy.wait_minutes([team.between(since, until) for since, until in recent], ahead)


def minutes_left(tx: Transaction, now: datetime, ahead: int, since: datetime) -> int:
    """Returns what is left of the estimate for a wait since then; at least 1."""
    waited = (now - since).total_seconds() // 60
    return max(1, wait_minutes(tx, now, ahead) - int(waited))
