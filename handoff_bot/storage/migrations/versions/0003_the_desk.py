"""What the desk needs: rosters, routing, SLAs, tags, canned replies, changes of settings, files, paces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from handoff_bot.storage.columns import BigId, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "canned",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("canned_once", "canned", ["name", "language"], unique=True)
    op.create_table(
        "desk_channel",
        sa.Column("slack_channel", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("suspended_at", UtcDateTime(), nullable=True),
        sa.Column("suspended_why", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("slack_channel"),
    )
    op.create_table(
        "pace",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("free_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "setting_change",
        sa.Column("id", BigId, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("setting_change_by_key", "setting_change", ["key", "id"])
    op.create_table(
        "attachment",
        sa.Column("id", BigId, nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("conversation_id", BigId, nullable=False),
        sa.Column("message_id", BigId, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("attachment_by_age", "attachment", ["created_at"])
    op.create_index("attachment_token_once", "attachment", ["token"], unique=True)
    op.create_index("ix_attachment_conversation_id", "attachment", ["conversation_id"])
    op.create_index("ix_attachment_message_id", "attachment", ["message_id"])
    op.create_table(
        "ticket_link",
        sa.Column("id", BigId, nullable=False),
        sa.Column("ticket_id", BigId, nullable=False),
        sa.Column("sink", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ticket_link_once", "ticket_link", ["ticket_id", "sink"], unique=True)
    op.create_table(
        "ticket_tag",
        sa.Column("id", BigId, nullable=False),
        sa.Column("ticket_id", BigId, nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ticket_tag_by_tag", "ticket_tag", ["tag", "ticket_id"])
    op.create_index("ticket_tag_once", "ticket_tag", ["ticket_id", "tag"], unique=True)
    op.add_column(
        "agent", sa.Column("on_roster", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column(
        "agent", sa.Column("is_away", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("agent", sa.Column("away_until", UtcDateTime(), nullable=True))
    op.add_column("agent", sa.Column("capacity", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("agent", sa.Column("hours", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("agent", sa.Column("timezone", sa.String(), nullable=False, server_default=""))
    op.add_column("agent", sa.Column("language", sa.String(), nullable=False, server_default=""))
    op.add_column("agent", sa.Column("last_offered_at", UtcDateTime(), nullable=True))
    op.add_column("escalation", sa.Column("ticket_id", BigId, nullable=True))
    op.add_column(
        "escalation", sa.Column("slack_channel", sa.String(), nullable=False, server_default="")
    )
    op.add_column(
        "escalation", sa.Column("group_id", sa.String(), nullable=False, server_default="")
    )
    op.add_column(
        "escalation", sa.Column("vip", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("escalation", sa.Column("snoozed_until", UtcDateTime(), nullable=True))
    op.add_column("escalation", sa.Column("replied_at", UtcDateTime(), nullable=True))
    op.add_column(
        "escalation", sa.Column("dismissed_why", sa.String(), nullable=False, server_default="")
    )
    op.create_index("ix_escalation_ticket_id", "escalation", ["ticket_id"])
    op.add_column("ticket", sa.Column("searched", sa.Text(), nullable=False, server_default=""))
    op.add_column("ticket", sa.Column("reopened", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("ticket", sa.Column("reply_due_at", UtcDateTime(), nullable=True))
    op.add_column("ticket", sa.Column("solve_due_at", UtcDateTime(), nullable=True))
    op.add_column("ticket", sa.Column("replied_at", UtcDateTime(), nullable=True))
    op.drop_index("ix_ticket_assignee_id", table_name="ticket")
    op.drop_index("ix_ticket_contact_id", table_name="ticket")
    op.create_index("ticket_by_assignee", "ticket", ["assignee_id", "status", "id"])
    op.create_index("ticket_by_contact", "ticket", ["contact_id", "id"])
    op.create_index("ticket_by_status", "ticket", ["status", "id"])
    op.create_index(
        "ticket_reply_due",
        "ticket",
        ["reply_due_at"],
        postgresql_where=sa.text("replied_at IS NULL AND solved_at IS NULL"),
        sqlite_where=sa.text("replied_at IS NULL AND solved_at IS NULL"),
    )
    op.create_index(
        "ticket_solve_due",
        "ticket",
        ["solve_due_at"],
        postgresql_where=sa.text("solved_at IS NULL"),
        sqlite_where=sa.text("solved_at IS NULL"),
    )
    op.execute(
        "UPDATE escalation SET ticket_id ="
        " (SELECT ticket.id FROM ticket WHERE ticket.escalation_id = escalation.id)"
    )
    op.execute("UPDATE ticket SET searched = lower(subject)")
