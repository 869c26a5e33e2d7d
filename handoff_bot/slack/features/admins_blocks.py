"""Renders the refusal of settings to agents who are not admins."""

from __future__ import annotations

import re
from collections.abc import Sequence

from handoff_bot.slack.kit.fields import modal
from handoff_bot.slack.kit.text import Block, SlackMessage, mrkdwn, notification, section

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
