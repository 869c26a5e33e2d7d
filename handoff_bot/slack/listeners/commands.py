"""Slash commands: what can be asked in words."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App

from handoff_bot.slack.blocks.board import draw_board
from handoff_bot.slack.blocks.text import Drawing
from handoff_bot.slack.blocks.thread import draw_words
from handoff_bot.slack.listeners.click import Tools

logger = logging.getLogger(__name__)

COMMAND = "/handoff"

HELP = (
    "/handoff queue: who is waiting for a person\n"
    "/handoff help: this list\n"
    "In the thread of a conversation that is yours, what you write reaches the customer. "
    "Begin with note: to keep it inside."
)
NOT_UNDERSTOOD = "I do not know that one. This is what I know:\n"
UNKNOWN = "This command is not known here any more. Try /handoff help."


def handoff(tools: Tools, body: dict[str, Any]) -> Drawing:
    """Answer `/handoff …`; Slack shows it to whoever asked, and nobody else."""
    asked = str(body.get("text") or "").strip().casefold()
    if asked == "queue":
        return draw_board(tools.queue(), "")
    return draw_words(HELP if asked in ("", "help") else NOT_UNDERSTOOD + HELP)


COMMANDS: dict[str, Callable[[Tools, dict[str, Any]], Drawing]] = {COMMAND: handoff}
"""Command -> what answers it."""


def register(app: App, tools: Tools) -> None:
    """Tell Bolt about every command, and about those we do not know any more."""
    for command, answer in COMMANDS.items():
        app.command(command)(_bound(answer, tools))
    app.command(re.compile(""), matchers=[_is_unknown])(_unknown)


def _bound(
    answer: Callable[[Tools, dict[str, Any]], Drawing], tools: Tools
) -> Callable[[Ack, dict[str, Any]], None]:
    def run(ack: Ack, body: dict[str, Any]) -> None:
        drawing = answer(tools, body)
        ack(text=drawing.text, blocks=drawing.blocks, response_type="ephemeral")

    return run


def _is_unknown(body: dict[str, Any]) -> bool:
    return body["command"] not in COMMANDS


def _unknown(ack: Ack) -> None:
    logger.warning("unknown command")
    ack(text=UNKNOWN, response_type="ephemeral")
