"""Listeners for admins only, and how their modals open."""

from __future__ import annotations

from handoff_bot.domain.roles import Action
from handoff_bot.slack.click import Click, Tools
from handoff_bot.slack.feature import Guarded, Listener, guarded
from handoff_bot.slack.features.admins_blocks import admins_only_modal, render_admins_alone
from handoff_bot.slack.kit.text import Block, SlackMessage

TITLE = "Settings"


def refused(tools: Tools) -> SlackMessage:
    """Renders the refusal for agents who are not admins."""
    return render_admins_alone(tools.core.preferences.named_admins())


def refused_in_modal(tools: Tools) -> Block:
    """Renders the refusal as a modal."""
    return admins_only_modal(TITLE, tools.core.preferences.named_admins())


def by_admins(listener: Listener) -> Guarded[Listener]:
    """Guards a listener for admins. The role is checked for each request, also for submitted modals."""
    return guarded(Action.ADMINISTER, listener)


def put(tools: Tools, click: Click, view: Block) -> str:
    """Opens a modal, on top of the clicked one if there is one; returns its id."""
    if click.view_id and not click.is_home:
        return tools.desk.push_view(click.trigger_id, view)
    return tools.desk.open_view(click.trigger_id, view)
