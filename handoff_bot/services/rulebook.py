"""Lists of rules that admins keep in order, each list a preference."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from handoff_bot.services.preferences import Preferences
from handoff_bot.storage import log
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

Kind = TypeVar("Kind")
MOST = 30
"""Rules in one list: a window has room for so many, and nobody keeps more in mind."""


def read(tx: Transaction, key: str, adapter: TypeAdapter[Kind]) -> list[Kind]:
    """The rules in their order; those that are stored wrongly are left out."""
    return _parsed(log.preference(tx, key, []), key, adapter)


def _parsed(stored: object, key: str, adapter: TypeAdapter[Kind]) -> list[Kind]:
    found = []
    for each in stored if isinstance(stored, list) else []:
        try:
            found.append(adapter.validate_python(each))
        except ValidationError:
            logger.warning("a rule is stored wrongly", extra={"key": key})
    return found


class Rulebook(Generic[Kind]):
    """One list of rules, as admins see and change it.

    Whoever changes it names the newest change that they know of (`seen`): when there is a newer one, theirs
    is refused, for a rule's number may stand for another rule by now.
    """

    def __init__(self, preferences: Preferences, key: str, adapter: TypeAdapter[Kind]) -> None:
        self._preferences = preferences
        self._adapter = adapter
        self.key = key

    def all(self) -> list[Kind]:
        """The rules in their order."""
        return self.parsed(self._preferences.get(self.key, []))

    def parsed(self, stored: object) -> list[Kind]:
        """The rules that a value of the preference holds."""
        return _parsed(stored, self.key, self._adapter)

    def seen(self) -> int:
        """The newest change of the list; to be asked for before the rules are."""
        return self._preferences.newest_change({self.key})

    def put(self, number: int | None, rule: Kind, by: str, seen: int) -> bool:
        """Put it in the place of rule `number`, counted from 0; None adds it at the end."""

        def changed(rules: list[Kind]) -> list[Kind]:
            if number is None:
                return [*rules, rule]
            return [*rules[:number], rule, *rules[number + 1 :]]

        return self._change(changed, by, seen)

    def delete(self, number: int, by: str, seen: int) -> bool:
        """Take one out."""
        return self._change(lambda rules: [*rules[:number], *rules[number + 1 :]], by, seen)

    def move_up(self, number: int, by: str, seen: int) -> bool:
        """Let it come before the one before it."""

        def changed(rules: list[Kind]) -> list[Kind]:
            if not 0 < number < len(rules):
                return rules
            before, moved = rules[number - 1], rules[number]
            return [*rules[: number - 1], moved, before, *rules[number + 1 :]]

        return self._change(changed, by, seen)

    def _change(self, change: Callable[[list[Kind]], list[Kind]], by: str, seen: int) -> bool:
        def changed(stored: object) -> list[object]:
            rules = change(self.parsed(stored))
            return [self._adapter.dump_python(each, mode="json") for each in rules]

        return self._preferences.revise(self.key, changed, by, seen)
