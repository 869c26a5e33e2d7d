"""Events of an agent, for what would otherwise read the whole log.

Revision ID: 0022
"""

from __future__ import annotations

import sqlalchemy as sa

from handoff_bot.storage.migrations import online

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None
concurrent = True


def upgrade() -> None:
    """Most events have no agent."""
    condition = sa.text("agent_id IS NOT NULL")
    online.create_index(
        "event_by_agent",
        "event",
        ["agent_id", "id"],
        postgresql_where=condition,
        sqlite_where=condition,
    )
