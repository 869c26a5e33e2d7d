"""What only admins may do, and where a window of theirs opens."""

from __future__ import annotations

from handoff_bot.domain.roles import Action
from handoff_bot.slack.blocks.admins import admins_alone_window, draw_admins_alone
from handoff_bot.slack.blocks.text import Block, Drawing
from handoff_bot.slack.listeners.click import Click, Tools
from handoff_bot.slack.listeners.feature import Guarded, Listener, guarded

TITLE = "Settings"


def refused(tools: Tools) -> Drawing:
    """What agents are told who are no admins."""
    return draw_admins_alone(tools.core.preferences.named_admins())


def refused_in_window(tools: Tools) -> Block:
    """The same in a window."""
    return admins_alone_window(TITLE, tools.core.preferences.named_admins())


def by_admins(listener: Listener) -> Guarded[Listener]:
    """The listener, for admins. Their role is asked for each time, also when a window is sent."""
    return guarded(Action.ADMINISTER, listener)


def put(tools: Tools, click: Click, view: Block) -> str:
    """Open a window: on top of the one that was clicked in, or alone; says its id."""
    if click.view_id and not click.is_home:
        return tools.desk.push_view(click.trigger_id, view)
    return tools.desk.open_view(click.trigger_id, view)
