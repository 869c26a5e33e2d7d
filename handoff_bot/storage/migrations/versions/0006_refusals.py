"""Threads whose card was posted again, and escalations that are reserved for an agent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handoff_bot.storage.columns import BigId, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "earlier_thread",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("escalation_id", BigId, sa.ForeignKey("escalation.id"), nullable=False),
        sa.Column("slack_channel", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.Column("left_at", UtcDateTime(), nullable=False),
    )
    op.create_index(
        "earlier_thread_place_once", "earlier_thread", ["slack_channel", "ts"], unique=True
    )
    op.create_index("ix_earlier_thread_escalation_id", "earlier_thread", ["escalation_id"])
    op.create_table(
        "reservation",
        sa.Column("escalation_id", BigId, sa.ForeignKey("escalation.id"), primary_key=True),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("others", sa.JSON(), nullable=False),
    )
