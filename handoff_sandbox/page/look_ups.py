"""The bot's newest look-ups: the log's entry, the admin's definition, and what was shown of the answer."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handoff_bot.domain.events import EventKind
from handoff_bot.domain.mcp_servers import function_name

MOST = 30
_NEWEST = """
SELECT event.id, event.at, event.data,
  (SELECT message.payload FROM message
    WHERE message.conversation_id = event.conversation_id AND message.created_at >= event.at
      AND message.direction = 'outbound' AND json_extract(message.payload, '$.evidence') IS NOT NULL
    ORDER BY message.id LIMIT 1) AS answer
FROM event WHERE event.kind = ? ORDER BY event.id DESC LIMIT ?
"""
_DEFINED = "SELECT value FROM preference WHERE key = ?"


def newest(database: Path) -> list[dict[str, Any]]:
    """Returns the newest look-ups first; none before the bot has made its database.

    `address` is that of the admin's definition, "" once it is deleted. `shown` is what the model,
    the agents and the customer got of the answer; "" for nothing.
    """
    with contextlib.suppress(sqlite3.OperationalError):
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=1)
        with contextlib.closing(connection):
            connection.row_factory = sqlite3.Row
            addresses = _addresses(connection)
            wanted = (EventKind.LOOK_UP.value, MOST)
            return [_look_up(row, addresses) for row in connection.execute(_NEWEST, wanted)]
    return []


def _addresses(connection: sqlite3.Connection) -> dict[str, str]:
    """Returns the addresses of look-ups and of MCP servers' tools, by the name in the log."""
    requests = _stored(connection, "rules.look_ups")
    servers = _stored(connection, "rules.mcp_servers")
    return {one["name"]: _without_query(one["url"]) for one in requests} | {
        function_name(server["name"], tool["name"]): _without_query(server["url"])
        for server in servers
        for tool in server["tools"]
    }


def _stored(connection: sqlite3.Connection, key: str) -> list[dict[str, Any]]:
    stored = connection.execute(_DEFINED, (key,)).fetchone()
    return list(json.loads(stored["value"])["value"]) if stored else []


def _look_up(row: sqlite3.Row, addresses: Mapping[str, str]) -> dict[str, Any]:
    made = json.loads(row["data"])
    evidence = json.loads(row["answer"])["evidence"] if row["answer"] else []
    shown = [one["text"] for one in evidence if one["is_look_up"] and one["title"] == made["name"]]
    return {
        "id": row["id"],
        "name": made["name"],
        "address": addresses.get(made["name"], ""),
        "outcome": made["outcome"],
        "milliseconds": made["milliseconds"],
        "shown": "\n".join(shown) if made["outcome"] == "ok" else "",
    }


def _without_query(url: str) -> str:
    """An admin may have written a key into the query."""
    address, query, _ = url.partition("?")
    return f"{address}?…" if query else address
