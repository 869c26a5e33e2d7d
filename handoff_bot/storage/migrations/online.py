"""Changes of large tables while messages are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic import op


def create_index(name: str, table: str, columns: Sequence[str], **options: Any) -> None:
    """Creates an index without blocking writers on PostgreSQL; as `op.create_index` otherwise.

    The migration declares `concurrent = True` and does nothing else: it runs outside of a transaction,
    and again after a crash, so an index that was begun is dropped first.
    """
    config = op.get_context().config
    concurrently = bool(config and config.attributes.get("concurrently"))
    if concurrently:
        op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
    op.create_index(name, table, list(columns), postgresql_concurrently=concurrently, **options)
