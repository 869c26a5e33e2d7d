"""The bot's newest jobs, read from its database beside it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

MOST = 60
_NEWEST = (
    "SELECT id, kind, lane, status, attempts, error, first_due_at AS due_at FROM work"
    " ORDER BY id DESC LIMIT ?"
)


def newest(database: Path) -> list[dict[str, Any]]:
    """Returns the newest jobs first; none before the bot has made its database."""
    with contextlib.suppress(sqlite3.OperationalError):
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=1)
        with contextlib.closing(connection):
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(_NEWEST, (MOST,))]
    return []
