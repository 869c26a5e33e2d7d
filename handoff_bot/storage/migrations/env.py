"""Alembic's entry: migrates over the connection that `storage.migrate` hands in."""

from __future__ import annotations

from alembic import context

from handoff_bot.storage import (  # so that their tables are known
    desk_models,  # noqa: F401
    limit_models,  # noqa: F401
)
from handoff_bot.storage.models import Work

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Work.metadata,
    compare_type=True,
)
context.run_migrations()
