"""The index that `event_by_escalation` replaces.

Revision ID: 0025
"""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Programs of older versions find their rows by the new index."""
    op.drop_index("ix_event_escalation_id", "event")
