"""The team's tags: those that admins have added, and those in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handoff_bot.domain.escalations import LONGEST_TAG, tags_of
from handoff_bot.services.escalations import applied_route
from handoff_bot.services.notifications import notifications
from handoff_bot.services.settings.preferences import Preferences
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import log
from handoff_bot.storage import tickets as store
from handoff_bot.storage.database import Database
from handoff_bot.storage.transaction import Transaction

TAGS = "tags"
RULES = (applied_route.RULES, notifications.RULES)
EXISTS = "This tag already exists."
NO_TAG = f"Enter one word of at most {LONGEST_TAG} characters, without commas."
GONE = "This tag no longer exists."
NOT_LISTED = "Not in the team's list of tags: {tags}. Admins add tags with /handoff tags."


@dataclass(frozen=True)
class KnownTag:
    """A tag, and the number of tickets that have it."""

    name: str
    tickets: int = 0


@dataclass(frozen=True)
class OfferedTags:
    """The tags that agents choose from, and whether they may add others."""

    names: tuple[str, ...]
    may_add: bool


class TagList:
    def __init__(self, database: Database, preferences: Preferences) -> None:
        self._database = database
        self._preferences = preferences

    def all(self) -> Sequence[KnownTag]:
        """Returns all tags by name."""
        with self._database.read() as tx:
            return [KnownTag(name, count) for name, count in sorted(_known(tx).items())]

    def offered(self) -> OfferedTags:
        with self._database.read() as tx:
            return OfferedTags(tuple(sorted(_known(tx))), live(tx).new_tags)

    def refusal(self, wanted: Sequence[str], held: Sequence[str] = ()) -> str:
        """Returns why an agent may not give a ticket these tags, or ""; `held` it has already."""
        if not set(wanted) - set(held):
            return ""
        offered = self.offered()
        unknown = [one for one in wanted if one not in (*offered.names, *held)]
        return "" if offered.may_add or not unknown else NOT_LISTED.format(tags=", ".join(unknown))

    def get(self, name: str) -> KnownTag | None:
        return next((tag for tag in self.all() if tag.name == name), None)

    def add(self, typed: str, by: str) -> str:
        """Adds a tag; returns why not, or ""."""
        name = tag_in(typed)
        if not name:
            return NO_TAG
        with self._database.write() as tx:
            tx.one_at_a_time("settings")  # rules are written back whole
            known = _known(tx)
            if name in known:
                return EXISTS
            self._preferences.change_in(tx, TAGS, sorted({*known, name}), by)
        return ""

    def rename(self, old: str, typed: str, by: str) -> str:
        """Renames a tag on all tickets and in rules, or merges it into another; returns why not, or ""."""
        name = tag_in(typed)
        if not name:
            return NO_TAG
        with self._database.write() as tx:
            tx.one_at_a_time("settings")  # rules are written back whole
            known = _known(tx)
            if old not in known:
                return GONE
            store.rename_tag(tx, old, name)
            self._change(tx, sorted({*known, name} - ({old} - {name})), old, [name], by)
        return ""

    def remove(self, name: str, by: str) -> None:
        """Removes a tag from the list, from all tickets and from rules."""
        with self._database.write() as tx:
            tx.one_at_a_time("settings")  # rules are written back whole
            known = _known(tx)
            store.remove_tag(tx, name)
            self._change(tx, sorted({*known} - {name}), name, [], by)

    def _change(self, tx: Transaction, names: list[str], old: str, new: list[str], by: str) -> None:
        self._preferences.change_in(tx, TAGS, names, by)
        for key in RULES:
            rules = log.preference(tx, key, [])
            if isinstance(rules, list):
                changed = [_with_tag(rule, old, new) for rule in rules]
                self._preferences.change_in(tx, key, changed, by)


def tag_in(typed: str) -> str:
    """Returns the tag in its stored form; "" if it is none, or more than one."""
    found = tags_of(typed)
    is_one = len(found) == 1 and len(typed.strip().lstrip("#")) <= LONGEST_TAG
    return found[0] if is_one else ""


def _known(tx: Transaction) -> dict[str, int]:
    held = log.preference(tx, TAGS, [])
    listed = dict.fromkeys(map(str, held), 0) if isinstance(held, list) else {}
    return {**listed, **store.tag_counts(tx)}


def _with_tag(rule: Any, old: str, new: list[str]) -> Any:
    """Returns a stored rule with another tag. A rule whose only tag is removed keeps it: without any,
    it would apply to every customer.
    """
    when = rule.get("when") if isinstance(rule, dict) else None
    if not isinstance(when, dict):
        return rule
    tags = when.get("tags")
    if not isinstance(tags, list) or old not in tags:
        return rule
    changed = list(dict.fromkeys(each for tag in tags for each in (new if tag == old else [tag])))
    return {**rule, "when": {**when, "tags": changed or tags}}
