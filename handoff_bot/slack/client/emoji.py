"""Slack's emoji by name. bench/build_emoji.py generates the table."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("emoji.json")
_RENAMED = {"simple_smile": "slightly_smiling_face"}
"""Names that old messages and keyboards still use."""


def character(name: str, tones: str = "") -> str:
    """Returns the emoji of a name; "" if the name is unknown or custom.

    Args:
        name: without colons.
        tones: Slack's numbers of skin tones, "2" to "6", or two such as "2-5". An emoji without such a
            form is returned without the tone.
    """
    names, toned_forms = _tables()
    points = names.get(_RENAMED.get(name, name))
    if points is None:
        return ""
    forms = toned_forms.get(points, {})
    toned = forms.get(tones) or forms.get(f"{tones}-{tones}")  # two people with the same tone
    return "".join(chr(int(each, 16)) for each in (toned or points).split("-"))


@cache
def _tables() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Returns code points by name, and toned code points by plain code points and tones."""
    held = json.loads(_TABLE.read_text("utf-8"))
    return held["names"], held["tones"]
