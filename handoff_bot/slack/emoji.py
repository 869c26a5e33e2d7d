"""Slack's emoji by name, as a phone shows them; the table is made by bench/build_emoji.py."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("emoji.json")
_RENAMED = {"simple_smile": "slightly_smiling_face"}
"""What old messages and keyboards still say."""


def character(name: str, tones: str = "") -> str:
    """The emoji of a name, "" when it is unknown (or the workspace's own).

    Args:
        name: without colons.
        tones: Slack's numbers of the skin tones, "2" to "6", or two of them as in "2-5"; an emoji that has no
            such form is shown without.
    """
    names, toned_forms = _tables()
    points = names.get(_RENAMED.get(name, name))
    if points is None:
        return ""
    forms = toned_forms.get(points, {})
    toned = forms.get(tones) or forms.get(f"{tones}-{tones}")  # two people with one tone
    return "".join(chr(int(each, 16)) for each in (toned or points).split("-"))


@cache
def _tables() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Code points by name, and toned code points by plain ones and tones."""
    held = json.loads(_TABLE.read_text("utf-8"))
    return held["names"], held["tones"]
