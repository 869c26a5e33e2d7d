"""The people and user groups of the workspace, looked up in Slack and cached."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.web import WebClient

from handoff_bot.domain import roles
from handoff_bot.domain.desk import NAMELESS
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.roles import Home
from handoff_bot.ports import Clock
from handoff_bot.slack.client.errors import slack_errors
from handoff_bot.slack.client.web_client import KeptAliveClient
from handoff_bot.slack.kit.text import one_line

logger = logging.getLogger(__name__)

# -- user groups, cached for minutes

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


# -- people, with the names that customers may see


_PATIENCE = 1
"""Seconds for a look-up: clicks must be answered within 3, and an assignment looks up two people."""

_MOST = 1000
_NOBODY = frozenset({"user_not_found", "user_not_visible"})
_NAME = 80


@dataclass(frozen=True)
class Person:
    """A person at the desk; `is_human` is False for apps and deactivated users.

    `timezone` is the IANA name from their Slack profile; "" if unknown.
    """

    name: str
    is_human: bool
    is_admin: bool = False
    timezone: str = ""


@dataclass(frozen=True)
class _Known:
    """Slack's last answer about a person, its time, and how long it suffices for showing a name.

    `account` is None if Slack does not know the person, or has not answered yet (`asked_at` None).
    """

    person: Person
    account: roles.Person | None
    asked_at: datetime | None
    until: datetime


class People:
    """Looks people up, cached for minutes to show a name, for less to let them act."""

    def __init__(self, client: WebClient, clock: Clock) -> None:
        self._client = without_retries(client)
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._guard = threading.Lock()

    def find(self, desk_id: str, *, fresh: bool = False) -> Person:
        """Returns a person; the cached one while Slack is unavailable, else a nameless human. Never raises.

        `fresh` ignores the cache.
        """
        known = self._of(desk_id)
        if known and self._clock.now() < known.until and not fresh:
            return known.person
        try:
            return self._ask(desk_id).person
        except DeskError:
            return self._unsaid(desk_id)

    def account(
        self, desk_id: str, now: datetime, max_age: timedelta, trusted: timedelta
    ) -> roles.Person | None:
        """Returns what roles need to know of a person, as in `Directory.person`."""
        known = self._of(desk_id)
        age = _age(known, now)
        if known and age is not None and age < max_age:
            return known.account
        try:
            return self._ask(desk_id, now).account
        except DeskError:
            if known and age is not None and age <= trusted and max_age:
                return known.account
            raise

    def forget(self, desk_id: str) -> None:
        """Drops a person from the cache."""
        with self._guard:
            self._known.pop(desk_id, None)

    def _of(self, desk_id: str) -> _Known | None:
        with self._guard:
            return self._known.get(desk_id)

    def _ask(self, desk_id: str, now: datetime | None = None) -> _Known:
        """Looks a person up, and caches the answer.

        Raises:
            DeskError: Slack is unavailable.
        """
        try:
            with slack_errors():
                user: dict[str, Any] = self._client.users_info(user=desk_id).get("user") or {}
        except DeskError as error:
            logger.warning("person not found", extra={"desk_id": desk_id, "code": error.code})
            if error.code not in _NOBODY:
                raise
            return self._remember(desk_id, Person(NAMELESS, is_human=True), None, now, _AGAIN)
        return self._remember(desk_id, _person(user), account_of(user), now, _REMEMBERED)

    def _unsaid(self, desk_id: str) -> Person:
        """Returns the cached person; Slack is asked again after a while."""
        known = self._of(desk_id)
        person = known.person if known else Person(NAMELESS, is_human=True)
        with self._guard:
            self._known[desk_id] = _Known(
                person,
                known.account if known else None,
                known.asked_at if known else None,
                self._clock.now() + _AGAIN,
            )
        return person

    def _remember(
        self,
        desk_id: str,
        person: Person,
        account: roles.Person | None,
        now: datetime | None,
        until: timedelta,
    ) -> _Known:
        known = _Known(person, account, now or self._clock.now(), self._clock.now() + until)
        with self._guard:
            if len(self._known) >= _MOST and desk_id not in self._known:
                del self._known[next(iter(self._known))]
            self._known[desk_id] = known
        return known


def _age(known: _Known | None, now: datetime) -> timedelta | None:
    """Age of an answer; a clock that went back makes it too old."""
    if known is None or known.asked_at is None:
        return None
    age = now - known.asked_at
    return age if age >= timedelta(0) else timedelta.max


def without_retries(client: WebClient) -> WebClient:
    """Returns a copy of the client that fails fast, for clicks."""
    if isinstance(client, KeptAliveClient):
        return client.without_retries(_PATIENCE)
    return KeptAliveClient(
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


def account_of(user: dict[str, Any]) -> roles.Person:
    """Parses the object `user` of users.info; people of an organisation belong to several workspaces."""
    enterprise = user.get("enterprise_user") or {}
    teams = {user.get("team_id"), *(enterprise.get("teams") or ())}
    return roles.Person(
        id=str(user.get("id") or ""),
        team_ids=frozenset(map(str, teams - {None, ""})),
        enterprise_id=str(enterprise.get("enterprise_id") or user.get("enterprise_id") or ""),
        is_admin=bool(user.get("is_admin") or user.get("is_owner") or user.get("is_primary_owner")),
        is_restricted=bool(user.get("is_restricted")),
        is_ultra_restricted=bool(user.get("is_ultra_restricted")),
        is_stranger=bool(user.get("is_stranger")),
        is_bot=bool(user.get("is_bot")) or user.get("id") == "USLACKBOT",
        deleted=bool(user.get("deleted")),
    )


_PAGE = 999
_SECONDS = 1.5
"""Seconds for all pages of one Slack channel: a click must be answered within 3."""
_MOST_PLACES = 500
MAX_AGE = timedelta(minutes=1)
_ABSENT_AGE = timedelta(seconds=5)
"""How long a negative answer is cached: the person is told to join and try again."""

TOO_LARGE = "too_large"


@dataclass(frozen=True)
class _KnownMembers:
    """`is_whole` is False if there are more members than were read."""

    members: frozenset[str]
    is_whole: bool
    asked_at: datetime


class Members:
    """Uses a client that fails fast. Raises as `Directory.is_in` does."""

    def __init__(self, quick: WebClient) -> None:
        self._quick = quick
        self._known: dict[str, _KnownMembers] = {}
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
        self._remember(place, _KnownMembers(members, is_whole, now))
        if desk_id in members or is_whole:
            return desk_id in members
        return self._is_in_large(desk_id, place)

    def _remember(self, place: str, known: _KnownMembers) -> None:
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


# -- the port `Directory`, the source of roles: people, channel members and group members


class SlackDirectory:
    """The port `Directory`. `quick` is a client that fails fast, for clicks."""

    def __init__(self, people: People, quick: WebClient) -> None:
        self._people = people
        self._quick = quick
        self._members = Members(quick)
        self._home: Home | None = None

    def home(self) -> Home:
        """The workspace of the bot, looked up once."""
        if self._home is None:
            with slack_errors():
                answer = self._quick.auth_test()
            self._home = Home(
                team_id=str(answer.get("team_id") or ""),
                enterprise_id=str(answer.get("enterprise_id") or ""),
                is_org_wide=bool(answer.get("is_enterprise_install")),
            )
        return self._home

    def person(
        self, desk_id: str, now: datetime, max_age: timedelta, trusted: timedelta
    ) -> roles.Person | None:
        """Returns a person; None if Slack does not know them."""
        return self._people.account(desk_id, now, max_age, trusted)

    def is_in(self, desk_id: str, slack_channel: str, now: datetime, trusted: timedelta) -> bool:
        """Whether a person is a member of a Slack channel."""
        return self._members.is_in(desk_id, slack_channel, now, trusted)

    def is_in_group(self, desk_id: str, group_id: str, now: datetime, trusted: timedelta) -> bool:
        """Whether a person is a member of a user group."""
        return self._members.is_in_group(desk_id, group_id, now, trusted)

    def forget_person(self, desk_id: str) -> None:
        """Drops what is cached about a person."""
        self._people.forget(desk_id)

    def forget_channel(self, slack_channel: str) -> None:
        """Drops what is cached about a Slack channel, after a person joined or left it."""
        self._members.forget(slack_channel)
