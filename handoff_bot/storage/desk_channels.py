"""Questions and changes about the Slack channels that the bot was invited into."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select

from handoff_bot.storage.desk_models import DeskChannel
from handoff_bot.storage.transaction import Transaction

MOST = 50


def of(tx: Transaction, slack_channel: str, by: str, now: datetime) -> DeskChannel:
    """The row of a channel, made if new."""
    row = tx.session.get(DeskChannel, slack_channel)
    if row is not None:
        return row
    new = DeskChannel(slack_channel=slack_channel, added_by=by, added_at=now)
    return tx.ensure(new, "slack_channel")


def known(tx: Transaction, slack_channel: str) -> DeskChannel | None:
    """The row of a channel, None when nobody told us of it."""
    return tx.session.get(DeskChannel, slack_channel)


def with_purpose(tx: Transaction, purpose: str) -> Sequence[DeskChannel]:
    """The channels for this purpose."""
    found = select(DeskChannel).where(DeskChannel.purpose == purpose)
    return list(tx.session.execute(found).scalars())


def working(tx: Transaction, purpose: str) -> str:
    """The channel for this purpose that is not suspended, "" when there is none."""
    found = select(DeskChannel.slack_channel).where(
        DeskChannel.purpose == purpose, col(DeskChannel.suspended_at).is_(None)
    )
    return tx.session.execute(found.limit(1)).scalar_one_or_none() or ""


def every(tx: Transaction) -> Sequence[DeskChannel]:
    """Those that we were invited into, the oldest first."""
    found = select(DeskChannel).order_by(col(DeskChannel.added_at)).limit(MOST)
    return list(tx.session.execute(found).scalars())
