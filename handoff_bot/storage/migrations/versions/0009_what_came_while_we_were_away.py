"""Until when each source was in contact with us, and which threads are to be read back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handoff_bot.storage.columns import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "source",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("in_contact_at", UtcDateTime(), nullable=False),
        sa.Column("read_until", UtcDateTime(), nullable=False),
        sa.Column("unread_since", UtcDateTime(), nullable=True),
        sa.Column("unread_until", UtcDateTime(), nullable=True),
    )
    op.add_column("desk_thread", sa.Column("read_until", UtcDateTime(), nullable=True))
    op.add_column("desk_thread", sa.Column("unread_since", UtcDateTime(), nullable=True))
