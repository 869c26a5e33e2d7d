"""Do-not-disturb and presence as reported by Slack, in addition to the availability that agents set."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from slack_sdk.web import WebClient

from handoff_bot.domain.errors import DeskError
from handoff_bot.slack.client.errors import slack_errors

logger = logging.getLogger(__name__)

AT_ONCE = 50
"""Most people per call of dnd.teamInfo."""


class Resting:
    """Asks Slack; without the scope dnd:read the result is empty. Never raises."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def of(self, people: Collection[str], now: datetime) -> set[str]:
        """Returns the given people who are in do-not-disturb."""
        asked = sorted(people)
        found: set[str] = set()
        for first in range(0, len(asked), AT_ONCE):
            found |= self._ask(asked[first : first + AT_ONCE], now)
        return found

    def _ask(self, people: Collection[str], now: datetime) -> set[str]:
        try:
            with slack_errors():
                answer = self._client.dnd_teamInfo(users=",".join(people))
        except DeskError as error:
            logger.warning("do-not-disturb not known", extra={"code": error.code})
            return set()
        said = answer.get("users") or {}
        return {who for who, status in said.items() if rests(status, now.timestamp())}


def rests(status: Mapping[str, Any], now: float) -> bool:
    """Parses an object of dnd.teamInfo: scheduled hours, or a snooze."""
    begins, ends = status.get("next_dnd_start_ts") or 0, status.get("next_dnd_end_ts") or 0
    snoozed = status.get("snooze_enabled") and (status.get("snooze_endtime") or 0) > now
    return bool(snoozed or (status.get("dnd_enabled") and begins <= now < ends))


MOST_MEMBERS = 50
_SECONDS = 2.0
"""For all lookups of one call: users.getPresence answers about one person only."""


class Presence:
    """Who is active in Slack, and who is in a channel. Uses a client that fails fast.

    Raises:
        DeskError: Slack is unavailable.
    """

    def __init__(self, quick: WebClient) -> None:
        self._quick = quick

    def members(self, slack_channel: str) -> tuple[str, ...]:
        """Returns the first members of a channel, apps included."""
        with slack_errors():
            answer = self._quick.conversations_members(channel=slack_channel, limit=MOST_MEMBERS)
        return tuple(map(str, answer.get("members") or ()))

    def of(self, people: Collection[str]) -> set[str]:
        """Returns the given people who are active, until the time for lookups is over."""
        found: set[str] = set()
        until = time.monotonic() + _SECONDS
        for desk_id in sorted(people)[:MOST_MEMBERS]:
            with slack_errors():
                answer = self._quick.users_getPresence(user=desk_id)
            if answer.get("presence") == "active":
                found.add(desk_id)
            if time.monotonic() > until:
                break
        return found
