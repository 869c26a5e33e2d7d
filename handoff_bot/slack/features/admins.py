"""Listeners for admins only, and how their modals open."""

from __future__ import annotations

import re
from collections.abc import Sequence

from handoff_bot.domain.roles import Action
from handoff_bot.slack.feature import Click, Guarded, Listener, Tools, guarded
from handoff_bot.slack.kit.fields import modal
from handoff_bot.slack.kit.text import Block, SlackMessage, mrkdwn, notification, section

TITLE = "Settings"


ADMINS_ALONE = (
    "Only admins can change settings: admins of this Slack workspace, and admins added under Team."
)
_MOST_NAMED = 20
_ID = re.compile("[UW][A-Z0-9]{2,20}")


def render_admins_alone(named: Sequence[str]) -> SlackMessage:
    """Renders the refusal as an answer to a command; `named` are the desk ids of admins named in settings."""
    return SlackMessage(notification(ADMINS_ALONE), _who_may(named))


def admins_only_modal(title: str, named: Sequence[str]) -> Block:
    """Renders the refusal as a modal."""
    return modal(title, _who_may(named))


def _who_may(named: Sequence[str]) -> list[Block]:
    blocks = [section(ADMINS_ALONE)]
    called = [mention(one) for one in named[:_MOST_NAMED] if mention(one)]
    if called:
        text = mrkdwn(f"Ask {', '.join(called)} or an admin of the workspace.")
        blocks.append({"type": "section", "text": text})
    return blocks


def mention(desk_id: str) -> str:
    """Returns the mention of a person; "" for anything that is not a person's id."""
    return f"<@{desk_id}>" if _ID.fullmatch(desk_id) else ""


def refused_in_message(tools: Tools) -> SlackMessage:
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
