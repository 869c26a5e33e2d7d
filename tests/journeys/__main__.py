"""`python -m tests.journeys`: prints the numbers of the five journeys.

`--files` lists the files that each enters, `--write` puts the numbers into docs/architecture.md.
"""

import re
import sys
from pathlib import Path

from tests.journeys.measure import measure, table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
BLOCK = re.compile(r"(?<=<!-- journeys -->\n).*?(?=<!-- /journeys -->)", re.DOTALL)


def main(arguments: list[str]) -> int:
    """Measure, and say it."""
    unknown = set(arguments) - {"--files", "--write"}
    if unknown:
        sys.stderr.write(f"{__doc__}")
        return 2
    traces = measure()
    shown = table(traces)
    sys.stdout.write(f"{shown}\n")
    if "--files" in arguments:
        for name, trace in traces.items():
            sys.stdout.write("\n".join((f"\n{name}:", *trace.files, "")))
    if "--write" in arguments:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(BLOCK.sub(lambda _: f"{shown}\n", page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
