"""Verbs, buttons and commands in docs/agents.md are the code's, and every picture is shown somewhere."""

import re
from pathlib import Path

from handoff_bot.domain.desk import Button
from handoff_bot.slack.blocks.buttons import button
from handoff_bot.slack.listeners.registry import EVERYTHING
from handoff_bot.slack.listeners.verbs import HELP

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "agents.md").read_text(encoding="utf-8")


def between(name: str) -> str:
    return PAGE.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0].strip()


def table(heading: str, lines) -> str:
    rows = [line.split(": ", 1) for line in lines]
    return "\n".join(
        [f"| {heading} | does |", "|---|---|", *(f"| `{name}` | {does} |" for name, does in rows)]
    )


def commands_table() -> str:
    return table("command", [line for line in EVERYTHING.help if line.startswith("/handoff ")])


def test_the_table_of_verbs_is_the_codes():
    assert between("verbs") == table("verb", HELP)


def test_the_table_of_commands_is_what_help_says():
    assert between("commands") == commands_table()


def test_every_command_there_is_has_its_line():
    named = set(re.findall(r"`/handoff (\w+)", between("commands")))
    assert named == set(EVERYTHING.commands) - {"help"}


def test_the_buttons_of_a_card_are_called_what_they_are_called():
    spoken = set(re.findall(r"^\| \*\*(.+?)\*\* \|", PAGE, re.MULTILINE)) - {"…"}
    labels = {button(kind, "1")["text"]["text"] for kind in Button if kind is not Button.MORE}
    assert spoken
    assert spoken <= labels


def test_every_picture_is_shown_somewhere_and_is_there():
    pages = [*DOCS.rglob("*.md"), DOCS.parent / "README.md"]
    texts = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    shown = set(re.findall(r"pictures/([\w-]+\.png)", texts))
    assert shown == {path.name for path in (DOCS / "pictures").glob("*.png")}
