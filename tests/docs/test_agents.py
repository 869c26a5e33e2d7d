"""Verbs, buttons and commands in docs/agents.md are the code's, and every picture is shown somewhere."""

import re

from handoff_bot.domain.desk import Button
from handoff_bot.slack.features.thread_commands import HELP
from handoff_bot.slack.incoming.registry import EVERYTHING
from handoff_bot.slack.kit.fields import button
from tests.docs.pages import DOCS, README, block, check_block, read

AGENTS = DOCS / "agents.md"


def table(heading: str, lines) -> str:
    rows = [line.split(": ", 1) for line in lines]
    return "\n".join(
        [f"| {heading} | does |", "|---|---|", *(f"| `{name}` | {does} |" for name, does in rows)]
    )


def commands_table() -> str:
    return table("command", [line for line in EVERYTHING.help if line.startswith("/handoff ")])


def test_the_table_of_verbs_is_the_codes():
    check_block(AGENTS, "verbs", table("thread command", HELP))


def test_the_table_of_commands_is_what_help_says():
    check_block(AGENTS, "commands", commands_table())


def test_every_command_there_is_has_its_line():
    named = set(re.findall(r"`/handoff (\w+)", block(AGENTS, "commands")))
    assert named == set(EVERYTHING.commands) - {"help"}


def test_the_buttons_of_a_card_are_called_what_they_are_called():
    spoken = set(re.findall(r"^\| \*\*(.+?)\*\* \|", read(AGENTS), re.MULTILINE)) - {"…"}
    labels = {button(kind, "1")["text"]["text"] for kind in Button if kind is not Button.MORE}
    assert spoken
    assert spoken <= labels


def test_every_picture_is_shown_somewhere_and_is_there():
    texts = "\n".join(read(page) for page in [*DOCS.rglob("*.md"), README])
    shown = set(re.findall(r"pictures/([\w-]+\.png)", texts))
    assert shown == {path.name for path in (DOCS / "pictures").glob("*.png")}
