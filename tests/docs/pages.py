"""The pages that people read, and the tables in them that are made of the code.

`HANDOFF_UPDATE_SNAPSHOTS=1` in the environment writes the tables instead of comparing them.
"""

import re
from pathlib import Path

from tests.snapshots import IS_UPDATING

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
CHANGELOG = ROOT / "CHANGELOG.md"


def all_pages() -> list[Path]:
    """Every page except the changelog, whose entries are a line each."""
    folders = (DOCS, ROOT / "bench", ROOT / "handoff_bot" / "jobs")
    pages = [*ROOT.glob("*.md"), *(page for folder in folders for page in folder.rglob("*.md"))]
    return sorted(page for page in pages if page != CHANGELOG)


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def block(page: Path, name: str) -> str:
    """The text between `<!-- name -->` and `<!-- /name -->`."""
    return read(page).split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0].strip()


def check_block(page: Path, name: str, made: str) -> None:
    """The text between the marks is what the code makes."""
    if IS_UPDATING:
        opening, closing = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, _, rest = read(page).partition(opening)
        after = rest.partition(closing)[2]
        page.write_text(f"{before}{opening}\n{made}\n{closing}{after}", encoding="utf-8")
    assert block(page, name) == made


def own_text(page: Path) -> str:
    """The page without code and without the blocks that are made of the code."""
    text = re.sub(r"<!-- (\w+) -->.*?<!-- /\1 -->", _blank, read(page), flags=re.S)
    return re.sub(r"^ *```.*?^ *```$", _blank, text, flags=re.S | re.M)


def prose(page: Path) -> str:
    """The page's own text without names of the code and without the addresses of links."""
    text = re.sub(r"`[^`\n]*`", "", own_text(page))
    return re.sub(r"\]\([^)]*\)", "]", text)


def _blank(found: re.Match[str]) -> str:
    """As many lines, so that a line keeps its number."""
    return "\n" * found[0].count("\n")
