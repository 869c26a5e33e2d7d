"""What is asked of the bot and what it shows, as outlines that people can read and compare."""

import json
from collections.abc import Iterator
from typing import Any

from tests.desk.conftest import Json

EVENTS = {"app_home_opened", "member_joined_channel", "member_left_channel", "user_change"}
"""Besides messages, which are steps of their own."""
NOT_SHOWN = {"unfurl_links", "unfurl_media", "link_names", "parse", "token", "trigger_id"}
"""Arguments that are always the same, or are good once."""


def asked(request: Any, answer: Any) -> Json:
    """What Slack passed on of a click, a choice, a modal, a command or a shortcut, and the answer."""
    kind = request.get("type") if isinstance(request, dict) else None
    if kind == "block_actions":
        asked: Json = {"click": _clicked(request["actions"][0])}
    elif kind == "view_submission":
        asked = {"modal": request["view"]["callback_id"]}
    elif kind in ("message_action", "shortcut"):
        asked = {"shortcut": request["callback_id"]}
    elif isinstance(request, dict) and "command" in request:
        asked = {"command": request["text"]}
    elif kind == "event_callback" and request["event"]["type"] in EVENTS:
        asked = {"event": request["event"]["type"]}
    else:
        return {}
    return asked | ({"answer": shown(answer)} if answer else {})


def _clicked(action: Json) -> str:
    """A button by its action id, also one that was chosen behind "⋯"."""
    chosen = (action.get("selected_option") or {}).get("value", "")
    return (
        f"{action['action_id']} {chosen}" if action["type"] == "overflow" else action["action_id"]
    )


def shown(content: Any) -> Any:
    """Arguments, with blocks as outlines."""
    if not isinstance(content, dict):
        return content
    return {
        name: _view(each) if name == "view" else outline(each) if name == "blocks" else each
        for name, each in content.items()
        if name not in NOT_SHOWN
    }


def _view(view: Any) -> Any:
    content = json.loads(view) if isinstance(view, str) else view
    return shown({name: _plain(each) for name, each in content.items()})


def _plain(part: Any) -> Any:
    return part["text"] if isinstance(part, dict) and isinstance(part.get("text"), str) else part


def outline(blocks: Any) -> list[str]:
    """A line for each text, and for each field and button what it is called; snapshots hold all of it."""
    content = json.loads(blocks) if isinstance(blocks, str) else blocks
    return [line for block in content or () for line in _lines(block)]


def _lines(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for each in part:
            yield from _lines(each)
        return
    if not isinstance(part, dict):
        return
    if isinstance(part.get("text"), str):
        yield part["text"]
        return
    if "action_id" in part:
        yield _element(part)
        return
    for each in part.values():
        yield from _lines(each)


def _element(part: Json) -> str:
    label = _plain(part.get("text") or part.get("placeholder") or "")
    held = [
        _plain(value)
        for name, value in part.items()
        if name == "value" or name.startswith("initial_")
    ]
    options = len(part.get("options") or part.get("option_groups") or ())
    many = f" of {options}" if options else ""
    return f"[{part['action_id']}{many}: {label}]" + "".join(f" {_chosen(each)}" for each in held)


def _chosen(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("value"))
    return " ".join(map(_chosen, value)) if isinstance(value, list) else str(value)
