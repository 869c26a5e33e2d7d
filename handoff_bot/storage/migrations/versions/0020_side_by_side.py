"""Which programs may use the database, and since when a worker has been running.

Revision ID: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handoff_bot.storage.columns import UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Earlier programs do not look at the first, and do not write the second."""
    op.add_column(
        "alembic_version", sa.Column("oldest", sa.String(), nullable=False, server_default="0020")
    )
    op.add_column("worker", sa.Column("joined_at", UtcDateTime(), nullable=True))
