"""The hooks of the Slack CLI: what `slack run` asks of this project.

https://docs.slack.dev/tools/slack-cli/reference/hooks. The CLI runs a hook as a process and reads its
answer from the output. `slack-cli-hooks` reads the manifest from a file, and here it is made of the
code, so the three hooks are written out.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from enum import StrEnum

from handoff_bot.slack.manifest import manifest

BOUNDARIES = "message-boundaries"
"""The protocol in which an answer stands between two boundaries, apart from any other output."""
COMMAND = ".venv/bin/python -m handoff_bot slack-hook"
_GIVEN = {"SLACK_CLI_XOXB": "SLACK_BOT_TOKEN", "SLACK_CLI_XAPP": "SLACK_APP_TOKEN"}
"""Variables of the CLI -> settings."""
_OF_CHANNELS = ("TWILIO_", "WEBCHAT_")


class Hook(StrEnum):
    GET_HOOKS = "get-hooks"
    GET_MANIFEST = "get-manifest"
    START = "start"


def answer(hook: Hook) -> str:
    """Returns the JSON of a hook that only answers."""
    if hook is Hook.GET_MANIFEST:
        return json.dumps(manifest())
    hooks = {each.value: f"{COMMAND} {each}" for each in Hook if each is not Hook.GET_HOOKS}
    config = {
        "protocol-version": [BOUNDARIES, "default"],
        "sdk-managed-connection-enabled": True,
    }
    return json.dumps({"hooks": hooks, "config": config})


def missing(environ: Mapping[str, str]) -> list[str]:
    """Returns the variables of the CLI that `start` needs and does not find."""
    return [
        given
        for given, setting in _GIVEN.items()
        if not (environ.get(given) or environ.get(setting))
    ]


def defaults(environ: Mapping[str, str]) -> dict[str, str]:
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
