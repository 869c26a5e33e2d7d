"""The Slack app's manifest: one source for HTTP and Socket Mode."""

from __future__ import annotations

from handoff_bot.slack.client.scopes import NEEDED, OPTIONAL
from handoff_bot.slack.feature import Shortcut
from handoff_bot.slack.incoming.register import COMMAND
from handoff_bot.slack.incoming.registry import EVERYTHING

Manifest = dict[str, object]

EVENTS = (
    "app_home_opened",
    "member_joined_channel",
    "member_left_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "user_change",
)
"""Message events of both kinds of channels, so that the queue channel may be public or private, and
of direct messages to the app.
"""

SCOPES = tuple(NEEDED)
OPTIONAL_SCOPES = tuple(OPTIONAL)


def manifest(base_url: str = "") -> Manifest:
    """Returns the manifest for Slack's "create from a manifest" (as JSON or YAML).

    Args:
        base_url: the bot's public address; "" for Socket Mode, which needs none.
    """
    address = f"{base_url.rstrip('/')}/slack/events" if base_url else ""
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": "Handoff",
            "description": "Live escalation from an AI assistant to a human",
            "background_color": "#1d4ed8",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "Handoff", "always_online": True},
            "shortcuts": [_shortcut(name, made) for name, made in EVERYTHING.shortcuts.items()],
            "slash_commands": [_command(address)],
        },
        "oauth_config": {
            "scopes": {"bot": [*SCOPES, *OPTIONAL_SCOPES], "bot_optional": list(OPTIONAL_SCOPES)}
        },
        "settings": {
            "event_subscriptions": _with_url(address) | {"bot_events": list(EVENTS)},
            "interactivity": _interactivity(address),
            "org_deploy_enabled": False,
            "socket_mode_enabled": not address,
            "token_rotation_enabled": False,
        },
    }


def _command(address: str) -> Manifest:
    command: Manifest = {
        "command": COMMAND,
        "description": "View the queue, tickets, reports and settings",
        "usage_hint": "queue | next | help",
        "should_escape": True,
    }
    return command | ({"url": address} if address else {})


def _shortcut(callback_id: str, shortcut: Shortcut) -> Manifest:
    return {
        "name": shortcut.name,
        "type": "message" if shortcut.on_message else "global",
        "callback_id": callback_id,
        "description": shortcut.description,
    }


def _interactivity(address: str) -> Manifest:
    enabled: Manifest = {"is_enabled": True}
    if address:
        enabled |= {"request_url": address, "message_menu_options_url": address}
    return enabled


def _with_url(address: str) -> Manifest:
    return {"request_url": address} if address else {}
