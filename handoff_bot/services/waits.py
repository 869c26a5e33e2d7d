"""How long somebody in the queue has still to wait, from what others have waited lately."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain import policy
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.transaction import Transaction

CONSIDERED = 20
WITHIN = timedelta(days=7)


def wait_minutes(tx: Transaction, now: datetime, ahead: int) -> int:
    """The estimate for somebody who joins the queue behind so many others."""
    return policy.wait_minutes(rows.recent_waits(tx, now - WITHIN, CONSIDERED), ahead)


def minutes_left(tx: Transaction, now: datetime, ahead: int, since: datetime) -> int:
    """What is left of the estimate for somebody who has waited since then; never less than 1."""
    waited = (now - since).total_seconds() // 60
    return max(1, wait_minutes(tx, now, ahead) - int(waited))
