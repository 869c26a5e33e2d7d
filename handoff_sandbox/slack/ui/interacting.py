"""People's interactions: buttons, menus, modals, commands and shortcuts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handoff_sandbox.slack.api.answers import accept_answer
from handoff_sandbox.slack.delivery.links import Failure, Kind, Parcel, Reply
from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.messages import Message
from handoff_sandbox.slack.state.refusal import Refusal
from handoff_sandbox.slack.state.triggers import Origin
from handoff_sandbox.slack.ui.elements import Impossible
from handoff_sandbox.slack.ui.filling import Values, fill_in
from handoff_sandbox.slack.ui.rich_text import as_command
from handoff_sandbox.slack.ui.surfaces import Surfaces

_ERRORS: dict[Failure, str] = {
    "": "",
    "http_timeout": "operation_timeout",
    "http_error": "dispatch_failed",
    "connection_failed": "dispatch_failed",
}


@dataclass(frozen=True)
class ClickResult:
    """The result of an interaction.

    Attributes:
        error: "" if the bot answered in time; else "operation_timeout", "dispatch_failed", or Slack's
            error for an invalid answer.
        status: the HTTP status of the answer, 0 for none.
        body: the parsed answer.
        trigger_id: the trigger id of the request.
    """

    error: str
    status: int
    body: Any
    trigger_id: str


class Interacting(Surfaces):
    """Interactions with what the bot rendered. They are never retried.

    Every method raises Impossible where Slack's client would not allow it.
    """

    def click(
        self, user: str, channel: str, ts: str, action_id: str, value: str | None = None
    ) -> ClickResult:
        """Clicks a button of a message; `value` selects one of several with the same action_id."""
        with self._workspace.changed:
            surface = self._on_message(user, self._seen(user, channel, ts))
            payload = self._pressed(user, surface, action_id, value)
        return self._interact(payload)

    def click_together(
        self, users: Sequence[str], channel: str, ts: str, action_id: str
    ) -> list[ClickResult]:
        """Each of these people clicks the button, in order, before seeing what came of the others."""
        with self._workspace.changed:
            surfaces = [self._on_message(user, self._seen(user, channel, ts)) for user in users]
            payloads = [
                self._pressed(user, surface, action_id, None)
                for user, surface in zip(users, surfaces, strict=True)
            ]
        return [self._interact(payload) for payload in payloads]

    def select(self, user: str, channel: str, ts: str, action_id: str, choice: Any) -> ClickResult:
        """Chooses in a menu of a message: an option's value or label, an id, or a list of them."""
        with self._workspace.changed:
            surface = self._on_message(user, self._seen(user, channel, ts))
            payload = self._picked(user, surface, action_id, choice)
        return self._interact(payload)

    def click_ephemeral(
        self, user: str, ts: str, action_id: str, value: str | None = None
    ) -> ClickResult:
        """Clicks a button of this person's ephemeral message."""
        with self._workspace.changed:
            surface = self._on_message(user, self._whispered(user, ts))
            payload = self._pressed(user, surface, action_id, value)
        return self._interact(payload)

    def select_ephemeral(self, user: str, ts: str, action_id: str, choice: Any) -> ClickResult:
        """Chooses in a menu of this person's ephemeral message."""
        with self._workspace.changed:
            surface = self._on_message(user, self._whispered(user, ts))
            payload = self._picked(user, surface, action_id, choice)
        return self._interact(payload)

    def click_view(
        self,
        user: str,
        view_id: str,
        action_id: str,
        value: str | None = None,
        values: Values | None = None,
    ) -> ClickResult:
        """Clicks a button of a modal or Home tab; `values` are the fields that were filled in before."""
        with self._workspace.changed:
            view = self._opened(user, view_id)
            fill_in(self._slack, view, values or {})
            payload = self._pressed(user, self._on_view(view), action_id, value)
        return self._interact(payload)

    def select_view(
        self,
        user: str,
        view_id: str,
        action_id: str,
        choice: Any,
        values: Values | None = None,
    ) -> ClickResult:
        """Chooses in a menu of a modal or Home tab; in a modal the choice stays."""
        with self._workspace.changed:
            view = self._opened(user, view_id)
            fill_in(self._slack, view, values or {})
            payload = self._picked(user, self._on_view(view), action_id, choice)
        return self._interact(payload)

    def command(self, user: str, channel: str, command: str, text: str = "") -> ClickResult:
        """Runs a slash command, e.g. "/escalations", from a slack_channel."""
        with self._workspace.changed:
            where = self._entered(user, channel)
            person = self._workspace.people[user]
            trigger_id = self._slack.triggers.give(user)
            origin = Origin(user, channel)
            payload = {
                "token": "verification-token",
                "team_id": person.team_id or self._workspace.team_id,
                "team_domain": self._workspace.domain,
                "channel_id": channel,
                "channel_name": where.name,
                "user_id": user,
                "user_name": person.name,
                "command": command,
                "text": as_command(text, self._workspace.name_of),
                "api_app_id": self._workspace.app.app_id,
                "is_enterprise_install": "false",
                "response_url": self._response_url(origin),
                "trigger_id": trigger_id,
            }
        result = self._interact(payload, "slash_commands")
        return self._said(origin, result) if not result.error else result

    def shortcut(self, user: str, callback_id: str, channel: str = "", ts: str = "") -> ClickResult:
        """Runs a global shortcut, or a message shortcut if `channel` and `ts` are given."""
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

    # -- internals

    def _whispered(self, user: str, ts: str) -> Message:
        message = self._workspace.find_ephemeral(user, ts)
        if message is None:
            raise Impossible(f"{user} does not see {ts}")
        return message

    def _interact(self, payload: Json, kind: Kind = "interactive") -> ClickResult:
        reply: Reply = self._slack.courier.send(Parcel(kind, payload))
        trigger_id = str(payload.get("trigger_id", ""))
        return ClickResult(_ERRORS[reply.failure], reply.status, reply.body, trigger_id)

    def _said(self, origin: Origin, result: ClickResult) -> ClickResult:
        """Shows the bot's answer to a command."""
        content = {"text": result.body} if isinstance(result.body, str) else result.body
        if not (content.get("text") or content.get("blocks")):
            return result
        with self._workspace.changed:
            try:
                accept_answer(self._slack, origin, content)
            except Refusal as refusal:
                return ClickResult(refusal.error, result.status, result.body, result.trigger_id)
        return result
