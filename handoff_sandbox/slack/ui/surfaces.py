"""Places of clicks, and the payloads for clicked and chosen elements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.messages import Message
from handoff_sandbox.slack.state.triggers import Origin
from handoff_sandbox.slack.state.views import View
from handoff_sandbox.slack.ui.elements import (
    Impossible,
    chosen,
    find_element,
    pick,
    press,
    state_of,
)
from handoff_sandbox.slack.ui.places import check_places
from handoff_sandbox.slack.ui.stage import Stage


@dataclass(frozen=True)
class Surface:
    """A place of clicks: its blocks, its current values, and its part of a payload.

    Attributes:
        id: the ts of a message, or the id of a view.
    """

    id: str
    blocks: list[Json]
    place: Json
    state: Json
    view: View | None = None


class Surfaces(Stage):
    """Builds the payloads; the caller holds the workspace's lock."""

    def _on_message(self, user: str, message: Message) -> Surface:
        is_ephemeral = self._workspace.find_ephemeral(user, message.ts) is message
        where = self._workspace.channels[message.channel]
        origin = Origin(user, message.channel, message.ts, is_ephemeral, message.thread_ts)
        container = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": is_ephemeral,
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        place: Json = {
            "container": container,
            "channel": {"id": where.id, "name": where.name},
            "response_url": self._response_url(origin),
        }
        if not is_ephemeral:
            place["message"] = message.wire(with_metadata=True)
        known = self._slack.screens.chosen(user, message.ts)
        return Surface(message.ts, message.blocks, place, state_of(message.blocks, known))

    def _on_view(self, view: View) -> Surface:
        shown = view.wire(self._workspace.team_id, self._workspace.app)
        blocks: list[Json] = view.content["blocks"]
        state = state_of(blocks, view.state)
        shown["state"] = {"values": state}
        container = {"type": "view", "view_id": view.id}
        return Surface(view.id, blocks, {"container": container, "view": shown}, state, view)

    def _shown_to(self, user: str, channel: str, ts: str) -> Message:
        """Returns a message that this person can see, ephemeral ones included."""
        return self._workspace.find_ephemeral(user, ts) or self._seen(user, channel, ts)

    def _opened(self, user: str, view_id: str) -> View:
        """Returns this person's top modal, or their Home tab."""
        view = self._slack.views.find(view_id)
        is_theirs = view is not None and view.user == user
        stack = self._slack.views.stacks.get(user, [])
        if view is None or not is_theirs or (view in stack and view is not stack[-1]):
            raise Impossible(f"{user} does not see {view_id}")
        return view

    def _pressed(self, user: str, surface: Surface, action_id: str, value: str | None) -> Json:
        block, element = find_element(surface.blocks, action_id, value, user)
        return self._acted(user, surface, press(block, element, self._workspace.new_ts(), value))

    def _picked(self, user: str, surface: Surface, action_id: str, choice: Any) -> Json:
        block, found = find_element(surface.blocks, action_id, None, user)
        element = self._slack.screens.complete(user, surface.id, found)
        check_places(self._workspace, user, element, choice)
        action = pick(block, element, choice, self._workspace.new_ts())
        if element["type"] != "overflow":
            self._hold(user, surface, block["block_id"], action_id, chosen(element, choice))
        return self._acted(user, surface, action)

    def _hold(self, user: str, surface: Surface, block_id: str, action_id: str, held: Json) -> None:
        surface.state[block_id][action_id] = held
        if surface.view:
            surface.view.state[block_id] = surface.state[block_id]
        else:
            self._slack.screens.choose(user, surface.id, surface.state)

    def _acted(self, user: str, surface: Surface, action: Json) -> Json:
        return (
            self._common()
            | {
                "type": "block_actions",
                "user": self._user(user),
                "trigger_id": self._slack.triggers.give(user),
                "state": {"values": surface.state},
                "actions": [action],
            }
            | surface.place
        )

    def _response_url(self, origin: Origin) -> str:
        return self._slack.url + self._slack.response_urls.give(origin)
