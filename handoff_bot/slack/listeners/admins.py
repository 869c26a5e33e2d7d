"""Who may change settings: asked before a window opens, and again when it is sent."""

from __future__ import annotations

from slack_bolt import Ack

from handoff_bot.slack.blocks.admins import admins_alone_window, draw_admins_alone
from handoff_bot.slack.blocks.text import Block, Drawing
from handoff_bot.slack.listeners.click import Click, Tools, sender
from handoff_bot.slack.listeners.feature import (
    Asked,
    Body,
    ClickListener,
    CommandListener,
    ViewListener,
)

TITLE = "Settings"


def refused(tools: Tools) -> Drawing:
    """What somebody is told who may not."""
    return draw_admins_alone(tools.core.preferences.named_admins())


def refused_in_window(tools: Tools) -> Block:
    """The same in a window."""
    return admins_alone_window(TITLE, tools.core.preferences.named_admins())


def for_admins(listener: CommandListener) -> CommandListener:
    """The command, for admins alone."""

    def guarded(tools: Tools, asked: Asked) -> Drawing | None:
        if not tools.may_administer(asked.desk_id):
            return refused(tools)
        return listener(tools, asked)

    return guarded


def clicked_by_admins(listener: ClickListener) -> ClickListener:
    """The click, for admins alone."""

    def guarded(tools: Tools, click: Click, ack: Ack) -> None:
        if tools.may_administer(click.desk_id):
            listener(tools, click, ack)
            return
        ack()
        if click.view_id and not click.is_home:
            tools.desk.update_view(click.view_id, refused_in_window(tools))
        else:
            tools.desk.open_view(click.trigger_id, refused_in_window(tools))

    return guarded


def sent_by_admins(listener: ViewListener) -> ViewListener:
    """The window that is sent, for admins alone: who opened it may not be one any more."""

    def guarded(tools: Tools, body: Body, ack: Ack) -> None:
        if tools.may_administer(sender(body), fresh=True):
            listener(tools, body, ack)
            return
        ack(response_action="update", view=refused_in_window(tools))

    return guarded


def put(tools: Tools, click: Click, view: Block) -> str:
    """Open a window: on top of the one that was clicked in, or alone; says its id."""
    if click.view_id and not click.is_home:
        return tools.desk.push_view(click.trigger_id, view)
    return tools.desk.open_view(click.trigger_id, view)
