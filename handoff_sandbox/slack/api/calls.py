"""One call of the Web API: its arguments, how it is refused, how its answers are paged."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.backstage import Backstage
from handoff_sandbox.slack.state.refusal import Refusal, invalid_arguments

T = TypeVar("T")

_TRUE = frozenset({"1", "true", "True"})


@dataclass(frozen=True)
class Call:
    """The arguments of one call: text from a form, or whatever a JSON body held."""

    args: Json

    def text(self, name: str, default: str = "") -> str:
        """An argument as text."""
        value = self.args.get(name)
        return default if value is None else str(value)

    def required(self, name: str) -> str:
        """An argument that must be there.

        Raises:
            Refusal: it is not.
        """
        value = self.text(name)
        if not value:
            raise invalid_arguments(f"[ERROR] missing required field: {name}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """An argument as yes or no."""
        value = self.args.get(name)
        if value is None:
            return default
        return value is True or str(value) in _TRUE

    def number(self, name: str, default: int, error: str) -> int:
        """An argument as a number of at least 1.

        Raises:
            Refusal: with `error`, when it is something else.
        """
        value = self.text(name, str(default))
        if not value.isdecimal() or int(value) < 1:
            raise Refusal(error)
        return int(value)

    def content(self, name: str, kind: type[T], error: str) -> T | None:
        """An argument that holds JSON of a kind (dict or list), or None.

        Raises:
            Refusal: with `error`, when it holds something else.
        """
        value: Any = self.args.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            with suppress(ValueError):
                value = json.loads(value)
        if not isinstance(value, kind):
            raise Refusal(error)
        return value


Method = Callable[[Backstage, Call], Json]
"""Answers a call; holds no lock of its own, since all calls are answered under the workspace's."""


def paged(call: Call, items: Sequence[T], default: int, most: int) -> tuple[list[T], Json]:
    """The page of a list that the call asks for, and the `response_metadata` that goes with it."""
    limit = min(call.number("limit", default, "invalid_limit"), most)
    start = read_cursor(call, "offset")
    at = int(start) if start else 0
    rest = at + limit < len(items)
    return list(items[at : at + limit]), next_cursor("offset", str(at + limit) if rest else "")


def next_cursor(kind: str, at: str) -> Json:
    """The `response_metadata` of a page; `at` is "" on the last one."""
    cursor = base64.b64encode(f"{kind}:{at}".encode()).decode() if at else ""
    return {"next_cursor": cursor}


def read_cursor(call: Call, kind: str) -> str:
    """Where the cursor of a call points, "" without one.

    Raises:
        Refusal: it is none of ours.
    """
    cursor = call.text("cursor")
    if not cursor:
        return ""
    with suppress(ValueError):
        found, _, at = base64.b64decode(cursor, validate=True).decode().partition(":")
        if found == kind and at.replace(".", "").isdecimal():
            return at
    raise Refusal("invalid_cursor")
