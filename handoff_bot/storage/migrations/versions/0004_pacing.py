"""What lanes wait for when a provider limits how often it may be called, and how often it had to say so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handoff_bot.storage.columns import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("lane", sa.Column("waits_for", sa.String(), nullable=True))
    op.add_column("lane", sa.Column("rank", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("lane", sa.Column("turn_by", UtcDateTime(), nullable=True))
    op.create_index("lane_waits", "lane", ["waits_for"])
    op.add_column("pace", sa.Column("limited", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("pace", sa.Column("limited_at", UtcDateTime(), nullable=True))
