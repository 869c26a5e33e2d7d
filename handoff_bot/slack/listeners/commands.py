"""The slash command's plainest answers: help, and the queue in short."""

from __future__ import annotations

from handoff_bot.slack.blocks.board import draw_board
from handoff_bot.slack.blocks.text import Drawing
from handoff_bot.slack.listeners.click import Tools
from handoff_bot.slack.listeners.feature import Asked, Feature


def queue(tools: Tools, _asked: Asked) -> Drawing:
    """Who waits, most urgent first."""
    return draw_board(tools.queue(), "")


FEATURE = Feature(
    commands={"queue": queue},
    help=("/handoff queue: who is waiting for a person",),
)
