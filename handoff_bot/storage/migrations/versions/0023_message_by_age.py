"""Messages by age, for retention.

Revision ID: 0023
"""

from __future__ import annotations

import sqlalchemy as sa

from handoff_bot.storage.migrations import online

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None
concurrent = True


def upgrade() -> None:
    """It holds only what retention would still blank."""
    condition = sa.text("text <> '' OR provider_id IS NOT NULL")
    online.create_index(
        "message_by_age",
        "message",
        ["channel", "created_at"],
        postgresql_where=condition,
        sqlite_where=condition,
    )
