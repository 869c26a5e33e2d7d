"""How long somebody in the queue has still to wait, from what others have waited lately."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain import policy
from handoff_bot.services import hours
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.transaction import Transaction

CONSIDERED = 20
WITHIN = timedelta(days=7)


def wait_minutes(tx: Transaction, now: datetime, ahead: int) -> int:
    """The estimate for who joins the queue behind so many others, in minutes in which the team works."""
    team = hours.of_the_team(tx)
    recent = rows.recent_waits(tx, now - WITHIN, CONSIDERED)
    return policy.wait_minutes([team.between(since, until) for since, until in recent], ahead)


def minutes_left(tx: Transaction, now: datetime, ahead: int, since: datetime) -> int:
    """What is left of the estimate for somebody who has waited since then; never less than 1."""
    waited = (now - since).total_seconds() // 60
    return max(1, wait_minutes(tx, now, ahead) - int(waited))
