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


class Groups:
    """Asks Slack which groups there are; never raises. Without the scope usergroups:read there are none."""

    def __init__(self, client: WebClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[str, str] = {}
        self._until: datetime | None = None
        self._guard = threading.Lock()

    def all(self) -> dict[str, str]:
        """Id -> name of each group that is in use, in the order of the names."""
        now = self._clock.now()
        with self._guard:
            if self._until is None or now >= self._until:
                self._known = self._ask() or self._known
                self._until = now + _REMEMBERED
            return dict(self._known)

    def _ask(self) -> dict[str, str]:
        try:
            with slack_errors():
                found = self._client.usergroups_list().get("usergroups") or ()
        except DeskError as error:
            logger.warning("user groups not known", extra={"code": error.code})
            return {}
        groups = {str(each["id"]): str(each.get("name") or each["id"]) for each in found}
        return dict(sorted(groups.items(), key=lambda item: item[1].casefold()))
