"""The keys that have sealed values, by their ids.

Revision ID: 0026
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handoff_bot.storage.columns import UtcDateTime

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """There is none until a bot starts with a key file."""
    op.create_table(
        "encryption_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("proof", sa.String(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
