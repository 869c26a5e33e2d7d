"""Live settings: who may change them, what they were before, and who changed what."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from handoff_bot.ports import Clock
from handoff_bot.storage import changes, log
from handoff_bot.storage.database import Database
from handoff_bot.storage.desk_models import SettingChange
from handoff_bot.storage.transaction import Transaction

ADMINS = "admins"
"""The preference with the desk ids of those who may change settings besides the workspace's own admins."""


class Preferences:
    """What admins set while the bot runs. What a value must look like is its reader's to say."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get(self, key: str, default: Any) -> Any:
        """A live setting, or its default."""
        with self._database.read() as tx:
            return log.preference(tx, key, default)

    def change(self, key: str, value: Any, by: str) -> bool:
        """Set it, and remember who did; False when it was so already. `value` None takes the setting back."""
        with self._database.write() as tx:
            return self.change_in(tx, key, value, by)

    def change_several(self, values: Mapping[str, Any], by: str, seen: int | None = None) -> bool:
        """Set several at once, or none.

        Args:
            values: by key.
            by: who.
            seen: the newest change of them that was known when they were looked at; when somebody has
                changed one since, nothing is set and the answer is False. None to set them anyhow.
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
        """Set it to what `change` makes of what it is, None where it is not set; `seen` as above."""
        with self._database.write() as tx:
            if not may_save(tx, {key}, seen):
                return False
            self.change_in(tx, key, change(log.preference(tx, key, None)), by)
            return True

    def change_in(self, tx: Transaction, key: str, value: Any, by: str) -> bool:
        """The same within a transaction."""
        before = log.preference(tx, key, None)
        if before == value:
            return False
        now = self._clock.now()
        if value is None:
            log.forget(tx, key)
        else:
            log.prefer(tx, key, value, by, now)
        changes.remember(tx, key, before, value, by, now)
        log.record(tx, changes.SETTING_CHANGED, now, key=key, by=by)
        return True

    def history(self, limit: int, prefix: str = "", offset: int = 0) -> Sequence[SettingChange]:
        """The newest changes of settings whose keys begin so, newest first."""
        with self._database.read() as tx:
            return changes.of_settings(tx, limit, offset, prefix)

    def newest_change(self, keys: Collection[str]) -> int:
        """The number of the newest change of one of these, 0 while nobody has changed any."""
        with self._database.read() as tx:
            return changes.newest_of(tx, keys)

    def named_admins(self) -> list[str]:
        """Those whom somebody named, by their desk ids."""
        with self._database.read() as tx:
            return admins(tx)

    def is_named_admin(self, desk_id: str) -> bool:
        """Did somebody who may make this person an admin here?"""
        return desk_id in self.named_admins()


def may_save(tx: Transaction, keys: Collection[str], seen: int | None) -> bool:
    """Is what somebody has seen of these settings still so? From here on nobody else saves any."""
    tx.one_at_a_time("settings")
    return seen is None or changes.newest_of(tx, keys) <= seen


def admins(tx: Transaction) -> list[str]:
    """Those whom somebody named, by their desk ids."""
    held = log.preference(tx, ADMINS, [])
    return [str(one) for one in held] if isinstance(held, list) else []
