"""Erasures: who was forgotten, what remains to delete elsewhere, and the right to blank events.

Revision ID: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handoff_bot.storage.columns import BigId, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_KEPT = (
    "id",
    "at",
    "kind",
    "conversation_id",
    "escalation_id",
    "ticket_id",
    "message_id",
    "agent_id",
)
_IS_FORGOTTEN = """EXISTS (
    SELECT 1 FROM event_right JOIN conversation ON conversation.contact_id = event_right.contact_id
    WHERE conversation.id = OLD.conversation_id
)"""
_REFUSAL = "the event log is append-only"
_SQLITE = [
    "DROP TRIGGER event_no_update",
    f"""
    CREATE TRIGGER event_no_update BEFORE UPDATE ON event
    WHEN NOT ({_IS_FORGOTTEN} AND {" AND ".join(f"NEW.{one} IS OLD.{one}" for one in _KEPT)})
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
    """,
]
_UNCHANGED = " AND ".join(f"NEW.{one} IS NOT DISTINCT FROM OLD.{one}" for one in _KEPT)
_POSTGRESQL = [
    "DROP TRIGGER event_append_only ON event",
    """
    CREATE TRIGGER event_append_only BEFORE DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION event_append_only()
    """,
    f"""
    CREATE FUNCTION event_blanked() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        IF NOT ({_IS_FORGOTTEN} AND {_UNCHANGED}) THEN
            RAISE EXCEPTION '{_REFUSAL}';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER event_blanked BEFORE UPDATE ON event
    FOR EACH ROW EXECUTE FUNCTION event_blanked()
    """,
]


def upgrade() -> None:
    """New tables, a column, and triggers that know the right."""
    op.add_column("conversation", sa.Column("forgotten_at", UtcDateTime(), nullable=True))
    op.create_table(
        "desk_post",
        sa.Column("id", BigId, nullable=False),
        sa.Column("work_id", BigId, nullable=False),
        sa.Column("escalation_id", BigId, nullable=True),
        sa.Column("slack_channel", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("desk_post_by_escalation", "desk_post", ["escalation_id"])
    op.create_table(
        "erasure",
        sa.Column("id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("position", BigId, nullable=False),
        sa.Column("addresses", sa.JSON(), nullable=False),
        sa.Column("receipt", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("erasure_by_contact", "erasure", ["contact_id"])
    op.create_table(
        "erasure_item",
        sa.Column("id", BigId, nullable=False),
        sa.Column("erasure_id", BigId, nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("target", sa.JSON(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["erasure_id"], ["erasure.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "erasure_item_once", "erasure_item", ["erasure_id", "what", "name"], unique=True
    )
    op.create_table(
        "event_right",
        sa.Column("contact_id", BigId, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("contact_id"),
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _SQLITE if sqlite else _POSTGRESQL:
        op.execute(statement)
