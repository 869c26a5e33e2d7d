"""The program as its next version would be: with the migrations of another folder.

`python -m tests.chaos.newer FOLDER serve`: the schema is read before anything else is imported.
"""

import sys
from pathlib import Path

from handoff_bot.storage import schema


def become(folder: Path) -> None:
    """Know the migrations of this folder."""
    schema.MIGRATIONS = folder
    schema.KNOWN = frozenset(
        each.name[:4] for each in (folder / "versions").iterdir() if each.name[:4].isdigit()
    )
    schema.HEAD = max(schema.KNOWN)
    schema.CONNECTION = f"{schema.APPLICATION} {schema.HEAD}"


if __name__ == "__main__":
    become(Path(sys.argv[1]))
    from handoff_bot.cli import main

    main(sys.argv[2:])
