"""Who the people at the desk are: names that customers may see, looked up at Slack and remembered."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.web import WebClient

from handoff_bot.domain.desk import NAMELESS
from handoff_bot.domain.errors import DeskError
from handoff_bot.ports import Clock
from handoff_bot.slack.blocks.text import one_line
from handoff_bot.slack.errors import slack_errors

logger = logging.getLogger(__name__)

_PATIENCE = 1
"""Seconds for a look-up: clicks must be answered within 3, and an assignment needs two people."""

_REMEMBERED = timedelta(minutes=10)
_AGAIN = timedelta(seconds=30)
_MOST = 1000
_NAME = 80


@dataclass(frozen=True)
class Person:
    """Somebody at the desk; not `is_human` for apps and those who have left.

    `timezone` is an IANA name, as they set it in Slack; "" when unknown.
    """

    name: str
    is_human: bool
    is_admin: bool = False
    timezone: str = ""


class People:
    """Asks Slack who somebody is; never raises, and never asks twice within minutes."""

    def __init__(self, client: WebClient, clock: Clock) -> None:
        self._client = impatient(client)
        self._clock = clock
        self._known: dict[str, tuple[Person, datetime]] = {}
        self._guard = threading.Lock()

    def find(self, desk_id: str, *, fresh: bool = False) -> Person:
        """The person; when Slack cannot say, whom we knew, else a nameless human.

        `fresh` asks Slack even if we know them: what they may do may have changed.
        """
        now = self._clock.now()
        with self._guard:
            person, until = self._known.get(desk_id, (None, now))
        if person and now < until and not fresh:
            return person
        found = self._ask(desk_id)
        self._remember(desk_id, found or person, now + (_REMEMBERED if found else _AGAIN))
        return found or person or Person(NAMELESS, is_human=True)

    def _ask(self, desk_id: str) -> Person | None:
        try:
            with slack_errors():
                return _person(self._client.users_info(user=desk_id).get("user", {}))
        except DeskError as error:
            logger.warning("person not found", extra={"desk_id": desk_id, "code": error.code})
            return None

    def _remember(self, desk_id: str, person: Person | None, until: datetime) -> None:
        with self._guard:
            if len(self._known) >= _MOST and desk_id not in self._known:
                del self._known[next(iter(self._known))]
            self._known[desk_id] = (person or Person(NAMELESS, is_human=True), until)


def impatient(client: WebClient) -> WebClient:
    """The same client for what a click waits for: it gives up at once."""
    return WebClient(
        token=client.token,
        base_url=client.base_url,
        timeout=_PATIENCE,
        ssl=client.ssl,
        proxy=client.proxy,
        logger=client.logger,
        retry_handlers=[],
    )


def _person(user: dict[str, Any]) -> Person:
    profile = user.get("profile") or {}
    names = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"))
    name = next((one_line(str(name), _NAME) for name in names if name), "")
    is_app = bool(user.get("is_bot")) or user.get("id") == "USLACKBOT"
    return Person(
        name or NAMELESS,
        is_human=not (is_app or user.get("deleted")),
        is_admin=bool(user.get("is_admin") or user.get("is_owner")),
        timezone=str(user.get("tz") or ""),
    )
