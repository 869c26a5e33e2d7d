"""Live settings with their history: old values, who changed them, and the audit log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from handoff_bot.domain.events import PAGE_ROWS, AuditPage, Did, EventKind
from handoff_bot.ports import Clock
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import escalations as rows
from handoff_bot.storage import log, tickets
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Event, SettingChange
from handoff_bot.storage.transaction import Transaction


class Preferences:
    """Settings that admins change at runtime. Values are validated by their readers."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get(self, key: str, default: Any) -> Any:
        with self._database.read() as tx:
            return log.preference(tx, key, default)

    def change(self, key: str, value: Any, by: str) -> bool:
        """Sets a value and logs who did; False if it was already set. None resets it."""
        with self._database.write() as tx:
            return self.change_in(tx, key, value, by)

    def change_several(self, values: Mapping[str, Any], by: str, seen: int | None = None) -> bool:
        """Sets several values at once, or none.

        Args:
            values: by key.
            by: the admin.
            seen: the newest change known when they were read. If one of them has changed since,
                nothing is set and the result is False. None skips the check.
        """
        with self._database.write() as tx:
            if not may_save(tx, values.keys(), seen):
                return False
            for key, value in values.items():
                self.change_in(tx, key, value, by)
            return True

    def revise(
        self, key: str, change: Callable[[Any], Any], by: str, seen: int | None = None
    ) -> bool:
        """Sets the result of `change` applied to the current value (None if not set); `seen` as
        above.
        """
        with self._database.write() as tx:
            if not may_save(tx, {key}, seen):
                return False
            self.change_in(tx, key, change(log.preference(tx, key, None)), by)
            return True

    def change_in(self, tx: Transaction, key: str, value: Any, by: str) -> bool:
        """Same as `change`, within a transaction."""
        before = log.preference(tx, key, None)
        if before == value:
            return False
        now = self._clock.now()
        if value is None:
            log.forget(tx, key)
        else:
            log.prefer(tx, key, value, by, now)
        log.remember_change(tx, key, before, value, by, now)
        log.record(tx, EventKind.SETTING_CHANGED, now, key=key, by=by)
        return True

    def history(self, limit: int, prefix: str = "", offset: int = 0) -> Sequence[SettingChange]:
        """Returns the newest changes of settings with this key prefix, newest first."""
        with self._database.read() as tx:
            return log.changes_of_settings(tx, limit, offset, prefix)

    def newest_change(self, keys: Collection[str]) -> int:
        """Returns the number of the newest change of these settings, or 0."""
        with self._database.read() as tx:
            return log.newest_change_of(tx, keys)

    def named_admins(self) -> list[str]:
        """Returns the Slack ids of the named admins."""
        with self._database.read() as tx:
            return admins(tx)

    def is_named_admin(self, desk_id: str) -> bool:
        """Returns whether the person was named as admin here."""
        return desk_id in self.named_admins()


def may_save(tx: Transaction, keys: Collection[str], seen: int | None) -> bool:
    """Returns whether these settings are unchanged since `seen`; locks them against other changes."""
    tx.one_at_a_time("settings")
    return seen is None or log.newest_change_of(tx, keys) <= seen


def admins(tx: Transaction) -> list[str]:
    """Returns the Slack ids of the named admins."""
    return list(live(tx).admins)


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, before: int | None = None, desk_id: str = "") -> AuditPage:
        """Returns the entries before that event, or the newest ones; of all agents or of one."""
        with self._database.read() as tx:
            found = log.changes_by_people(tx, PAGE_ROWS + 1, before, desk_id)
            done = [_did(tx, *row) for row in found[:PAGE_ROWS]]
        return AuditPage(tuple(done), more=len(found) > PAGE_ROWS)


def _did(tx: Transaction, event: Event, desk_id: str | None, ticket: int | None) -> Did:
    held: dict[str, Any] = event.data
    return Did(
        event_id=event.id,
        at=event.at,
        who=desk_id or str(held.get("by") or ""),
        kind=event.kind,
        ticket=ticket,
        whom=_owner(tx, held) if event.kind == EventKind.ESCALATION_REASSIGN else "",
        what=str(held.get("key") or held.get("purpose") or held.get("what") or ""),
        where=str(held.get("slack_channel") or ""),
        tags=tickets.tags(tx, ticket)
        if ticket and event.kind == EventKind.ESCALATION_RESOLVE
        else (),
        data=held,
    )


def _owner(tx: Transaction, held: dict[str, Any]) -> str:
    owner = rows.agent(tx, held.get("owner"))
    return owner.desk_id if owner else ""
