"""The table in bench/README.md, made of the results: `python -m bench.saturation.report`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results" / "saturation.json"
PAGES = (ROOT / "bench" / "README.md",)
PLACE = re.compile(r"(<!-- saturation -->\n).*?(<!-- /saturation -->)", re.S)
COLUMNS = (
    "database",
    "conversations",
    "old messages",
    "keeps up with",
    "drains a backlog at",
    "median at half of the first knee",
    "processor time a message",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n"


def table(result: dict[str, Any]) -> str:
    """Markdown: the floor, then each case, and what happened at twice the knee."""
    floor = result["floor"]
    rows = [
        f"| none: a bare Flask application | | | {floor['knee']:.0f}/s "
        f"| {floor['burst']['per_second']:.0f}/s | | {floor['bot_ms']:.1f} ms |"
    ]
    rows += [_row(case) for case in result["cases"]]
    told = [told_of_overload(case) for case in result["cases"] if "overload" in case]
    where = f"Measured at commit {result['commit']} on {result['machine']}."
    return HEAD + "\n".join(rows) + "\n\n" + " ".join([*told, where]) + "\n"


def _row(case: dict[str, Any]) -> str:
    name, _, detail = case["database"].partition(", ")
    titles = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
    more = {"1": ", one process", "2": ", two processes", "normal": ", without a sync"}
    cost = case["cost"]
    return (
        f"| {titles[name]}{more.get(detail, '')} | {case['conversations']:,} "
        f"| {case['old_messages']:,} | {case['knee']:.0f}/s | {case['burst']['per_second']:.0f}/s "
        f"| {cost['median_ms']:.0f} ms | {cost['bot_ms']:.1f} ms |"
    )


def told_of_overload(case: dict[str, Any]) -> str:
    """What happened at twice the knee, in a sentence or two."""
    it = case["overload"]
    broken = [promise for promise, held in it["held"].items() if not held]
    outcome = "every promise held" if not broken else f"not held: {'; '.join(broken)}"
    return (
        f"At {it['rate']:.0f}/s for {it['seconds']:.0f} s, {it['acked']:,} of {it['offered']:,} "
        f"messages were acknowledged; {it['lost']} were lost, {it['twice']} posted twice. "
        f"The backlog of {it['backlog']:,} was gone after {it['recovered_after_s']} s "
        f"(arithmetic: {it['arithmetic_says_s']} s); {outcome}."
    )


def with_table(page: str, text: str) -> str:
    """A page with the table of now in its place."""
    return PLACE.sub(lambda found: found[1] + text + found[2], page)


def current() -> str:
    """The table of the last results."""
    if not RESULTS.is_file():
        return "Not measured since the benchmark changed; `make bench` fills in this table.\n"
    return table(json.loads(RESULTS.read_text(encoding="utf-8")))


def write_tables() -> None:
    """Bring all pages up to date."""
    text = current()
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        page.write_text(with_table(before, text), encoding="utf-8")


if __name__ == "__main__":
    write_tables()
