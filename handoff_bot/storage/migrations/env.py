"""Alembic's entry: migrates over the connection that `storage.migrate` hands in."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlmodel import AutoString

from handoff_bot.storage.models import Work


def rendered(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Returns how a new migration writes SQLModel's type for text; False for Alembic's own way."""
    return "sa.String()" if kind == "type" and isinstance(item, AutoString) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Work.metadata,
    compare_type=True,
    user_module_prefix="",
    render_item=rendered,
)
context.run_migrations()
