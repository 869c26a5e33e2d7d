"""Types of Slack's blocks that the workspace refused, with the time of the last refusal."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import update
from sqlmodel import col, select

from handoff_bot.storage.models import LackingBlock
from handoff_bot.storage.transaction import Transaction


def refused_since(tx: Transaction, moment: datetime) -> frozenset[str]:
    """Returns the types that were refused at that time or later."""
    found = select(LackingBlock.type).where(col(LackingBlock.refused_at) >= moment)
    return frozenset(tx.session.execute(found).scalars())


def refused(tx: Transaction, types: Collection[str], now: datetime) -> None:
    """Stores a refusal; a later one of the same type replaces its time."""
    for type in sorted(types):
        tx.add_unless_known(LackingBlock(type=type, refused_at=now), "type")
    mine = col(LackingBlock.type).in_(types)
    tx.session.execute(update(LackingBlock).where(mine).values(refused_at=now))
