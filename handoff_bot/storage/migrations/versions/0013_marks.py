"""The reaction that Slack shows on an agent's reply or note.

Revision ID: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two columns; marks of older messages stay as they are."""
    for table in ("message", "note"):
        op.add_column(table, sa.Column("mark", sa.String(), nullable=False, server_default=""))
