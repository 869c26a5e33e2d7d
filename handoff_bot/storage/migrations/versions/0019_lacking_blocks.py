"""Types of Slack's blocks that the workspace does not have.

Revision ID: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handoff_bot.storage.columns import UtcDateTime

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is lacking until a message is refused."""
    op.create_table(
        "lacking_block",
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("refused_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("type"),
    )
