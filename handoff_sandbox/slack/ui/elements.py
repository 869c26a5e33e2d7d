"""Buttons, menus and fields: finding them in blocks, and the format of a choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.workspace import elements_of


class Impossible(Exception):
    """A person tried something that Slack's client does not allow."""


FEEDBACK = "feedback_buttons"
_SIDES = ("positive_button", "negative_button")
_SINGLE = {
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "file_input": ("files", "files"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
}
_ONE_OPTION = frozenset({"static_select", "external_select", "radio_buttons", "overflow"})
_MANY_OPTIONS = frozenset({"multi_static_select", "multi_external_select", "checkboxes"})
_STATELESS = frozenset({"button", "overflow"})


def find_element(
    blocks: list[Json], action_id: str, value: str | None, user: str
) -> tuple[Json, Json]:
    """Returns the block and the element that this person sees.

    Raises:
        Impossible: there is none with this action_id (and this value, if it is not None).
    """
    for block, element in all_elements(blocks):
        is_it = element["action_id"] == action_id and value in (None, *_values(element))
        if is_it and user in element.get("visible_to_user_ids", [user]):
            return block, element
    raise Impossible(f"there is no {action_id!r} to click on")


def _values(element: Json) -> list[Any]:
    """Returns the values that a click can carry."""
    if element["type"] == FEEDBACK:
        return [element[side]["value"] for side in _SIDES]
    return [element.get("value")]


def all_elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Yields every interactive element with its block."""
    for block in blocks:
        for element in elements_of(block):
            yield block, element


def press(block: Json, element: Json, at: str, value: str | None = None) -> Json:
    """Returns the action of clicking a button, or the feedback button with this value.

    Raises:
        Impossible: it is not a button.
    """
    if element["type"] == FEEDBACK:
        return _judged(block, element, at, value)
    if element["type"] != "button":
        raise Impossible(f"{element['action_id']!r} is no button")
    kept = ("action_id", "text", "value", "url", "style", "confirm")
    shown = {name: element[name] for name in kept if name in element}
    return shown | {"type": "button", "block_id": block["block_id"], "action_ts": at}


def _judged(block: Json, element: Json, at: str, value: str | None) -> Json:
    """Returns the action of a click on one of two feedback buttons."""
    for side in (element[name] for name in _SIDES):
        if side["value"] == value:
            place = {"action_id": element["action_id"], "block_id": block["block_id"]}
            said = {"text": side["text"], "value": value}
            return place | said | {"type": FEEDBACK, "action_ts": at}
    raise Impossible("choose one of the two feedback buttons by its value")


def pick(block: Json, element: Json, choice: Any, at: str) -> Json:
    """Returns the action of a choice in a menu."""
    place = {"action_id": element["action_id"], "block_id": block["block_id"], "action_ts": at}
    return place | chosen(element, choice)


def chosen(element: Json, choice: Any) -> Json:
    """Returns an element's value after a choice: an option's value or label, an id, a date, a text or list.

    None empties it. The options of an external menu are the offered ones.

    Raises:
        Impossible: the option does not exist, there are too many, or the text has the wrong length.
    """
    kind = element["type"]
    if kind in _STATELESS - _ONE_OPTION or kind not in {*_SINGLE, *_ONE_OPTION, *_MANY_OPTIONS}:
        raise Impossible(f"nothing can be chosen in a {kind}")
    if choice is None:
        return _emptied(kind)
    if isinstance(choice, list):
        _check_count(element, choice)
    if kind in _ONE_OPTION:
        return {"type": kind, "selected_option": _option(element, choice)}
    if kind in _MANY_OPTIONS:
        return {"type": kind, "selected_options": [_option(element, one) for one in choice]}
    return {"type": kind, _SINGLE[kind][0]: choice}


def check_text(element: Json, held: Json) -> None:
    """Checks the length of a text when a modal is submitted.

    Raises:
        Impossible: it is too short or too long.
    """
    if element["type"] != "plain_text_input" or held["value"] is None:
        return
    least, most = int(element.get("min_length", 0)), int(element.get("max_length", 3000))
    length = len(str(held["value"]))
    if not least <= length <= most:
        raise Impossible(f"a text of {length} characters does not go into {element['action_id']!r}")


def _emptied(kind: str) -> Json:
    if kind in _ONE_OPTION:
        return {"type": kind, "selected_option": None}
    if kind in _MANY_OPTIONS:
        return {"type": kind, "selected_options": []}
    is_list = kind.startswith("multi_") or kind == "file_input"
    return {"type": kind, _SINGLE[kind][0]: [] if is_list else None}


def initial(element: Json) -> Json:
    """Returns an element's initial value."""
    kind = element["type"]
    if kind in _ONE_OPTION:
        return {"type": kind, "selected_option": element.get("initial_option")}
    if kind in _MANY_OPTIONS:
        return {"type": kind, "selected_options": element.get("initial_options", [])}
    now, before = _SINGLE[kind]
    return _emptied(kind) | ({now: element[before]} if element.get(before) else {})


def is_empty(held: Json) -> bool:
    """Whether an element is empty."""
    return not any(value for name, value in held.items() if name != "type")


def state_of(blocks: list[Json], known: Json) -> Json:
    """Returns the values of all elements: the given ones, else the initial ones."""
    state: Json = {}
    for block, element in all_elements(blocks):
        kind = element["type"]
        if kind in _STATELESS or kind not in {*_SINGLE, *_ONE_OPTION, *_MANY_OPTIONS}:
            continue
        block_id, action_id = block["block_id"], element["action_id"]
        held = known.get(block_id, {}).get(action_id) or initial(element)
        is_same = held["type"] == kind
        state.setdefault(block_id, {})[action_id] = held if is_same else initial(element)
    return state


def _option(element: Json, choice: Any) -> Json:
    groups = element.get("option_groups", [])
    options: list[Json] = [*element.get("options", [])]
    for group in groups:
        options += group["options"]
    for option in options:
        if choice in (option["value"], option["text"]["text"]):
            return option
    raise Impossible(f"{choice!r} is not among the options")


def _check_count(element: Json, choices: list[Any]) -> None:
    most: int = element.get("max_selected_items") or element.get("max_files") or len(choices)
    if len(choices) > most:
        raise Impossible(f"{element['action_id']!r} takes {most} at most")
