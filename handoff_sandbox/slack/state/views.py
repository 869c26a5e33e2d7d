"""Modals and Home tabs: validation, open views, and stacks of modals."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.refusal import Refusal, invalid_arguments
from handoff_sandbox.slack.state.workspace import App, Workspace, name_blocks
from handoff_sandbox.slack.validation.block_rules import VIEW_BLOCKS, problems_of

STACK = 3
"""Limit of stacked modals."""

SIZE = 250_000
"""Limit in bytes of a view as JSON."""

_TITLES = {"title": 24, "submit": 24, "close": 24}
_STRINGS = {"private_metadata": 3000, "callback_id": 255, "external_id": 255}
_FLAGS = ("clear_on_close", "notify_on_close", "submit_disabled")
_KNOWN = {"type", "blocks", *_TITLES, *_STRINGS, *_FLAGS}


@dataclass
class View:
    """One modal or Home tab.

    Attributes:
        content: what the bot sent.
        state: the person's input, by block_id and action_id.
    """

    id: str
    user: str
    content: Json
    root_id: str
    previous_id: str | None
    hash: str
    state: Json = field(default_factory=dict)

    def wire(self, team_id: str, app: App) -> Json:
        """Returns the object `view` of responses and payloads."""
        given = self.content
        shown: Json = {
            "id": self.id,
            "team_id": team_id,
            "type": given["type"],
            "blocks": given["blocks"],
            "private_metadata": given.get("private_metadata", ""),
            "callback_id": given.get("callback_id", ""),
            "external_id": given.get("external_id", ""),
            "state": {"values": self.state},
            "hash": self.hash,
            "clear_on_close": bool(given.get("clear_on_close")),
            "notify_on_close": bool(given.get("notify_on_close")),
            "root_view_id": self.root_id,
            "previous_view_id": self.previous_id,
            "app_id": app.app_id,
            "bot_id": app.bot_id,
        }
        titles = _TITLES.keys() - ({"title"} if given["type"] == "home" else set())
        return shown | {name: given.get(name) for name in titles}


class Views:
    """The open views of all people; the caller holds the workspace's lock."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.stacks: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}

    def open(self, user: str, content: Json) -> View:
        """Opens a modal; it replaces the open ones."""
        check_view(content, "modal")
        self._check_external_id(content)
        view = self._new(user, content, None)
        self.stacks[user] = [view]
        return view

    def push(self, user: str, content: Json) -> View:
        """Opens a modal on top.

        Raises:
            Refusal: none is open, or three are stacked.
        """
        check_view(content, "modal")
        self._check_external_id(content)
        stack = self.stacks.get(user)
        if not stack:
            raise Refusal("not_found")
        if len(stack) >= STACK:
            raise Refusal("push_limit_reached")
        view = self._new(user, content, stack[-1])
        stack.append(view)
        return view

    def update(self, view: View, content: Json) -> View:
        """Updates a modal."""
        check_view(content, str(view.content["type"]))
        name_blocks(content["blocks"])
        view.content, view.hash = content, self._hash()
        kept = {block["block_id"] for block in content["blocks"]}
        view.state = {name: state for name, state in view.state.items() if name in kept}
        return view

    def publish(self, user: str, content: Json) -> View:
        """Publishes a Home tab."""
        check_view(content, "home")
        home = self.homes.get(user)
        if home is None:
            home = self.homes[user] = self._new(user, content, None)
        return self.update(home, content)

    def find(self, view_id: str = "", external_id: str = "") -> View | None:
        """Returns an open view, by either of its ids."""
        opened = [view for stack in self.stacks.values() for view in stack]
        for view in (*opened, *self.homes.values()):
            if view.id == view_id or (
                external_id and view.content.get("external_id") == external_id
            ):
                return view
        return None

    def close(self, view: View) -> None:
        """Closes a modal, and the ones on top of it."""
        stack = self.stacks.get(view.user, [])
        if view in stack:
            del stack[stack.index(view) :]

    def _new(self, user: str, content: Json, below: View | None) -> View:
        name_blocks(content["blocks"])
        view_id = self._workspace.new_id("V")
        root_id = below.root_id if below else view_id
        return View(view_id, user, content, root_id, below.id if below else None, self._hash())

    def _hash(self) -> str:
        return f"{int(self._workspace.now())}.{uuid.uuid4().hex[:8]}"

    def _check_external_id(self, content: Json) -> None:
        external_id = content.get("external_id", "")
        if external_id and self.find(external_id=external_id):
            raise Refusal("duplicate_external_id")


def check_view(content: Json, kind: str) -> None:
    """Validates a view.

    Raises:
        Refusal: it has another type, is too large, or has a field that is not valid.
    """
    if len(json.dumps(content).encode()) > SIZE:
        raise Refusal("view_too_large")
    problems = [*_problems(content, kind)]
    if problems:
        raise invalid_arguments(*(f"[ERROR] {problem}" for problem in problems))


def _problems(content: Json, kind: str) -> list[str]:
    if content.get("type") != kind:
        return [f"unsupported type: {content.get('type')} [json-pointer:/view/type]"]
    blocks = content.get("blocks")
    if not isinstance(blocks, list):
        return ["missing required field: blocks [json-pointer:/view]"]
    return [*_missing(content), *_wrong(content), *problems_of(blocks, VIEW_BLOCKS, kind)]


def _missing(content: Json) -> list[str]:
    if content["type"] == "home":
        return []
    needed = ["title"]
    if any(isinstance(block, dict) and block.get("type") == "input" for block in content["blocks"]):
        needed.append("submit")
    return [
        f"missing required field: {name} [json-pointer:/view]"
        for name in needed
        if name not in content
    ]


def _wrong(content: Json) -> list[str]:
    strings = {name: content.get(name) or "" for name in _STRINGS}
    titles = {name: _words(content.get(name)) for name in _TITLES}
    limits = _STRINGS | _TITLES
    too_long = [
        f"must be less than {limits[name] + 1} characters [json-pointer:/view/{name}]"
        for name, value in (strings | titles).items()
        if len(str(value)) > limits[name]
    ]
    unknown = [
        f"invalid additional property: {name} [json-pointer:/view]"
        for name in content.keys() - _KNOWN
    ]
    return too_long + unknown


def _words(text: Any) -> str:
    return str(text.get("text", "")) if isinstance(text, dict) else ""
