"""Which blocks Slack accepts: fields, lengths and counts, as tables of small checks.

The limits are the documented ones. Blocks that the bot does not use are not checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.validation.checks import (
    Check,
    Fields,
    anything,
    at,
    items_of,
    object_of,
    one_of,
    plain_text,
    string_of,
    text_of,
)
from handoff_sandbox.slack.validation.data_rules import (
    of_messages,
    of_modals,
    problems_together,
)
from handoff_sandbox.slack.validation.element_rules import ELEMENTS, IMAGE, INPUTS

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100


def problems_of(blocks: list[Json], most: int, surface: str = "message") -> list[str]:
    """Returns Slack's problems with the blocks of a "message", "modal" or "home", [] for none."""
    found = list(items_of(most, _SURFACES[surface], least=0)(blocks, "/blocks"))
    found += problems_together(blocks)
    names = [b["block_id"] for b in blocks if isinstance(b, dict) and b.get("block_id")]
    if len(names) != len(set(names)):
        found.append("`block_id` must be unique [json-pointer:/blocks]")
    return found


def length_of(blocks: Any) -> int:
    """Returns the number of characters of all texts in the blocks, at any depth."""
    if isinstance(blocks, dict):
        return sum(
            len(value) if name == "text" and isinstance(value, str) else length_of(value)
            for name, value in blocks.items()
        )
    return sum(map(length_of, blocks)) if isinstance(blocks, list) else 0


_PICTURE = object_of(IMAGE)
_BLOCK: Fields = {"block_id": string_of(255)}
_IN_CONTEXT = one_of({"image": _PICTURE, "mrkdwn": text_of(3000), "plain_text": text_of(3000)})


_ACTIONS = object_of(_BLOCK | {"elements!": items_of(25, one_of(ELEMENTS))})
_SECTION = object_of(
    _BLOCK
    | {
        "text": text_of(3000),
        "fields": items_of(10, text_of(2000)),
        "accessory": one_of(ELEMENTS | {"image": _PICTURE}),
        "expand": anything,
    }
)


def _actions(value: Any, pointer: str) -> Iterator[str]:
    yield from _ACTIONS(value, pointer)
    elements = value.get("elements")
    names = [e.get("action_id") for e in elements] if isinstance(elements, list) else []
    named = [name for name in names if name]
    if len(named) != len(set(named)):
        yield at("`action_id` must be unique", f"{pointer}/elements")


def _section(value: Any, pointer: str) -> Iterator[str]:
    yield from _SECTION(value, pointer)
    if not value.keys() & {"text", "fields"}:
        yield at("missing required field: text", pointer)


_BLOCKS: dict[str, Check] = {
    "actions": _actions,
    "context": object_of(_BLOCK | {"elements!": items_of(10, _IN_CONTEXT)}),
    "divider": object_of(_BLOCK),
    "header": object_of(_BLOCK | {"text!": plain_text(150), "level": anything}),
    "image": object_of(_BLOCK | IMAGE | {"title": plain_text(2000)}),
    "input": object_of(
        _BLOCK
        | {
            "label!": plain_text(2000),
            "element!": one_of(INPUTS),
            "hint": plain_text(2000),
            "optional": anything,
            "dispatch_action": anything,
        }
    ),
    "markdown": object_of(_BLOCK | {"text!": string_of(12_000, least=1)}),
    "rich_text": object_of(_BLOCK | {"elements!": items_of(1000, anything, least=0)}),
    "section": _section,
}
_UNCHECKED = (
    "call",
    "card",
    "carousel",
    "container",
    "file",
    "plan",
    "table",
    "task_card",
    "video",
)
_ANYWHERE = _BLOCKS | dict.fromkeys(_UNCHECKED, anything)
_SURFACES = {
    "message": one_of(_ANYWHERE | of_messages(_BLOCK)),
    "modal": one_of(_ANYWHERE | of_modals(_BLOCK)),
    "home": one_of(_ANYWHERE),
}
