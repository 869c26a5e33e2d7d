"""Job tables for statements without the ORM."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from handoff_bot.storage.desk_models import Pace
from handoff_bot.storage.models import Lane, Work, Worker
from handoff_bot.storage.transaction import table_of

LANE = table_of(Lane)
WORK = table_of(Work)
WORKER = table_of(Worker)
PACE = table_of(Pace)

GRANT_OF_LANE = select(LANE.c.grant).where(LANE.c.key == bindparam("lane")).with_for_update()
"""Locks the lane until commit on PostgreSQL."""
