"""views.*: modals and Home tabs."""

from __future__ import annotations

from handoff_sandbox.slack.api.calls import Call, Method
from handoff_sandbox.slack.api.pictures import check_pictures
from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.backstage import Backstage
from handoff_sandbox.slack.state.refusal import Refusal, invalid_arguments
from handoff_sandbox.slack.state.views import View, check_view


def open_(slack: Backstage, call: Call) -> Json:
    """views.open."""
    content = _content(slack, call)
    check_view(content, "modal")
    user = slack.triggers.exchange(call.required("trigger_id"))
    return _shown(slack, slack.views.open(user, content))


def push(slack: Backstage, call: Call) -> Json:
    """views.push."""
    content = _content(slack, call)
    check_view(content, "modal")
    user = slack.triggers.exchange(call.required("trigger_id"))
    return _shown(slack, slack.views.push(user, content))


def update(slack: Backstage, call: Call) -> Json:
    """views.update."""
    content = _content(slack, call)
    view = slack.views.find(call.text("view_id"), call.text("external_id"))
    if view is None:
        raise Refusal("not_found")
    _check_hash(call, view)
    return _shown(slack, slack.views.update(view, content))


def publish(slack: Backstage, call: Call) -> Json:
    """views.publish."""
    content = _content(slack, call)
    user = call.required("user_id")
    if user not in slack.workspace.people:
        raise invalid_arguments("invalid `user_id`")
    home = slack.views.homes.get(user)
    if home:
        _check_hash(call, home)
    return _shown(slack, slack.views.publish(user, content))


def _content(slack: Backstage, call: Call) -> Json:
    content: Json | None = call.content("view", dict, "invalid_arguments")
    if content is None:
        raise invalid_arguments("[ERROR] missing required field: view")
    if isinstance(content.get("blocks"), list):
        check_pictures(slack, content["blocks"])
    return content


def _check_hash(call: Call, view: View) -> None:
    """A given hash must match the view's, even an empty one (slack-go/slack#1462)."""
    given = call.args.get("hash")
    if given is not None and given != view.hash:
        raise Refusal("hash_conflict")


def _shown(slack: Backstage, view: View) -> Json:
    workspace = slack.workspace
    workspace.changed.notify_all()
    return {"ok": True, "view": view.wire(workspace.team_id, workspace.app)}


METHODS: dict[str, Method] = {
    "views.open": open_,
    "views.publish": publish,
    "views.push": push,
    "views.update": update,
}
