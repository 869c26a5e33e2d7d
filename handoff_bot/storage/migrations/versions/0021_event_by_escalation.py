"""Events of an escalation by kind, for what would otherwise read all of its events.

Revision ID: 0021
"""

from __future__ import annotations

import sqlalchemy as sa

from handoff_bot.storage.migrations import online

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None
concurrent = True


def upgrade() -> None:
    """Most events of a large installation have no escalation."""
    condition = sa.text("escalation_id IS NOT NULL")
    online.create_index(
        "event_by_escalation",
        "event",
        ["escalation_id", "kind", "id"],
        postgresql_where=condition,
        sqlite_where=condition,
    )
