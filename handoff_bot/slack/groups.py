"""The workspace's user groups, looked up at Slack and remembered for minutes."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from slack_sdk.web import WebClient

from handoff_bot.domain.errors import DeskError
from handoff_bot.ports import Clock
from handoff_bot.slack.errors import slack_errors

logger = logging.getLogger(__name__)

_REMEMBERED = timedelta(minutes=10)
_AGAIN = timedelta(seconds=30)


class Groups:
    """Asks Slack for the groups and who is in them. Without the scope usergroups:read there are none.

    `quick` is the client for what a window waits for.
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
        """Id -> name of each group that is in use, in the order of the names; never raises."""
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
        """The ids of who is in a group; nobody where we may not know, or where there is no such group.

        Raises:
            DeskError: Slack is in trouble; ask again later.
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
        """While a window waits to be opened, so at once or not at all."""
        try:
            with slack_errors():
                found = self._quick.usergroups_list().get("usergroups") or ()
        except DeskError as error:
            logger.warning("user groups not known", extra={"code": error.code})
            return None
        groups = {str(each["id"]): str(each.get("name") or each["id"]) for each in found}
        return dict(sorted(groups.items(), key=lambda item: item[1].casefold()))
