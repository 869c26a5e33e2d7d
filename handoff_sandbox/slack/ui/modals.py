"""People who fill in a modal and submit or close it."""

from __future__ import annotations

from dataclasses import dataclass, field

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.refusal import Refusal
from handoff_sandbox.slack.state.views import View
from handoff_sandbox.slack.ui.elements import Impossible
from handoff_sandbox.slack.ui.filling import Values, check_filled_in, fill_in
from handoff_sandbox.slack.ui.interacting import ClickResult
from handoff_sandbox.slack.ui.suggesting import Suggesting


@dataclass(frozen=True)
class Submission:
    """The result of submitting a modal.

    Attributes:
        error: as in ClickResult; the modal stays open then.
        errors: the bot's errors by block_id; the modal stays open then.
    """

    error: str
    errors: dict[str, str] = field(default_factory=dict)


class Windows(Suggesting):
    """Submitting and closing modals."""

    def submit(self, user: str, view_id: str, values: Values | None = None) -> Submission:
        """Fills in a modal and submits it.

        Args:
            user, view_id: the person and the modal, which must be on top.
            values: by action_id or block_id; see `elements.chosen`.

        Raises:
            Impossible: the modal or a field does not exist, or a required field is empty.
        """
        with self._workspace.changed:
            view = self._opened(user, view_id)
            if view.content["type"] != "modal":
                raise Impossible("a Home tab cannot be sent")
            fill_in(self._slack, view, values or {})
            check_filled_in(view)
            payload = self._about(user, view, "view_submission") | {"response_urls": []}
            payload["trigger_id"] = self._slack.triggers.give(user)
        result = self._interact(payload)
        return Submission(result.error) if result.error else self._obey(view, result)

    def close(self, user: str, view_id: str, *, and_below: bool = False) -> None:
        """Closes a modal, or the whole stack; the bot is notified if it asked for it."""
        with self._workspace.changed:
            view = self._opened(user, view_id)
            payload = self._about(user, view, "view_closed") | {"is_cleared": False}
            if and_below or view.content.get("clear_on_close"):
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
        """Applies the bot's answer to the modal."""
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
