"""What the last run over the web pages has kept, without the libraries that a run needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

STATE = ".handoff-web.json"
_LARGEST = 5_000_000


def _state(folder: Path) -> dict[str, Any]:
    path = folder / STATE
    try:
        if path.stat().st_size > _LARGEST:
            return {}
        held = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return held if isinstance(held, dict) else {}


def known_pages(folder: Path) -> dict[str, dict[str, str]]:
    """Returns address -> file, digest and headers of each page that was read."""
    pages = _state(folder).get("pages")
    kept = pages.items() if isinstance(pages, dict) else ()
    return {
        url: {str(name): str(value) for name, value in one.items()}
        for url, one in kept
        if isinstance(one, dict)
    }


def problems(folder: Path) -> list[str]:
    """Returns what went wrong in the last run, for the doctor."""
    found = _state(folder).get("problems")
    return [str(one) for one in found] if isinstance(found, list) else []
