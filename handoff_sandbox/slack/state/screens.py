"""What people's screens hold and no message does: what they chose in it, and what they were offered."""

from __future__ import annotations

from typing import Any

from handoff_sandbox.slack.payloads import Json

EXTERNAL = frozenset({"external_select", "multi_external_select"})
"""Menus whose options the bot suggests while somebody types."""

_MOST = 1_000
"""Messages and windows of which this is remembered."""


class Screens:
    """By person and place, which is the ts of a message or the id of a view; the caller holds the lock."""

    def __init__(self) -> None:
        self._chosen: dict[tuple[str, str], Json] = {}
        self._offered: dict[tuple[str, str, str], dict[str, Json]] = {}

    def chosen(self, user: str, place: str) -> Json:
        """What somebody chose in a message, by block_id and action_id."""
        return self._chosen.get((user, place), {})

    def choose(self, user: str, place: str, state: Json) -> None:
        """This is what a message holds now."""
        _put(self._chosen, (user, place), state)

    def all_chosen(self, user: str) -> dict[str, Json]:
        """What somebody chose in every message, by its ts."""
        return {place: dict(state) for (one, place), state in self._chosen.items() if one == user}

    def offer(self, user: str, place: str, action_id: str, options: list[Json]) -> None:
        """These options of a menu were on somebody's screen."""
        key = (user, place, action_id)
        known = self._offered.get(key, {})
        _put(self._offered, key, known | {option["value"]: option for option in options})

    def complete(self, user: str, place: str, element: Json) -> Json:
        """The element; a menu whose options the bot suggests has those that it was offered."""
        if element["type"] not in EXTERNAL:
            return element
        begun = [element.get("initial_option"), *element.get("initial_options", ())]
        offered = self._offered.get((user, place, element["action_id"]), {}).values()
        return element | {"options": [*filter(None, begun), *offered]}


def _put(held: dict[Any, Any], key: tuple[str, ...], value: object) -> None:
    """The oldest goes when there are too many."""
    held.pop(key, None)
    if len(held) >= _MOST:
        del held[next(iter(held))]
    held[key] = value
