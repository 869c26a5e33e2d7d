"""Which blocks Slack accepts: fields, lengths and counts, as small checks put together into tables.

The numbers are those that Slack documents. Blocks that the bot does not draw yet are let through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from handoff_bot.sandbox.slack.people import Json

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100

Check = Callable[[Any, str], Iterator[str]]
"""Says what is wrong with the value at a JSON pointer."""

Fields = dict[str, Check]
"""What an object may hold besides `type`; names that end in "!" must be there."""


def problems_of(blocks: list[Json], most: int) -> list[str]:
    """What Slack would refuse about these blocks of a message or view, [] when nothing."""
    found = list(_items(most, _block, least=0)(blocks, "/blocks"))
    names = [b["block_id"] for b in blocks if isinstance(b, dict) and b.get("block_id")]
    if len(names) != len(set(names)):
        found.append("`block_id` must be unique [json-pointer:/blocks]")
    return found


def length_of(blocks: Any) -> int:
    """Characters of all texts in the blocks, however deep."""
    if isinstance(blocks, dict):
        return sum(
            len(value) if name == "text" and isinstance(value, str) else length_of(value)
            for name, value in blocks.items()
        )
    return sum(map(length_of, blocks)) if isinstance(blocks, list) else 0


def _at(problem: str, pointer: str) -> str:
    return f"{problem} [json-pointer:{pointer}]"


def _anything(_value: Any, _pointer: str) -> Iterator[str]:
    yield from ()


def _string(most: int, least: int = 0) -> Check:
    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield _at("must be a string", pointer)
        elif len(value) > most:
            yield _at(f"must be less than {most + 1} characters", pointer)
        elif len(value) < least:
            yield _at(f"must be more than {least - 1} characters", pointer)

    return check


def _text(most: int, *kinds: str) -> Check:
    """A text object."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield _at("must be an object", pointer)
            return
        if value.get("type") not in (kinds or ("plain_text", "mrkdwn")):
            yield _at(f"unsupported type: {value.get('type')}", f"{pointer}/type")
        allowed = {"type", "text", "emoji", "verbatim"}
        yield from _unknown(value, allowed, pointer)
        yield from _string(most, least=1)(value.get("text"), f"{pointer}/text")

    return check


def _plain(most: int) -> Check:
    return _text(most, "plain_text")


def _items(most: int, each: Check, least: int = 1) -> Check:
    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield _at("must be an array", pointer)
            return
        if len(value) > most:
            yield _at(f"no more than {most} items allowed", pointer)
        if len(value) < least:
            yield _at(f"no fewer than {least} items required", pointer)
        for number, item in enumerate(value):
            yield from each(item, f"{pointer}/{number}")

    return check


def _word(*words: str) -> Check:
    def check(value: Any, pointer: str) -> Iterator[str]:
        if value not in words:
            yield _at(f"must be one of {', '.join(words)}", pointer)

    return check


def _object(fields: Fields) -> Check:
    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield _at("must be an object", pointer)
            return
        known = {name.rstrip("!"): name for name in fields}
        for name in known:
            if known[name].endswith("!") and name not in value:
                yield _at(f"missing required field: {name}", pointer)
        yield from _unknown(value, {"type", *known}, pointer)
        for name in known.keys() & value.keys():
            yield from fields[known[name]](value[name], f"{pointer}/{name}")

    return check


def _unknown(value: Json, allowed: set[str], pointer: str) -> Iterator[str]:
    for name in value.keys() - allowed:
        yield _at(f"invalid additional property: {name}", pointer)


