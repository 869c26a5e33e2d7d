"""When customers who opted out wrote again, which lets agents answer them.

Revision ID: 0013
"""

import sqlalchemy as sa
from alembic import op

from handoff_bot.storage.columns import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One column; nobody is invited yet."""
    op.add_column("conversation", sa.Column("invited_at", UtcDateTime(), nullable=True))
