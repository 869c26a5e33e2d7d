"""Snapshots: what the product shows, as plain files that a change of behaviour changes and nothing else.

`HANDOFF_UPDATE_SNAPSHOTS=1` in the environment writes the files instead of comparing them; read what changed
in the diff.
"""

import json
import os
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from pathlib import Path
from typing import Any

IS_UPDATING = bool(os.environ.get("HANDOFF_UPDATE_SNAPSHOTS"))
LINE = 100
"""Characters: what is shorter as JSON stands on one line."""
MOST_SHOWN = 5
"""Files whose differences a failure shows."""


def as_json(value: Any) -> str:
    """Readable JSON that ends in a line break; keys keep their order, so that a new order is seen."""
    return "\n".join(_lines(json.loads(json.dumps(value)), LINE)) + "\n"


def _lines(value: Any, room: int, before: int = 0) -> Iterator[str]:
    """`room` for a line, of which `before` is taken on the first one."""
    short = json.dumps(value, ensure_ascii=False)
    if len(short) + before <= room or not value or not isinstance(value, dict | list):
        yield short
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield opening
    pairs = value.items() if isinstance(value, dict) else ((None, each) for each in value)
    for number, (key, each) in enumerate(pairs, 1):
        name = "" if key is None else f"{json.dumps(key, ensure_ascii=False)}: "
        inner = [*_lines(each, room - 1, len(name) + 1)]
        inner[0] = name + inner[0]
        inner[-1] += "," if number < len(value) else ""
        yield from (f" {line}" for line in inner)
    yield closing


def check_folder(folder: Path, made: Mapping[str, str]) -> None:
    """Each file of the folder is what was made under its name; none is missing, and none is left over."""
    if IS_UPDATING:
        _write(folder, made)
    kept = {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }
    left_over, missing = sorted(kept.keys() - made.keys()), sorted(made.keys() - kept.keys())
    changed = sorted(name for name in kept.keys() & made.keys() if kept[name] != made[name])
    shown = "\n".join(_difference(name, kept[name], made[name]) for name in changed[:MOST_SHOWN])
    assert changed == [], shown
    assert (left_over, missing) == ([], []), "no longer made, and not kept yet"


def check_file(path: Path, made: str) -> None:
    """The file is what was made."""
    if IS_UPDATING:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made, encoding="utf-8")
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    assert kept == made, _difference(path.name, kept, made)


def _difference(name: str, kept: str, made: str) -> str:
    lines = unified_diff(kept.splitlines(), made.splitlines(), name, "now", lineterm="", n=2)
    return "\n".join(lines)


def _write(folder: Path, made: Mapping[str, str]) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and str(path.relative_to(folder)) not in made:
            path.unlink()
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
