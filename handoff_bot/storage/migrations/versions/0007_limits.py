"""Limits on what strangers may ask for: what was counted, and which escalations wait for room."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handoff_bot.storage.columns import BigId, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "tally",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
    )
    op.create_index("tally_by_end", "tally", ["ends_at"])
    op.create_table(
        "held_escalation",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("conversation_id", BigId, sa.ForeignKey("conversation.id"), nullable=False),
        sa.Column("message_id", BigId, nullable=True),
        sa.Column("refused_by", sa.String(), nullable=False),
        sa.Column("judgement", sa.JSON(), nullable=False),
        sa.Column("tried", sa.Text(), nullable=False),
        sa.Column("held_at", UtcDateTime(), nullable=False),
    )
    op.create_index("held_escalation_once", "held_escalation", ["conversation_id"], unique=True)
    op.create_index("held_escalation_by_group", "held_escalation", ["refused_by", "id"])
    op.add_column(
        "conversation", sa.Column("counted_with", sa.JSON(), nullable=False, server_default="[]")
    )
    op.add_column(
        "attachment", sa.Column("received_as", sa.String(), nullable=False, server_default="")
    )
    op.create_index("attachment_by_message", "attachment", ["received_as"])
