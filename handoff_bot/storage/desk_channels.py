"""Queries and changes of the Slack channels that the bot was invited to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import col, select

from handoff_bot.storage.models import DeskChannel
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import Transaction, table_of

_CHANNEL = table_of(DeskChannel)
_WORKING = Prepared(
    select(_CHANNEL.c.slack_channel)
    .where(_CHANNEL.c.purpose == bindparam("of"), _CHANNEL.c.suspended_at.is_(None))
    .limit(1)
)

MOST = 50


def of(tx: Transaction, slack_channel: str, by: str, now: datetime) -> DeskChannel:
    """Returns a channel's row, created if new."""
    row = tx.session.get(DeskChannel, slack_channel)
    if row is not None:
        return row
    new = DeskChannel(slack_channel=slack_channel, added_by=by, added_at=now)
    return tx.ensure(new, "slack_channel")


def known(tx: Transaction, slack_channel: str) -> DeskChannel | None:
    """Returns a channel's row, or None if unknown."""
    return tx.session.get(DeskChannel, slack_channel)


def with_purpose(tx: Transaction, purpose: str) -> Sequence[DeskChannel]:
    """Returns the channels with this purpose."""
    found = select(DeskChannel).where(DeskChannel.purpose == purpose)
    return list(tx.session.execute(found).scalars())


def working(tx: Transaction, purpose: str) -> str:
    """Returns the open channel with this purpose, or ""."""
    tx.flush()
    return _WORKING.scalar(tx.core, {"of": purpose}) or ""


def every(tx: Transaction) -> Sequence[DeskChannel]:
    """Returns all channels that the bot was invited to, oldest first."""
    found = select(DeskChannel).order_by(col(DeskChannel.added_at)).limit(MOST)
    return list(tx.session.execute(found).scalars())
