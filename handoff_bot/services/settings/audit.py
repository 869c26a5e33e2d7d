"""Audit log: steps of agents and changes by admins, newest first, from the event log."""

from __future__ import annotations

from typing import Any

from handoff_bot.domain.audit import PAGE_ROWS, AuditPage, Did
from handoff_bot.storage import changes
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Event
from handoff_bot.storage.transaction import Transaction


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, before: int | None = None, desk_id: str = "") -> AuditPage:
        """Returns the entries before that event, or the newest ones; of all agents or of one."""
        with self._database.read() as tx:
            found = changes.by_people(tx, PAGE_ROWS + 1, before, desk_id)
            done = [_did(tx, *row) for row in found[:PAGE_ROWS]]
        return AuditPage(tuple(done), more=len(found) > PAGE_ROWS)


def _did(tx: Transaction, event: Event, desk_id: str | None, ticket: int | None) -> Did:
    held: dict[str, Any] = event.data
    return Did(
        event_id=id_of(event),
        at=event.at,
        who=desk_id or str(held.get("by") or ""),
        kind=event.kind,
        ticket=ticket,
        whom=_owner(tx, held) if event.kind == "escalation.reassign" else "",
        what=str(held.get("key") or held.get("purpose") or held.get("what") or ""),
        where=str(held.get("slack_channel") or ""),
    )


def _owner(tx: Transaction, held: dict[str, Any]) -> str:
    owner = rows.agent(tx, held.get("owner"))
    return owner.desk_id if owner else ""
