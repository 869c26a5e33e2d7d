"""Alembic's entry: migrates over the connection that `storage.migrate` hands in."""

from __future__ import annotations

from alembic import context

from handoff_bot.storage import desk_models  # noqa: F401 - so that its tables are known
from handoff_bot.storage.models import Work

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Work.metadata,
    compare_type=True,
)
context.run_migrations()
