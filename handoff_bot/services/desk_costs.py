"""What each kind of the desk's work takes of the desk's limits, and who goes first when they are short.

Customers' words go before redraws of cards, and these before the board. A new card counts as words, but of
a surge of new cards only so many a minute do: the rest is posted late, by urgency, and the board stands in.
"""

from __future__ import annotations

from datetime import timedelta

from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.domain.desk import Place
from handoff_bot.jobs.rates import BucketCost, Cost
from handoff_bot.storage.models import Escalation

BOARD_PATIENCE = timedelta(seconds=10)
"""After waiting so long the board goes before cards: while they are late, it is what people work from."""

WHISPER: Cost = (BucketCost("whisper"),)
CARD: Cost = (BucketCost("redraw", rank=1),)
BOARD: Cost = (BucketCost("redraw", rank=2, patience=BOARD_PATIENCE),)


def words(slack_channel: str) -> Cost:
    """Something said in a thread."""
    return (_post(slack_channel),)


def telling(to: str) -> Cost:
    """Something said outside of threads, or the very first board."""
    return (_post(to, rank=1),)


def new_card(escalation: Escalation, slack_channel: str, *, is_strangers: bool = False) -> Cost:
    """The most urgent first, strangers behind known customers; first of all an agent's who has claimed it."""
    rank = 0 if escalation.owner_id else 1 + 2 * escalation.priority_rank + is_strangers
    return BucketCost(f"card:{slack_channel}", rank), _post(slack_channel)


def _post(slack_channel: str, rank: int = 0) -> BucketCost:
    return BucketCost(f"post:{slack_channel}", rank)


def board(at: Place | None, slack_channel: str) -> Cost:
    """The board, redrawn or posted."""
    return BOARD if at else telling(slack_channel)


def mark(status: DeliveryStatus, *, held: bool) -> Cost:
    """How far a reply has come; the mark for waiting goes when it has left."""
    added = BucketCost("mark")
    return (
        (BucketCost("unmark"), added) if held and status is not DeliveryStatus.QUEUED else (added,)
    )
