"""Customers' attributes, and which contact another one was merged into.

Revision ID: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handoff_bot.storage.columns import BigId, UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is known of earlier contacts until they write again."""
    op.add_column("contact", sa.Column("attributes", sa.JSON(), nullable=True))
    op.add_column("contact", sa.Column("looked_up", sa.JSON(), nullable=True))
    op.add_column("contact", sa.Column("looked_up_at", UtcDateTime(), nullable=True))
    op.add_column("contact", sa.Column("merged_into_id", BigId, nullable=True))
    op.create_index("ix_contact_merged_into_id", "contact", ["merged_into_id"])
