"""The doctor's health checks of Slack: token, scopes and queue channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import WebClient

from handoff_bot.clock import SystemClock
from handoff_bot.domain.results import CheckResult, compare_clock
from handoff_bot.slack.client.web_client import NEEDED, OPTIONAL, missing
from handoff_bot.slack.desk import NO_QUEUE_CHANNEL, TIMEOUT


def check_slack(token: str, api_url: str, queue_channel: str) -> Iterator[CheckResult]:
    """Yields all health checks of Slack that need no message to be posted."""
    client = WebClient(token=token, base_url=api_url, timeout=TIMEOUT, retry_handlers=[])
    yield from examine(client, queue_channel, lambda: SystemClock().now())


def examine(
    client: WebClient, queue_channel: str, now: Callable[[], datetime] | None = None
) -> Iterator[CheckResult]:
    """Yields the health checks, with an existing client; with `now`, also of this machine's clock."""
    try:
        answer = client.auth_test()
    except SlackApiError as error:
        yield CheckResult("Slack: token", False, f"rejected ({_why(error)}); check SLACK_BOT_TOKEN")
        return
    except (SlackClientError, OSError) as error:
        words = (
            f"Slack does not answer ({_why(error)}); check the network, the proxy and SLACK_API_URL"
        )
        yield CheckResult("Slack: token", False, words)
        return
    yield CheckResult(
        "Slack: token", True, f"connected as @{answer.get('user')} in {answer.get('team')}"
    )
    if now:
        yield from compare_clock("Slack", _header(answer.headers, "date"), now())
    yield from _check_scopes(dict(answer.headers))
    yield check_channel(client, queue_channel)


def _header(headers: Mapping[str, Any], name: str) -> str:
    return next((str(v) for k, v in headers.items() if k.lower() == name), "")


def _check_scopes(headers: dict[str, Any]) -> Iterator[CheckResult]:
    held = next((v for k, v in headers.items() if k.lower() == "x-oauth-scopes"), None)
    if held is None:
        yield CheckResult("Slack: scopes", True, "not reported by this service")
        return
    granted = {scope.strip() for scope in str(held).split(",")}
    lacking = missing(granted, NEEDED)
    if lacking:
        words = f"missing {', '.join(lacking)}; add them under OAuth & Permissions and reinstall"
        yield CheckResult("Slack: scopes", False, words)
    else:
        yield CheckResult("Slack: scopes", True, "all granted")
    spare = missing(granted, OPTIONAL)
    if spare:
        yield CheckResult("Slack: optional scopes", True, f"not granted: {', '.join(spare)}")


def check_channel(client: WebClient, channel: str, purpose: str = "queue channel") -> CheckResult:
    """Checks that the app is a member of a slack_channel and may read it."""
    if not channel:
        return CheckResult(f"Slack: {purpose}", False, NO_QUEUE_CHANNEL)
    what = f"Slack: {purpose} {channel}"
    try:
        client.conversations_history(channel=channel, limit=1)
    except (SlackClientError, OSError) as error:
        hints = {
            "not_in_channel": "type /invite @Handoff in it",
            "channel_not_found": "check SLACK_QUEUE_CHANNEL; a private one needs /invite @Handoff",
            "is_archived": "unarchive it, or choose another one",
        }
        why = _why(error)
        return CheckResult(what, False, f"{why}; {hints.get(why, 'see the scopes above')}")
    return CheckResult(what, True, "the app is a member")


def _why(error: Exception) -> str:
    if isinstance(error, SlackApiError):
        return str(error.response.get("error", "no reason given"))
    return type(error).__name__
