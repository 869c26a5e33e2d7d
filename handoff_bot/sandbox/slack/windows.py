"""People who fill in a window and send it, or close it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from handoff_bot.sandbox.slack.elements import Impossible, chosen, is_empty, state_of
from handoff_bot.sandbox.slack.interacting import ClickResult, Interacting
from handoff_bot.sandbox.slack.people import Json
from handoff_bot.sandbox.slack.refusal import Refusal
from handoff_bot.sandbox.slack.views import View


@dataclass(frozen=True)
class Submission:
    """What came of sending a window.

    Attributes:
        error: as in ClickResult; then the window stays open.
        errors: what the bot found wrong, by block_id; then the window stays open, too.
    """

    error: str
    errors: dict[str, str] = field(default_factory=dict)


class Windows(Interacting):
    """Sending and closing windows."""

    def submit(self, user: str, view_id: str, values: dict[str, Any] | None = None) -> Submission:
        """Fill a window in and send it.

        Args:
            user, view_id: whose window, and which; it must be the one on top.
            values: what goes where, by action_id or block_id; see `elements.chosen`.

        Raises:
            Impossible: it is not there, has no such field, or one that must be filled in is empty.
        """
        with self._workspace.changed:
            view = self._opened(user, view_id)
            if view.content["type"] != "modal":
                raise Impossible("a Home tab cannot be sent")
            view.state = _filled_in(view, values or {})
            payload = self._about(user, view, "view_submission") | {"response_urls": []}
            payload["trigger_id"] = self._slack.triggers.give(user)
        result = self._interact(payload)
        return Submission(result.error) if result.error else self._obey(view, result)

    def close(self, user: str, view_id: str) -> None:
        """Cancel a window; the bot hears of it if it asked to."""
        with self._workspace.changed:
            view = self._opened(user, view_id)
            payload = self._about(user, view, "view_closed") | {"is_cleared": False}
            if view.content.get("clear_on_close"):
                self._slack.views.stacks.pop(user)
                payload["is_cleared"] = True
            self._slack.views.close(view)
            self._workspace.changed.notify_all()
        if view.content.get("notify_on_close"):
            self._interact(payload)

    def _about(self, user: str, view: View, kind: str) -> Json:
        shown = view.wire(self._workspace.team_id, self._workspace.app)
        return self._common() | {"type": kind, "user": self._user(user), "view": shown}

    def _obey(self, view: View, result: ClickResult) -> Submission:
        """Do with the window what the bot answered."""
        body: Json = result.body if isinstance(result.body, dict) else {}
        with self._workspace.changed:
            try:
                errors = self._respond(view, body)
            except Refusal as refusal:
                return Submission(refusal.error)
            self._workspace.changed.notify_all()
        return Submission("", errors)

    def _respond(self, view: View, body: Json) -> dict[str, str]:
        views = self._slack.views
        match body.get("response_action"):
            case "errors":
                return dict(body["errors"])
            case "update":
                views.update(view, body["view"])
            case "push":
                views.push(view.user, body["view"])
            case "clear":
                views.stacks.pop(view.user, None)
            case _:
                views.close(view)
        return {}


def _filled_in(view: View, values: dict[str, Any]) -> Json:
    """The state of a window after these values were put in."""
    rest = dict(values)
    state = state_of(view.content["blocks"], view.state)
    for block in view.content["blocks"]:
        element = block.get("element")
        if not element:
            continue
        for name in (element["action_id"], block["block_id"]):
            if name in rest:
                state[block["block_id"]][element["action_id"]] = chosen(element, rest.pop(name))
        held = state[block["block_id"]][element["action_id"]]
        if is_empty(held) and not block.get("optional"):
            raise Impossible(f"{element['action_id']!r} must be filled in")
    if rest:
        raise Impossible(f"there is nothing to fill in for {', '.join(rest)}")
    return state
