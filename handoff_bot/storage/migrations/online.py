"""Changes of large tables while messages are stored."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from alembic import op
from sqlalchemy import Connection, text

from handoff_bot.storage.schema import APPLICATION

PAUSE = 0.5
"""Seconds between questions whether an index is still built."""
_AT_WORK = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND state = 'active' AND application_name LIKE :program "
    "AND query ~ :statement"
)
_IS_INVALID = text("SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")


def create_index(name: str, table: str, columns: Sequence[str], **options: Any) -> None:
    """Creates an index without blocking writers on PostgreSQL; as `op.create_index` otherwise.

    The migration declares `concurrent = True` and does nothing else: it runs outside of a transaction,
    and again after a crash. The server ends the statement of a process that was killed, so a valid
    index stays, and one that is invalid, because the statement failed, is dropped first.
    """
    config = op.get_context().config
    concurrently = bool(config and config.attributes.get("concurrently"))
    if concurrently:
        connection = op.get_bind()
        _wait_for_others(connection, name)
        if connection.execute(_IS_INVALID, {"name": name}).scalar():
            op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
        options["if_not_exists"] = True
    op.create_index(name, table, list(columns), postgresql_concurrently=concurrently, **options)


def _wait_for_others(connection: Connection, name: str) -> None:
    """Waits while statements of killed processes build or drop the index.

    Each question is a transaction of its own, whose snapshot does not outlive it.
    """
    asked = {
        "program": f"{APPLICATION}%",
        "statement": rf"^(CREATE|DROP) INDEX CONCURRENTLY .*\m{name}\M",
    }
    while connection.execute(_AT_WORK, asked).scalar():
        time.sleep(PAUSE)
