"""A call of the Web API: its arguments, its refusals, and paging."""

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
    """The arguments of one call: text from a form, or any JSON value."""

    args: Json

    def text(self, name: str, default: str = "") -> str:
        """Returns an argument as text."""
        value = self.args.get(name)
        return default if value is None else str(value)

    def required(self, name: str) -> str:
        """Returns a required argument.

        Raises:
            Refusal: it is missing.
        """
        value = self.text(name)
        if not value:
            raise invalid_arguments(f"[ERROR] missing required field: {name}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Returns an argument as yes or no."""
        value = self.args.get(name)
        if value is None:
            return default
        return value is True or str(value) in _TRUE

    def number(self, name: str, default: int, error: str) -> int:
        """Returns an argument as a number of at least 1.

        Raises:
            Refusal: with `error`, if it is anything else.
        """
        value = self.text(name, str(default))
        if not value.isdecimal() or int(value) < 1:
            raise Refusal(error)
        return int(value)

    def content(self, name: str, kind: type[T], error: str) -> T | None:
        """Returns an argument with JSON of a type (dict or list), or None.

        Raises:
            Refusal: with `error`, if it is anything else.
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
"""Answers a call; takes no lock, because all calls run under the workspace's lock."""


def paged(call: Call, items: Sequence[T], default: int, most: int) -> tuple[list[T], Json]:
    """Returns the requested page of a list, and its `response_metadata`."""
    limit = min(call.number("limit", default, "invalid_limit"), most)
    start = read_cursor(call, "offset")
    at = int(start) if start else 0
    rest = at + limit < len(items)
    return list(items[at : at + limit]), next_cursor("offset", str(at + limit) if rest else "")


def next_cursor(kind: str, at: str) -> Json:
    """Returns the `response_metadata` of a page; `at` is "" on the last one."""
    cursor = base64.b64encode(f"{kind}:{at}".encode()).decode() if at else ""
    return {"next_cursor": cursor}


def read_cursor(call: Call, kind: str) -> str:
    """Returns the position of a call's cursor, "" without one.

    Raises:
        Refusal: the cursor is not valid.
    """
    cursor = call.text("cursor")
    if not cursor:
        return ""
    with suppress(ValueError):
        found, _, at = base64.b64decode(cursor, validate=True).decode().partition(":")
        if found == kind and at.replace(".", "").isdecimal():
            return at
    raise Refusal("invalid_cursor")
