"""Members of Slack channels and user groups, cached for a minute."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from slack_sdk.web import WebClient

from handoff_bot.domain.errors import DeskError
from handoff_bot.slack.client.errors import slack_errors

logger = logging.getLogger(__name__)

_PAGE = 999
_SECONDS = 1.5
"""Seconds for all pages of one Slack channel: a click must be answered within 3."""
_MOST_PLACES = 500
MAX_AGE = timedelta(minutes=1)
_ABSENT_AGE = timedelta(seconds=5)
"""How long a negative answer is cached: the person is told to join and try again."""

TOO_LARGE = "too_large"


@dataclass(frozen=True)
class _Known:
    """`is_whole` is False if there are more members than were read."""

    members: frozenset[str]
    is_whole: bool
    asked_at: datetime


class Members:
    """Uses a client that fails fast. Raises as `Directory.is_in` does."""

    def __init__(self, quick: WebClient) -> None:
        self._quick = quick
        self._known: dict[str, _Known] = {}
        self._guard = threading.Lock()

    def is_in(self, desk_id: str, slack_channel: str, now: datetime, trusted: timedelta) -> bool:
        """Whether a person is a member of a Slack channel."""
        return self._has(slack_channel, self._in_channel, desk_id, now, trusted)

    def is_in_group(self, desk_id: str, group_id: str, now: datetime, trusted: timedelta) -> bool:
        """Whether a person is a member of a user group."""
        return self._has(group_id, self._in_group, desk_id, now, trusted)

    def forget(self, place: str) -> None:
        """Drops the cache of a channel or group."""
        with self._guard:
            self._known.pop(place, None)

    def _has(
        self,
        place: str,
        ask: Callable[[str], tuple[frozenset[str], bool]],
        desk_id: str,
        now: datetime,
        trusted: timedelta,
    ) -> bool:
        with self._guard:
            known = self._known.get(place)
        age = now - known.asked_at if known else None
        if known and age is not None and timedelta(0) <= age < MAX_AGE:
            if desk_id in known.members:
                return True
            if known.is_whole and age < _ABSENT_AGE:
                return False
        try:
            members, is_whole = ask(place)
        except DeskError as error:
            logger.warning("members not known", extra={"place": place, "code": error.code})
            if known and age is not None and timedelta(0) <= age <= trusted:
                return desk_id in known.members
            raise
        self._remember(place, _Known(members, is_whole, now))
        if desk_id in members or is_whole:
            return desk_id in members
        return self._is_in_large(desk_id, place)

    def _remember(self, place: str, known: _Known) -> None:
        with self._guard:
            if len(self._known) >= _MOST_PLACES and place not in self._known:
                del self._known[next(iter(self._known))]
            self._known[place] = known

    def _in_channel(self, slack_channel: str) -> tuple[frozenset[str], bool]:
        found: set[str] = set()
        cursor, until = "", time.monotonic() + _SECONDS
        while True:
            with slack_errors():
                answer = self._quick.conversations_members(
                    channel=slack_channel, limit=_PAGE, cursor=cursor or None
                )
            found.update(map(str, answer.get("members") or ()))
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return frozenset(found), True
            if time.monotonic() > until:
                return frozenset(found), False

    def _is_in_large(self, desk_id: str, slack_channel: str) -> bool:
        """Looks for a large Slack channel among the channels of the person."""
        with slack_errors():
            answer = self._quick.users_conversations(
                user=desk_id, types="public_channel,private_channel", limit=_PAGE
            )
        return any(one.get("id") == slack_channel for one in answer.get("channels") or ())

    def _in_group(self, group_id: str) -> tuple[frozenset[str], bool]:
        with slack_errors():
            answer = self._quick.usergroups_users_list(usergroup=group_id)
        return frozenset(map(str, answer.get("users") or ())), True
