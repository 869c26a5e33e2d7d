"""What each kind of the desk's work takes of the desk's limits, and who goes first when they are short.

Customers' words before new cards beyond what people can read, before redraws, before the board.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.domain.desk import Place
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.pacing import Turn
from handoff_bot.storage import escalations
from handoff_bot.storage.models import Escalation
from handoff_bot.storage.transaction import Transaction

DIGEST_ABOVE = 30
"""New cards a minute. More than that nobody reads: they come late, by urgency, and the board stands in."""
MINUTE = timedelta(minutes=1)
BOARD_PATIENCE = timedelta(seconds=10)
"""After waiting so long the board goes before cards: while they are late, it is what people work from."""

WHISPER = Turn(("whisper",))
CARD = Turn(("redraw",), rank=1)
BOARD = Turn(("redraw",), rank=2, patience=BOARD_PATIENCE)


def words(slack_channel: str) -> Turn:
    """Something said in a thread."""
    return Turn((f"post:{slack_channel}",))


def telling(to: str) -> Turn:
    """Something said outside of threads, or the very first board."""
    return Turn((f"post:{to}",), rank=1)


def new_card(tx: Transaction, escalation: Escalation, slack_channel: str, now: datetime) -> Turn:
    """A new card counts as words, unless there are too many. Whoever was claimed needs a thread at once."""
    is_digest = (
        escalation.status == Status.QUEUED
        and escalations.count_waiting_since(tx, now - MINUTE) > DIGEST_ABOVE
    )
    rank = 1 + escalation.priority_rank if is_digest else 0
    return Turn((f"post:{slack_channel}",), rank=rank)


def board(at: Place | None, slack_channel: str) -> Turn:
    """The board, redrawn or posted."""
    return BOARD if at else telling(slack_channel)


def mark(status: DeliveryStatus, *, held: bool) -> Turn:
    """How far a reply has come; the mark for waiting goes when it has left."""
    return Turn(("mark", "unmark") if held and status is not DeliveryStatus.QUEUED else ("mark",))
