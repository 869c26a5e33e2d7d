"""Client state that no message holds: chosen values, and offered options."""

from __future__ import annotations

from typing import Any

from handoff_sandbox.slack.payloads import Json

EXTERNAL = frozenset({"external_select", "multi_external_select"})
"""Menus whose options the bot suggests while a person types."""

_MOST = 1_000
"""Limit of messages and modals whose state is kept."""


class Screens:
    """State by person and place (the ts of a message or the id of a view); the caller holds the lock."""

    def __init__(self) -> None:
        self._chosen: dict[tuple[str, str], Json] = {}
        self._offered: dict[tuple[str, str, str], dict[str, Json]] = {}

    def chosen(self, user: str, place: str) -> Json:
        """Returns a person's choices in a message, by block_id and action_id."""
        return self._chosen.get((user, place), {})

    def choose(self, user: str, place: str, state: Json) -> None:
        """Stores a person's choice."""
        _put(self._chosen, (user, place), state)

    def all_chosen(self, user: str) -> dict[str, Json]:
        """Returns a person's choices in every message, by its ts."""
        return {place: dict(state) for (one, place), state in self._chosen.items() if one == user}

    def offer(self, user: str, place: str, action_id: str, options: list[Json]) -> None:
        """Stores the options that a person was offered."""
        key = (user, place, action_id)
        known = self._offered.get(key, {})
        _put(self._offered, key, known | {option["value"]: option for option in options})

    def complete(self, user: str, place: str, element: Json) -> Json:
        """Returns the element; a menu with suggestions gets the offered options."""
        if element["type"] not in EXTERNAL:
            return element
        begun = [element.get("initial_option"), *element.get("initial_options", ())]
        offered = self._offered.get((user, place, element["action_id"]), {}).values()
        return element | {"options": [*filter(None, begun), *offered]}


def _put(held: dict[Any, Any], key: tuple[str, ...], value: object) -> None:
    """Stores an entry, and drops the oldest one at the limit."""
    held.pop(key, None)
    if len(held) >= _MOST:
        del held[next(iter(held))]
    held[key] = value
