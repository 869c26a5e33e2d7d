"""Counters of /metrics, and an index for the language model's total costs.

Revision ID: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No counter yet: counting begins with the first scrape."""
    op.create_table(
        "metric_total",
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("labels", sa.String(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("metric", "labels"),
    )
    op.create_index(
        "spent_in_total",
        "spent",
        ["day"],
        postgresql_where=sa.text("contact_id = 0"),
        sqlite_where=sa.text("contact_id = 0"),
    )