def _one_of(kinds: dict[str, Check]) -> Check:
    """An object whose `type` says what it may hold."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        kind = value.get("type") if isinstance(value, dict) else None
        if kind not in kinds:
            yield _at(f"unsupported type: {kind}", f"{pointer}/type")
            return
        yield from kinds[kind](value, pointer)

    return check


_ACTION: Fields = {"action_id": _string(255), "focus_on_load": _anything}
_CONFIRM = _object(
    {
        "title!": _plain(100),
        "text!": _text(300),
        "confirm!": _plain(30),
        "deny!": _plain(30),
        "style": _word("primary", "danger"),
    }
)
_OPTION = _object(
    {"text!": _text(75), "value!": _string(150), "description": _text(75), "url": _string(3000)}
)
_OPTION_GROUP = _object({"label!": _plain(75), "options!": _items(100, _OPTION)})
_MENU: Fields = _ACTION | {"placeholder": _plain(150), "confirm": _CONFIRM}
_MANY: Fields = {"max_selected_items": _anything}
_INPUT: Fields = _ACTION | {
    "placeholder": _plain(150),
    "initial_value": _anything,
    "dispatch_action_config": _anything,
}
_STATIC: Fields = _MENU | {
    "options": _items(100, _OPTION),
    "option_groups": _items(100, _OPTION_GROUP),
}
_TICKS: Fields = _ACTION | {"options!": _items(10, _OPTION), "confirm": _CONFIRM}

_BUTTON = _object(
    {
        "text!": _plain(75),
        "action_id": _string(255),
        "value": _string(2000),
        "url": _string(3000),
        "style": _word("primary", "danger"),
        "confirm": _CONFIRM,
        "accessibility_label": _string(75),
        "visible_to_user_ids": _anything,
    }
)
_IMAGE: Fields = {"alt_text!": _string(2000), "image_url": _string(3000), "slack_file": _anything}
_ELEMENTS: dict[str, Check] = {
    "button": _BUTTON,
    "overflow": _object(_ACTION | {"options!": _items(5, _OPTION), "confirm": _CONFIRM}),
    "static_select": _object(_STATIC | {"initial_option": _OPTION}),
    "multi_static_select": _object(_STATIC | _MANY | {"initial_options": _items(100, _OPTION)}),
    "users_select": _object(_MENU | {"initial_user": _anything}),
    "multi_users_select": _object(_MENU | _MANY | {"initial_users": _anything}),
    "checkboxes": _object(_TICKS | {"initial_options": _items(10, _OPTION)}),
    "radio_buttons": _object(_TICKS | {"initial_option": _OPTION}),
    "datepicker": _object(_MENU | {"initial_date": _anything}),
    "timepicker": _object(_MENU | {"initial_time": _anything, "timezone": _anything}),
}
_CHANNELS: Fields = _MENU | {
    "initial_channel": _anything,
    "initial_conversation": _anything,
    "default_to_current_conversation": _anything,
    "response_url_enabled": _anything,
    "filter": _anything,
}
_ELEMENTS |= {"channels_select": _object(_CHANNELS), "conversations_select": _object(_CHANNELS)}
_INPUTS: dict[str, Check] = _ELEMENTS | {
    "plain_text_input": _object(
        _INPUT | {"multiline": _anything, "min_length": _anything, "max_length": _anything}
    ),
    "number_input": _object(
        _INPUT | {"is_decimal_allowed!": _anything, "min_value": _anything, "max_value": _anything}
    ),
    "email_text_input": _object(_INPUT),
    "url_text_input": _object(_INPUT),
}
_PICTURE = _object(_IMAGE)
_BLOCK: Fields = {"block_id": _string(255)}
_IN_CONTEXT = _one_of({"image": _PICTURE, "mrkdwn": _text(3000), "plain_text": _text(3000)})


_ACTIONS = _object(_BLOCK | {"elements!": _items(25, _one_of(_ELEMENTS))})
_SECTION = _object(
    _BLOCK
    | {
        "text": _text(3000),
        "fields": _items(10, _text(2000)),
        "accessory": _one_of(_ELEMENTS | {"image": _PICTURE}),
        "expand": _anything,
    }
)


def _actions(value: Any, pointer: str) -> Iterator[str]:
    yield from _ACTIONS(value, pointer)
    elements = value.get("elements")
    names = [e.get("action_id") for e in elements] if isinstance(elements, list) else []
    named = [name for name in names if name]
    if len(named) != len(set(named)):
        yield _at("`action_id` must be unique", f"{pointer}/elements")


def _section(value: Any, pointer: str) -> Iterator[str]:
    yield from _SECTION(value, pointer)
    if not value.keys() & {"text", "fields"}:
        yield _at("missing required field: text", pointer)


_BLOCKS: dict[str, Check] = {
    "actions": _actions,
    "context": _object(_BLOCK | {"elements!": _items(10, _IN_CONTEXT)}),
    "divider": _object(_BLOCK),
    "header": _object(_BLOCK | {"text!": _plain(150), "level": _anything}),
    "image": _object(_BLOCK | _IMAGE | {"title": _plain(2000)}),
    "input": _object(
        _BLOCK
        | {
            "label!": _plain(2000),
            "element!": _one_of(_INPUTS),
            "hint": _plain(2000),
            "optional": _anything,
            "dispatch_action": _anything,
        }
    ),
    "markdown": _object(_BLOCK | {"text!": _string(12_000, least=1)}),
    "rich_text": _object(_BLOCK | {"elements!": _items(1000, _anything, least=0)}),
    "section": _section,
}
_UNCHECKED = (
    "alert",
    "call",
    "card",
    "carousel",
    "container",
    "context_actions",
    "data_table",
    "data_visualization",
    "file",
    "plan",
    "table",
    "task_card",
    "video",
)
_block = _one_of(_BLOCKS | dict.fromkeys(_UNCHECKED, _anything))
