"""Pictures in blocks that are files of the workspace: they must exist, and be pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.backstage import Backstage
from handoff_sandbox.slack.state.files import File
from handoff_sandbox.slack.state.refusal import invalid_blocks

SHOWN = frozenset({"image/gif", "image/jpeg", "image/png"})
"""Types of files that Slack shows in blocks."""


def check_pictures(slack: Backstage, blocks: list[Json]) -> None:
    """Validates the pictures of blocks.

    Raises:
        Refusal: one of them is not an uploaded picture.
    """
    problems = [
        f"invalid slack file [json-pointer:{pointer}]"
        for named, pointer in _named(blocks, "/blocks")
        if not _is_picture(_found(slack, named))
    ]
    if problems:
        raise invalid_blocks(problems)


def _named(part: Any, pointer: str) -> Iterator[tuple[Json, str]]:
    """Yields every `slack_file`, with its path."""
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
    """Returns the file, by its id or one of its addresses."""
    if not isinstance(named, dict):
        return None
    if "id" in named:
        return slack.files.find(str(named["id"]))
    return slack.files.at(str(named.get("url", "")))


def _is_picture(file: File | None) -> bool:
    return file is not None and file.content is not None and file.mimetype in SHOWN
