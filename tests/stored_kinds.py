"""Which kinds of events and jobs a database holds, and what is in them."""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import text

from handoff_bot.storage.database import Database

Json = dict[str, Any]


def kinds_of_events(database: Database) -> dict[str, list[str]]:
    """Kind of event in the log -> the keys of its data."""
    found: dict[str, set[str]] = {}
    for kind, data in _rows(database, "SELECT kind, data FROM event"):
        found.setdefault(kind, set()).update(data)
    return {kind: sorted(found[kind]) for kind in sorted(found)}


def kinds_of_jobs(database: Database) -> dict[str, Json]:
    """Kind of job -> its queues, and the fields of its payload."""
    queues: dict[str, set[str]] = {}
    fields: dict[str, set[str]] = {}
    for kind, payload, lane in _rows(database, "SELECT kind, payload, lane FROM work"):
        queues.setdefault(kind, set()).add(lane.partition(":")[0])
        fields.setdefault(kind, set()).update(payload)
    return {
        kind: {"queues": sorted(queues[kind]), "fields": sorted(fields[kind])}
        for kind in sorted(queues)
    }


def _rows(database: Database, query: str) -> Iterator[Any]:
    with database.read() as tx:
        for kind, data, *more in tx.session.execute(text(query)):
            yield kind, json.loads(data) if isinstance(data, str) else data, *more
