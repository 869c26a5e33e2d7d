"""What the doctor asks of Slack: is the token believed, are the scopes there, is the bot in its channel?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import WebClient

from handoff_bot.domain.findings import Finding
from handoff_bot.slack.desk import TIMEOUT
from handoff_bot.slack.manifest import SCOPES


def check_slack(token: str, api_url: str, queue_channel: str) -> Iterator[Finding]:
    """Everything about Slack that can be found out without posting a message."""
    client = WebClient(token=token, base_url=api_url, timeout=TIMEOUT, retry_handlers=[])
    try:
        answer = client.auth_test()
    except (SlackClientError, OSError) as error:
        yield Finding("Slack: token", False, f"not believed ({_why(error)}); check SLACK_BOT_TOKEN")
        return
    yield Finding("Slack: token", True, f"we are @{answer.get('user')} in {answer.get('team')}")
    yield _check_scopes(dict(answer.headers))
    yield _check_channel(client, queue_channel)


def _check_scopes(headers: dict[str, Any]) -> Finding:
    granted = next((v for k, v in headers.items() if k.lower() == "x-oauth-scopes"), None)
    if granted is None:
        return Finding("Slack: scopes", True, "not told by this service")
    missing = sorted(set(SCOPES) - {scope.strip() for scope in str(granted).split(",")})
    if missing:
        words = f"missing {', '.join(missing)}; add them under OAuth & Permissions and reinstall"
        return Finding("Slack: scopes", False, words)
    return Finding("Slack: scopes", True, "all there")


def _check_channel(client: WebClient, channel: str) -> Finding:
    what = f"Slack: queue channel {channel}"
    try:
        client.conversations_history(channel=channel, limit=1)
    except (SlackClientError, OSError) as error:
        hints = {
            "not_in_channel": "type /invite @Handoff in it",
            "channel_not_found": "check SLACK_QUEUE_CHANNEL; a private one needs /invite @Handoff",
            "is_archived": "unarchive it, or choose another one",
        }
        why = _why(error)
        return Finding(what, False, f"{why}; {hints.get(why, 'see the scopes above')}")
    return Finding(what, True, "we are in it")


def _why(error: Exception) -> str:
    if isinstance(error, SlackApiError):
        return str(error.response.get("error", "no reason given"))
    return type(error).__name__
