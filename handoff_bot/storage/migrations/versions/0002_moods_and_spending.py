"""How the customer feels by their last words, and what asking a language model has cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handoff_bot.storage.columns import BigId

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("escalation", sa.Column("mood", sa.String(), nullable=False, server_default=""))
    op.add_column("escalation", sa.Column("settled_message_id", BigId, nullable=True))
    op.create_table(
        "spent",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
    )
    op.create_index("spent_once", "spent", ["day", "contact_id"], unique=True)
