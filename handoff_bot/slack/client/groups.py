"""The workspace's user groups, cached for minutes."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from slack_sdk.web import WebClient

from handoff_bot.domain.errors import DeskError
from handoff_bot.ports import Clock
from handoff_bot.slack.client.errors import slack_errors

logger = logging.getLogger(__name__)

_REMEMBERED = timedelta(minutes=10)
_AGAIN = timedelta(seconds=30)


class Groups:
    """Looks up groups and their members. Empty without the scope usergroups:read.

    `quick` is a client that fails fast, for modals.
    """

    def __init__(self, client: WebClient, quick: WebClient, clock: Clock) -> None:
        self._client = client
        self._quick = quick
        self._clock = clock
        self._known: dict[str, str] = {}
        self._members: dict[str, tuple[tuple[str, ...], datetime]] = {}
        self._until: datetime | None = None
        self._guard = threading.Lock()

    def all(self) -> dict[str, str]:
        """Returns id -> name of each active group, sorted by name. Never raises."""
        now = self._clock.now()
        with self._guard:
            if self._until is not None and now < self._until:
                return dict(self._known)
        found = self._ask()
        with self._guard:
            self._known = self._known if found is None else found
            self._until = now + (_AGAIN if found is None else _REMEMBERED)
            return dict(self._known)

    def members(self, group_id: str) -> tuple[str, ...]:
        """Returns the ids of a group's members; empty without the scope, or if there is no such group.

        Raises:
            DeskError: Slack is unavailable; retry later.
        """
        now = self._clock.now()
        with self._guard:
            known, until = self._members.get(group_id, ((), now))
        if until > now:
            return known
        found = self._ask_members(group_id)
        with self._guard:
            self._members[group_id] = found, now + _REMEMBERED
        return found

    def _ask_members(self, group_id: str) -> tuple[str, ...]:
        try:
            with slack_errors():
                answer = self._client.usergroups_users_list(usergroup=group_id)
        except DeskError as error:
            if not error.permanent:
                raise
            logger.warning("members of a group not known", extra={"code": error.code})
            return ()
        return tuple(map(str, answer.get("users") or ()))

    def _ask(self) -> dict[str, str] | None:
        """A modal waits for the answer, so there is no retry."""
        try:
            with slack_errors():
                found = self._quick.usergroups_list().get("usergroups") or ()
        except DeskError as error:
            logger.warning("user groups not known", extra={"code": error.code})
            return None
        groups = {str(each["id"]): str(each.get("name") or each["id"]) for each in found}
        return dict(sorted(groups.items(), key=lambda item: item[1].casefold()))
