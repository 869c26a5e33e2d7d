"""People who type into a menu with suggestions by the bot."""

from __future__ import annotations

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.screens import EXTERNAL
from handoff_sandbox.slack.ui.elements import Impossible, find_element
from handoff_sandbox.slack.ui.interacting import Interacting
from handoff_sandbox.slack.ui.surfaces import Surface
from handoff_sandbox.slack.validation.element_rules import problems_of_suggestions

LEAST_TYPED = 3
"""Characters before the bot is asked, unless the menu has its own limit."""


class NoSuggestions(Exception):
    """The menu stays empty: the bot did not answer in time, or not with options; the text says which."""


class Suggesting(Interacting):
    """Asks the bot for options. A place is the id of a view, or (slack_channel, ts) of a message."""

    def suggest(
        self, user: str, place: str | tuple[str, str], action_id: str, typed: str = ""
    ) -> list[Json]:
        """Returns the bot's options for typed text, options in groups included; they can be chosen then.

        Raises:
            Impossible: the menu does not exist.
            NoSuggestions: the bot's answer is missing or not valid.
        """
        answer = self.suggestions(user, place, action_id, typed)
        grouped = [option for group in answer["option_groups"] for option in group["options"]]
        return [*answer["options"], *grouped]

    def suggestions(
        self, user: str, place: str | tuple[str, str], action_id: str, typed: str = ""
    ) -> Json:
        """Returns the same with groups: {"options": […], "option_groups": […]}."""
        with self._workspace.changed:
            surface = self._surface(user, place)
            block, element = find_element(surface.blocks, action_id, None, user)
            if element["type"] not in EXTERNAL:
                raise Impossible(f"nothing is suggested in a {element['type']}")
            payload = self._asked(user, surface, block["block_id"], action_id, typed)
        if len(typed) < int(element.get("min_query_length", LEAST_TYPED)):
            return {"options": [], "option_groups": []}
        answer = self._answer(payload)
        with self._workspace.changed:
            for options in (answer["options"], *(g["options"] for g in answer["option_groups"])):
                self._slack.screens.offer(user, surface.id, action_id, options)
        return answer

    def _surface(self, user: str, place: str | tuple[str, str]) -> Surface:
        if isinstance(place, str):
            return self._on_view(self._opened(user, place))
        return self._on_message(user, self._shown_to(user, *place))

    def _asked(self, user: str, surface: Surface, block: str, action_id: str, typed: str) -> Json:
        payload: Json = self._common() | surface.place
        payload |= {
            "type": "block_suggestion",
            "user": self._user(user),
            "block_id": block,
            "action_id": action_id,
            "value": typed,
        }
        payload.pop("response_url", None)
        return payload

    def _answer(self, payload: Json) -> Json:
        result = self._interact(payload)
        if result.error:
            raise NoSuggestions(result.error)
        body: Json = result.body if isinstance(result.body, dict) else {}
        problems = problems_of_suggestions(body)
        if problems or not body:
            raise NoSuggestions(", ".join(problems) or "neither options nor option_groups")
        return {"options": [], "option_groups": []} | body
