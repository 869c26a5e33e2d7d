"""Pictures in blocks that are files of the workspace: they must be there, and be pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.backstage import Backstage
from handoff_sandbox.slack.state.files import File
from handoff_sandbox.slack.state.refusal import invalid_blocks

SHOWN = frozenset({"image/gif", "image/jpeg", "image/png"})
"""Kinds of files that Slack draws in blocks."""


def check_pictures(slack: Backstage, blocks: list[Json]) -> None:
    """Let these blocks be shown.

    Raises:
        Refusal: one of their pictures is no picture that was uploaded.
    """
    problems = [
        f"invalid slack file [json-pointer:{pointer}]"
        for named, pointer in _named(blocks, "/blocks")
        if not _is_picture(_found(slack, named))
    ]
    if problems:
        raise invalid_blocks(problems)


def _named(part: Any, pointer: str) -> Iterator[tuple[Json, str]]:
    """Every `slack_file` in there, and where."""
    if isinstance(part, list):
        for number, one in enumerate(part):
            yield from _named(one, f"{pointer}/{number}")
    elif isinstance(part, dict):
        for name, value in part.items():
            if name == "slack_file":
                yield value, f"{pointer}/{name}"
            else:
                yield from _named(value, f"{pointer}/{name}")


def _found(slack: Backstage, named: Any) -> File | None:
    """The file, by its id or by an address of it."""
    if not isinstance(named, dict):
        return None
    if "id" in named:
        return slack.files.find(str(named["id"]))
    return slack.files.at(str(named.get("url", "")))


def _is_picture(file: File | None) -> bool:
    return file is not None and file.content is not None and file.mimetype in SHOWN
