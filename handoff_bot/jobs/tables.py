"""Job tables for statements without the ORM."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from handoff_bot.storage.desk_models import RateLimit
from handoff_bot.storage.models import Lane, Work, Worker
from handoff_bot.storage.transaction import table_of

LANE = table_of(Lane)
WORK = table_of(Work)
WORKER = table_of(Worker)
RATE_LIMIT = table_of(RateLimit)

GRANT_OF_LANE = select(LANE.c.grant).where(LANE.c.key == bindparam("lane")).with_for_update()
"""Locks the lane until commit on PostgreSQL."""
