"""Which installation a signed request of Slack is for, when one app is installed in several workspaces."""

from __future__ import annotations

from typing import Any

from slack_bolt.request import BoltRequest

from handoff_bot.domain.roles import Home

REDIRECT_PATH = "/slack/oauth_redirect"
UNINSTALLED, REVOKED = "app_uninstalled", "tokens_revoked"


def home_of(request: BoltRequest) -> Home:
    """Returns the installation, as Bolt reads it from the body; "" for what the body lacks.

    Slack writes these fields. In shared channels, an event names the installation that it is sent to
    in `authorizations`, while `team_id` is where it happened.
    """
    context = request.context
    return Home(
        team_id=str(context.team_id or ""),
        enterprise_id=str(context.enterprise_id or ""),
        is_org_wide=bool(context.is_enterprise_install),
    )


def is_of_another_bot(body: dict[str, Any], bot_user: str) -> bool:
    """Returns whether a click is on a message that another installation has posted.

    A shared channel shows it in both workspaces, and its button holds a number of the other one.

    Args:
        bot_user: of the installation that the request is for; "" if it is not known.
    """
    message = body.get("message")
    author = message.get("user") if isinstance(message, dict) else None
    is_click = body.get("type") == "block_actions"
    return is_click and bool(bot_user) and isinstance(author, str) and author != bot_user


def is_whole_revocation(body: dict[str, Any]) -> bool:
    """Returns whether an event says that the bot's token is revoked. Tokens of users are not used."""
    event = body.get("event")
    if body.get("type") != "event_callback" or not isinstance(event, dict):
        return False
    if event.get("type") == UNINSTALLED:
        return True
    tokens = event.get("tokens")
    return event.get("type") == REVOKED and isinstance(tokens, dict) and bool(tokens.get("bot"))
