"""The Slack app's manifest, for HTTP and Socket Mode, and the hooks of the Slack CLI."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from handoff_bot.slack.client.web_client import NEEDED, OPTIONAL
from handoff_bot.slack.feature import Shortcut
from handoff_bot.slack.incoming.registration import COMMAND
from handoff_bot.slack.incoming.registry import EVERYTHING
from handoff_bot.slack.incoming.teams import REDIRECT_PATH, REVOKED, UNINSTALLED

# -- the manifest: one source for HTTP and Socket Mode

Manifest = dict[str, Any]

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


def distributed(base_url: str) -> Manifest:
    """Returns the manifest of an app that is installed in several workspaces by OAuth.

    Its tokens expire, and it may be installed for a whole organisation.
    """
    made = manifest(base_url)
    events = made["settings"]["event_subscriptions"]
    events["bot_events"] = [*events["bot_events"], UNINSTALLED, REVOKED]
    made["oauth_config"]["redirect_urls"] = [f"{base_url.rstrip('/')}{REDIRECT_PATH}"]
    made["settings"] |= {"org_deploy_enabled": True, "token_rotation_enabled": True}
    return made


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


# -- the hooks: what `slack run` asks of this project
# https://docs.slack.dev/tools/slack-cli/reference/hooks. The CLI runs a hook as a process and reads
# its answer from the output. `slack-cli-hooks` reads the manifest from a file, and here it is made
# of the code, so the three hooks are written out.

BOUNDARIES = "message-boundaries"
"""The protocol in which an answer stands between two boundaries, apart from any other output."""
HOOK_COMMAND = ".venv/bin/python -m handoff_bot slack-hook"
_GIVEN = {"SLACK_CLI_XOXB": "SLACK_BOT_TOKEN", "SLACK_CLI_XAPP": "SLACK_APP_TOKEN"}
"""Variables of the CLI -> settings."""
_OF_CHANNELS = ("TWILIO_", "WEBCHAT_")


class Hook(StrEnum):
    GET_HOOKS = "get-hooks"
    GET_MANIFEST = "get-manifest"
    START = "start"


def hook_answer(hook: Hook) -> str:
    """Returns the JSON of a hook that only answers."""
    if hook is Hook.GET_MANIFEST:
        return json.dumps(manifest())
    hooks = {each.value: f"{HOOK_COMMAND} {each}" for each in Hook if each is not Hook.GET_HOOKS}
    config = {
        "protocol-version": [BOUNDARIES, "default"],
        "sdk-managed-connection-enabled": True,
    }
    return json.dumps({"hooks": hooks, "config": config})


def missing_variables(environ: Mapping[str, str]) -> list[str]:
    """Returns the variables of the CLI that `start` needs and does not find."""
    return [
        given
        for given, setting in _GIVEN.items()
        if not (environ.get(given) or environ.get(setting))
    ]


def hook_defaults(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the settings that `start` adds.

    The tokens are the CLI's. Without a channel of one's own, a website on this machine is one, and the
    sample shop's articles are read, so that a fresh checkout runs.
    """
    found = {
        setting: environ[given]
        for given, setting in _GIVEN.items()
        if environ.get(given) and not environ.get(setting)
    }
    if not any(value and name.startswith(_OF_CHANNELS) for name, value in environ.items()):
        address = f"http://localhost:{environ.get('PORT') or 3000}"
        found |= {
            "WEBCHAT_ORIGINS": address,
            "WEBCHAT_SECRET": secrets.token_hex(32),
            "PUBLIC_BASE_URL": environ.get("PUBLIC_BASE_URL") or address,
            "SAMPLE_KNOWLEDGE": environ.get("SAMPLE_KNOWLEDGE") or "1",
        }
    return found
