"""Which slack_channels and direct message channels a menu offers."""

from __future__ import annotations

from typing import Any

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.messages import SlackChannel
from handoff_sandbox.slack.state.workspace import Workspace
from handoff_sandbox.slack.ui.elements import Impossible

_WORDS = {"channel": "public", "group": "private", "im": "im"}
"""Name of each type in a menu's filter."""


def check_places(workspace: Workspace, user: str, element: Json, choice: Any) -> None:
    """Checks a choice of slack_channels or conversations; other menus accept anything.

    Raises:
        Impossible: the menu does not offer one of them.
    """
    kind = str(element["type"])
    if not kind.endswith(("channels_select", "conversations_select")) or choice is None:
        return
    for one in choice if isinstance(choice, list) else [choice]:
        where = workspace.channels.get(one)
        if where and not is_shown(where, user, element):
            raise Impossible(f"{element['action_id']!r} does not show {one}")


def is_shown(where: SlackChannel, user: str, element: Json) -> bool:
    """Whether the menu offers it to this person."""
    if where.is_archived or (where.kind != "channel" and user not in where.members):
        return False
    if element["type"].endswith("channels_select"):
        return where.kind == "channel"
    wanted = element.get("filter", {})
    if where.partner and wanted.get("exclude_bot_users"):
        return False
    return _WORDS[where.kind] in wanted.get("include", _WORDS.values())
