"""Indexes by age and by agent, for what would otherwise read whole tables of a large installation.

Revision ID: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None

INDEXES = (
    (
        "message_by_age",
        "message",
        ["channel", "created_at"],
        "text <> '' OR provider_id IS NOT NULL",
    ),
    ("note_by_age", "note", ["created_at"], "text <> ''"),
    ("event_by_escalation", "event", ["escalation_id", "kind", "id"], "escalation_id IS NOT NULL"),
    ("event_by_agent", "event", ["agent_id", "id"], "agent_id IS NOT NULL"),
)


def upgrade() -> None:
    """Each index holds only the rows that its queries ask for."""
    for name, table, columns, where in INDEXES:
        condition = sa.text(where)
        op.create_index(name, table, columns, postgresql_where=condition, sqlite_where=condition)
    op.drop_index("ix_event_escalation_id", "event")
