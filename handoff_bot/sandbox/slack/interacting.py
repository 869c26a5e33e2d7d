"""People who press buttons, choose in menus, fill windows in, and call commands and shortcuts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handoff_bot.sandbox.slack.answers import accept_answer
from handoff_bot.sandbox.slack.elements import (
    Impossible,
    chosen,
    find_element,
    pick,
    press,
    state_of,
)
from handoff_bot.sandbox.slack.links import Failure, Kind, Parcel, Reply
from handoff_bot.sandbox.slack.messages import Message
from handoff_bot.sandbox.slack.people import Json
from handoff_bot.sandbox.slack.refusal import Refusal
from handoff_bot.sandbox.slack.stage import Stage
from handoff_bot.sandbox.slack.triggers import Origin
from handoff_bot.sandbox.slack.views import View

_ERRORS: dict[Failure, str] = {
    "": "",
    "http_timeout": "operation_timeout",
    "http_error": "dispatch_failed",
    "connection_failed": "dispatch_failed",
}


@dataclass(frozen=True)
class ClickResult:
    """What came of it.

    Attributes:
        error: "" when the bot answered in time; else "operation_timeout", "dispatch_failed", or how Slack
            refuses an answer that makes no sense.
        status: the HTTP status of its answer, 0 when there was none.
        body: the parsed answer.
        trigger_id: what was handed out.
    """

    error: str
    status: int
    body: Any
    trigger_id: str


@dataclass(frozen=True)
class _Surface:
    """Where one can click: blocks, what is filled in so far, and what a payload says of the place."""

    blocks: list[Json]
    place: Json
    state: Json
    view: View | None = None


class Interacting(Stage):
    """What people do with what the bot drew. None of it is ever sent twice.

    Everything raises Impossible where Slack's screen would not let them.
    """

    def click(
        self, user: str, channel: str, ts: str, action_id: str, value: str | None = None
    ) -> ClickResult:
        """Press a button of a message; `value` picks one of several with the same action_id."""
        with self._workspace.changed:
            surface = self._on_message(user, self._seen(user, channel, ts))
            payload = self._pressed(user, surface, action_id, value)
        return self._interact(payload)

    def select(self, user: str, channel: str, ts: str, action_id: str, choice: Any) -> ClickResult:
        """Choose in a menu of a message: an option's value or words, an id, a list of them."""
        with self._workspace.changed:
            surface = self._on_message(user, self._seen(user, channel, ts))
            payload = self._picked(user, surface, action_id, choice)
        return self._interact(payload)

    def click_ephemeral(
        self, user: str, ts: str, action_id: str, value: str | None = None
    ) -> ClickResult:
        """Press a button of a message that this person alone sees."""
        with self._workspace.changed:
            message = self._workspace.find_ephemeral(user, ts)
            if message is None:
                raise Impossible(f"{user} does not see {ts}")
            surface = self._on_message(user, message, is_ephemeral=True)
            payload = self._pressed(user, surface, action_id, value)
        return self._interact(payload)

    def click_view(
        self, user: str, view_id: str, action_id: str, value: str | None = None
    ) -> ClickResult:
        """Press a button of a window or Home tab."""
        with self._workspace.changed:
            surface = self._on_view(self._opened(user, view_id))
            payload = self._pressed(user, surface, action_id, value)
        return self._interact(payload)

    def select_view(self, user: str, view_id: str, action_id: str, choice: Any) -> ClickResult:
        """Choose in a menu of a window or Home tab; in a window the choice stays."""
        with self._workspace.changed:
            surface = self._on_view(self._opened(user, view_id))
            payload = self._picked(user, surface, action_id, choice)
        return self._interact(payload)

    def command(self, user: str, channel: str, command: str, text: str = "") -> ClickResult:
        """Call a slash command, e.g. "/escalations", from a slack_channel."""
        with self._workspace.changed:
            where = self._entered(user, channel)
            person = self._workspace.people[user]
            trigger_id = self._slack.triggers.give(user)
            origin = Origin(user, channel)
            payload = {
                "token": "verification-token",
                "team_id": self._workspace.team_id,
                "team_domain": self._workspace.domain,
                "channel_id": channel,
                "channel_name": where.name,
                "user_id": user,
                "user_name": person.name,
                "command": command,
                "text": text,
                "api_app_id": self._workspace.app.app_id,
                "is_enterprise_install": "false",
                "response_url": self._response_url(origin),
                "trigger_id": trigger_id,
            }
        result = self._interact(payload, "slash_commands")
        return self._said(origin, result) if not result.error else result

    def shortcut(self, user: str, callback_id: str, channel: str = "", ts: str = "") -> ClickResult:
        """Call a global shortcut, or one on a message when `channel` and `ts` say which."""
        with self._workspace.changed:
            payload = self._common() | {
                "type": "shortcut",
                "callback_id": callback_id,
                "user": self._user(user),
                "action_ts": self._workspace.new_ts(),
                "trigger_id": self._slack.triggers.give(user),
            }
            if ts:
                payload |= self._on_message(user, self._seen(user, channel, ts)).place
                payload |= {"type": "message_action", "message_ts": ts}
                del payload["container"]
        return self._interact(payload)

    # -- how

    def _on_message(self, user: str, message: Message, *, is_ephemeral: bool = False) -> _Surface:
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
        return _Surface(message.blocks, place, state_of(message.blocks, {}))

    def _on_view(self, view: View) -> _Surface:
        shown = view.wire(self._workspace.team_id, self._workspace.app)
        blocks: list[Json] = view.content["blocks"]
        state = state_of(blocks, view.state)
        shown["state"] = {"values": state}
        container = {"type": "view", "view_id": view.id}
        return _Surface(blocks, {"container": container, "view": shown}, state, view)

    def _opened(self, user: str, view_id: str) -> View:
        """What this person has in front of them: the window on top, or their Home tab."""
        view = self._slack.views.find(view_id)
        is_theirs = view is not None and view.user == user
        stack = self._slack.views.stacks.get(user, [])
        if view is None or not is_theirs or (view in stack and view is not stack[-1]):
            raise Impossible(f"{user} does not see {view_id}")
        return view

    def _pressed(self, user: str, surface: _Surface, action_id: str, value: str | None) -> Json:
        block, element = find_element(surface.blocks, action_id, value, user)
        return self._acted(user, surface, press(block, element, self._workspace.new_ts()))

    def _picked(self, user: str, surface: _Surface, action_id: str, choice: Any) -> Json:
        block, element = find_element(surface.blocks, action_id, None, user)
        action = pick(block, element, choice, self._workspace.new_ts())
        if element["type"] != "overflow":
            held = surface.state[block["block_id"]]
            held[action_id] = chosen(element, choice)
            if surface.view:
                surface.view.state[block["block_id"]] = held
        return self._acted(user, surface, action)

    def _acted(self, user: str, surface: _Surface, action: Json) -> Json:
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

    def _interact(self, payload: Json, kind: Kind = "interactive") -> ClickResult:
        reply: Reply = self._slack.courier.send(Parcel(kind, payload))
        trigger_id = str(payload.get("trigger_id", ""))
        return ClickResult(_ERRORS[reply.failure], reply.status, reply.body, trigger_id)

    def _said(self, origin: Origin, result: ClickResult) -> ClickResult:
        """Show what the bot answered to a command."""
        content = {"text": result.body} if isinstance(result.body, str) else result.body
        if not (content.get("text") or content.get("blocks")):
            return result
        with self._workspace.changed:
            try:
                accept_answer(self._slack, origin, content)
            except Refusal as refusal:
                return ClickResult(refusal.error, result.status, result.body, result.trigger_id)
        return result
