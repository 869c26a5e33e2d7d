"""What a customer's message says besides its text and files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_index("conversation_by_recipient", "conversation", ["channel", "recipient"])
    op.add_column("message", sa.Column("context", sa.JSON(), nullable=False, server_default="{}"))
