"""Checks permissions before every action, using Slack and the settings."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta

from handoff_bot.domain import roles
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.roles import Action, Conversation, Person, Policy, Refusal
from handoff_bot.ports import Clock, Desk
from handoff_bot.services.settings import preferences
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import workspace
from handoff_bot.storage.database import Database

logger = logging.getLogger(__name__)

MAX_AGE = timedelta(minutes=1)
"""Cache time of Slack's data about a person."""
TRUSTED = timedelta(minutes=5)
"""Cache time while Slack does not respond; not used for admin actions."""
AT_ONCE = timedelta(0)


_HARMLESS = frozenset({None, Refusal.UNKNOWN, Refusal.NOT_ASSIGNEE})


@dataclass(frozen=True)
class Asker:
    """The person behind a request, and the workspaces named in the request."""

    desk_id: str
    team_ids: frozenset[str] = frozenset()


class Roles:
    """Permission checks. Nothing is cached longer than a minute."""

    def __init__(self, database: Database, desk: Desk, clock: Clock) -> None:
        self._database = database
        self._desk = desk
        self._clock = clock

    def why_not(
        self, asker: Asker, action: Action, conversation: Conversation | None = None
    ) -> Refusal | None:
        """Returns the reason why the person may not do this, or None. Never raises."""
        try:
            return self.ask(asker, action, conversation)
        except DeskError as error:
            logger.warning("role not known", extra={"action": action, "code": error.code})
            return Refusal.UNKNOWN

    def ask(
        self, asker: Asker, action: Action, conversation: Conversation | None = None
    ) -> Refusal | None:
        """Same as `why_not`.

        Raises:
            DeskError: Slack does not say who this is; retry later.
        """
        if action is Action.REPORT:
            return None
        is_admins = action is Action.ADMINISTER
        found = self._person(
            asker, AT_ONCE if is_admins else MAX_AGE, AT_ONCE if is_admins else TRUSTED
        )
        if found is None:
            return Refusal.STRANGER
        person, policy = found
        refusal = roles.why_not(person, action, conversation, policy)
        if refusal not in (Refusal.OUTSIDE, Refusal.GUEST) or is_admins:
            return refusal
        wanted = [conversation.slack_channel] if conversation else self._channels()
        person = self._placed(person, policy, wanted, first_only=True)
        return roles.why_not(person, action, conversation, policy)

    def may_administer(self, desk_id: str) -> bool:
        """Returns whether to show admin controls; not used to authorise actions."""
        try:
            found = self._person(Asker(desk_id), MAX_AGE, TRUSTED)
        except DeskError:
            return False
        return found is not None and roles.is_admin(found[0], found[1].home)

    def reach(self, desk_id: str) -> frozenset[str] | None:
        """Returns the Slack channels whose conversations the person may see, None for all.

        "" stands for the configured queue channel.
        """
        try:
            found = self._person(Asker(desk_id), MAX_AGE, TRUSTED)
            return self._reach(*found) if found else frozenset()
        except DeskError:
            return frozenset()

    def _reach(self, person: Person, policy: Policy) -> frozenset[str] | None:
        if roles.why_barred(person, policy.home):
            return frozenset()
        if roles.sees_all(person, policy):
            return None
        if self._is_known_in_agents_group(person):
            return None
        known = self._channels()
        person = self._placed(person, policy, known)
        inside = person.slack_channels
        if person.is_guest:
            inside &= policy.guests_in
        if not person.is_guest and inside >= set(known):
            return None
        return inside | ({""} if self._desk.queue_channel in inside else set())

    def why_not_an_agent(self, desk_id: str, slack_channel: str) -> Refusal | None:
        """Returns why the person cannot have conversations of a Slack channel, or None.

        Raises:
            DeskError: Slack does not say.
        """
        return self.ask(Asker(desk_id), Action.REPLY, Conversation(slack_channel))

    def those_barred(self, people: Collection[str], conversation: Conversation) -> frozenset[str]:
        """Returns the given people who cannot have a conversation. Unknown people are not included."""
        refused = {one: self.why_not(Asker(one), Action.REPLY, conversation) for one in people}
        found = (one for one, why in refused.items() if why not in _HARMLESS)
        return frozenset(found)

    # -- implementation

    def _person(
        self, asker: Asker, max_age: timedelta, trusted: timedelta
    ) -> tuple[Person, Policy] | None:
        directory = self._desk.directory
        home, now = directory.home(), self._clock.now()
        person = directory.person(asker.desk_id, now, max_age, trusted)
        if person is None:
            return None
        theirs = person.team_ids | {person.enterprise_id}
        if not asker.team_ids <= theirs:
            person = replace(person, is_stranger=True)
        with self._database.read() as tx:
            named = asker.desk_id in preferences.admins(tx)
            guests = live(tx).guests_in
        return replace(person, is_named_admin=named), Policy(home, frozenset(guests))

    def _channels(self) -> list[str]:
        """Returns every Slack channel that holds or will hold conversations, most likely first."""
        default = self._desk.queue_channel
        with self._database.read() as tx:
            found = [
                row.slack_channel
                for row in workspace.every_channel(tx)
                if row.purpose in ("queue", "urgent")
            ]
            held = workspace.slack_channels(tx)
        return list(dict.fromkeys([*found, *([default] if default else []), *sorted(held - {""})]))

    def _placed(
        self, person: Person, policy: Policy, wanted: list[str], *, first_only: bool = False
    ) -> Person:
        """Returns the person with their channels and agents' group.

        If only some channels could be checked, those count; if none could, raises DeskError.
        """
        directory, now = self._desk.directory, self._clock.now()
        asked = [one for one in wanted if not person.is_guest or one in policy.guests_in]
        inside: set[str] = set()
        trouble: DeskError | None = None
        for slack_channel in asked:
            try:
                if directory.is_in(person.id, slack_channel, now, TRUSTED):
                    inside.add(slack_channel)
            except DeskError as error:
                trouble = error
            if inside and first_only:
                break
        in_group = not inside and self._is_in_agents_group(person)
        if trouble and not inside and not in_group:
            raise trouble
        return replace(person, slack_channels=frozenset(inside), in_agents_group=in_group)

    def _is_known_in_agents_group(self, person: Person) -> bool:
        """Also False while Slack does not respond: visibility by channel does not depend on it."""
        try:
            return self._is_in_agents_group(person)
        except DeskError:
            return False

    def _is_in_agents_group(self, person: Person) -> bool:
        with self._database.read() as tx:
            group_id = live(tx).agents_group
        if not group_id or person.is_guest:
            return False
        now = self._clock.now()
        return self._desk.directory.is_in_group(person.id, group_id, now, TRUSTED)
