"""Notes by age, for retention.

Revision ID: 0024
"""

from __future__ import annotations

import sqlalchemy as sa

from handoff_bot.storage.migrations import online

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None
concurrent = True


def upgrade() -> None:
    """It holds only what retention would still blank."""
    condition = sa.text("text <> ''")
    online.create_index(
        "note_by_age", "note", ["created_at"], postgresql_where=condition, sqlite_where=condition
    )
