"""Makes the table of Slack's emoji from the npm package `emoji-datasource`, made of the same list as Slack's.

    npm pack emoji-datasource && tar xzf emoji-datasource-*.tgz
    python -m bench.build_emoji package/emoji.json

Names lead to code points; the code points of an emoji with skin tones lead to its toned forms, by Slack's
numbers for tones (2 to 6), or two of them for two people.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parents[1] / "handoff_bot" / "slack" / "client" / "emoji.json"
FIRST_TONE = 0x1F3FB


def table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Both tables."""
    names = {name: row["unified"] for row in rows for name in row["short_names"]}
    tones = {
        row["unified"]: {
            _numbers(tone): toned["unified"] for tone, toned in row["skin_variations"].items()
        }
        for row in rows
        if row.get("skin_variations")
    }
    return {"names": dict(sorted(names.items())), "tones": dict(sorted(tones.items()))}


def _numbers(tones: str) -> str:
    return "-".join(str(int(each, 16) - FIRST_TONE + 2) for each in tones.split("-"))


if __name__ == "__main__":
    made = table(json.loads(Path(sys.argv[1]).read_text("utf-8")))
    TABLE.write_text(json.dumps(made, separators=(",", ":")) + "\n", "utf-8")
    print(f"{len(made['names'])} names, {sum(map(len, made['tones'].values()))} toned")  # noqa: T201
