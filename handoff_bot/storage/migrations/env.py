"""Alembic's entry: migrates over the connection that `storage.migrate` hands in."""

from __future__ import annotations

from alembic import context

from handoff_bot.storage.models import Work

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Work.metadata,
    compare_type=True,
)
context.run_migrations()
