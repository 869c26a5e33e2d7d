"""Files both ways and reply windows: what a note holds, what a delivery carries, until when to answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handoff_bot.storage.columns import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("note", sa.Column("files", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("delivery", sa.Column("file", sa.String(), nullable=False, server_default=""))
    op.add_column("attachment", sa.Column("offered_at", UtcDateTime(), nullable=True))
    op.add_column("conversation", sa.Column("window_closes_at", UtcDateTime(), nullable=True))
