"""Rate-limit costs and priorities of Slack jobs.

Customers' messages come before card updates, and those before the board. New cards count as
messages, but only a limited number per minute: in a surge the rest is posted late, by priority, and
the board shows them meanwhile.
"""

from __future__ import annotations

from datetime import timedelta

from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.domain.desk import Place
from handoff_bot.jobs.rates import BucketCost, Cost
from handoff_bot.storage.models import Escalation

BOARD_PATIENCE = timedelta(seconds=10)
"""After this time, the board goes before cards: while cards are late, agents work from the board."""

EPHEMERAL: Cost = (BucketCost("whisper"),)
CARD: Cost = (BucketCost("redraw", rank=1),)
BOARD: Cost = (BucketCost("redraw", rank=2, patience=BOARD_PATIENCE),)


def words(slack_channel: str) -> Cost:
    """A message in a thread."""
    return (_post(slack_channel),)


def telling(to: str) -> Cost:
    """A message outside threads, or the first board."""
    return (_post(to, rank=1),)


def new_card(escalation: Escalation, slack_channel: str, *, is_strangers: bool = False) -> Cost:
    """Most urgent first, anonymous visitors after known customers. The card of a claiming agent
    comes first.
    """
    rank = 0 if escalation.owner_id else 1 + 2 * escalation.priority_rank + is_strangers
    return BucketCost(f"card:{slack_channel}", rank), _post(slack_channel)


def _post(slack_channel: str, rank: int = 0) -> BucketCost:
    return BucketCost(f"post:{slack_channel}", rank)


def board(at: Place | None, slack_channel: str) -> Cost:
    """Updating or posting the board."""
    return BOARD if at else telling(slack_channel)


def mark(status: DeliveryStatus, *, held: bool) -> Cost:
    """A delivery reaction. `held` means that the waiting reaction must be removed."""
    added = BucketCost("mark")
    return (
        (BucketCost("unmark"), added) if held and status is not DeliveryStatus.QUEUED else (added,)
    )
