"""A modal while a person fills it in."""

from __future__ import annotations

from typing import Any

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.backstage import Backstage
from handoff_sandbox.slack.state.files import Attachment
from handoff_sandbox.slack.state.views import View
from handoff_sandbox.slack.ui.elements import (
    Impossible,
    check_text,
    chosen,
    is_empty,
    state_of,
)
from handoff_sandbox.slack.ui.places import check_places

Values = dict[str, Any]
"""Values by action_id or block_id; see `elements.chosen`. Files are Attachments."""


def fill_in(slack: Backstage, view: View, values: Values) -> None:
    """Fills in the fields of a modal; None empties one, the others stay.

    Raises:
        Impossible: the field does not exist, or does not accept the value.
    """
    rest = dict(values)
    state = state_of(view.content["blocks"], view.state)
    for block, element in _fields(view):
        for name in (element["action_id"], block["block_id"]):
            if name in rest:
                held = _held(slack, view, element, rest.pop(name))
                state[block["block_id"]][element["action_id"]] = held
    if rest:
        raise Impossible(f"there is nothing to fill in for {', '.join(rest)}")
    view.state = state


def check_filled_in(view: View) -> None:
    """Checks a modal before it is submitted.

    Raises:
        Impossible: a required field is empty, or a text has the wrong length.
    """
    for block, element in _fields(view):
        held = view.state[block["block_id"]][element["action_id"]]
        if not is_empty(held):
            check_text(element, held)
        elif not block.get("optional"):
            raise Impossible(f"{element['action_id']!r} must be filled in")


def _fields(view: View) -> list[tuple[Json, Json]]:
    """Yields the input blocks with their elements."""
    return [(b, b["element"]) for b in view.content["blocks"] if b.get("element")]


def _held(slack: Backstage, view: View, element: Json, choice: Any) -> Json:
    complete = slack.screens.complete(view.user, view.id, element)
    check_places(slack.workspace, view.user, complete, choice)
    if element["type"] == "file_input" and choice:
        choice = [_uploaded(slack, view.user, one) for one in choice]
    return chosen(complete, choice)


def _uploaded(slack: Backstage, user: str, file: Attachment | Json) -> Json:
    """Stores an uploaded file, and returns it in Slack's format."""
    return slack.files.wire(slack.files.add(file, user)) if isinstance(file, Attachment) else file
