"""Permissions: roles of Slack users, checked before every action.

Slack's signature proves that a request comes from Slack, not that the person is authorised.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    """Actions, as far as permissions distinguish them."""

    REPORT = "report"
    """Slack reports a fact. Nothing is done on a person's behalf."""
    USE = "use"
    """Help, availability, canned replies, metrics: no particular conversation."""
    SEARCH = "search"
    """Lists of conversations, filtered to those the person may see."""
    SEE = "see"
    CLAIM = "claim"
    REPLY = "reply"
    NOTE = "note"
    EDIT = "edit"
    ASSIGN = "assign"
    SNOOZE = "snooze"
    DISMISS = "dismiss"
    RELEASE = "release"
    RESOLVE = "resolve"
    RETURN = "return"
    ADMINISTER = "administer"
    """Settings, rules, texts, audit log, export, erasure."""


ASSIGNEES_ONLY = frozenset({Action.SNOOZE, Action.RELEASE, Action.RESOLVE, Action.RETURN})
"""Actions that other agents may only take while the conversation is unassigned."""


class Refusal(StrEnum):
    """Why a person may not take an action."""

    BOT = "bot"
    DEACTIVATED = "deactivated"
    STRANGER = "stranger"
    GUEST = "guest"
    OUTSIDE = "outside"
    NOT_ASSIGNEE = "not_assignee"
    NOT_ADMIN = "not_admin"
    UNKNOWN = "unknown"
    """Slack does not say who this is."""


@dataclass(frozen=True)
class Home:
    """The bot's workspace.

    Attributes:
        enterprise_id: its organisation, "" for none.
        is_org_wide: True if the bot is installed for the whole organisation.
    """

    team_id: str
    enterprise_id: str = ""
    is_org_wide: bool = False

    @property
    def key(self) -> str:
        """Returns the id that names the installation: the organisation's, or the workspace's."""
        return self.enterprise_id if self.is_org_wide else self.team_id


@dataclass(frozen=True)
class Person:
    """A person according to Slack.

    Attributes:
        team_ids: workspaces with full membership.
        enterprise_id: the person's organisation, "" for none.
        is_admin: admin or owner of a workspace.
        is_restricted, is_ultra_restricted: guest of several Slack channels, or of one.
        is_stranger: only known from a channel shared with another workspace.
        is_named_admin: named as an admin in our settings.
        slack_channels: memberships among the checked channels.
        in_agents_group: True if in the agents' user group.
    """

    id: str
    team_ids: frozenset[str] = frozenset()
    enterprise_id: str = ""
    is_admin: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_bot: bool = False
    deleted: bool = False
    is_named_admin: bool = False
    slack_channels: frozenset[str] = frozenset()
    in_agents_group: bool = False

    @property
    def is_guest(self) -> bool:
        return self.is_restricted or self.is_ultra_restricted


@dataclass(frozen=True)
class Conversation:
    """The data of a conversation that permissions need.

    Attributes:
        slack_channel: the Slack channel that holds it.
        assignee: Slack id of the assignee, "" for none.
        assignee_name: the assignee's name.
    """

    slack_channel: str
    assignee: str = ""
    assignee_name: str = ""


@dataclass(frozen=True)
class Policy:
    """The bot's workspace and the admins' settings.

    Attributes:
        guests_in: Slack channels in which guests count as agents.
    """

    home: Home
    guests_in: frozenset[str] = field(default_factory=frozenset)


def may(person: Person, action: Action, conversation: Conversation | None, policy: Policy) -> bool:
    """Returns whether the person may do this; the conversation is None if there is no particular one."""
    return why_not(person, action, conversation, policy) is None


def why_not(
    person: Person, action: Action, conversation: Conversation | None, policy: Policy
) -> Refusal | None:
    """Returns why the person may not do this, or None."""
    if action is Action.REPORT:
        return None
    barred = why_barred(person, policy.home)
    if barred:
        return barred
    if is_admin(person, policy.home):
        return None
    if action is Action.ADMINISTER:
        return Refusal.GUEST if person.is_guest else Refusal.NOT_ADMIN
    outside = _why_outside(person, conversation, policy)
    if outside:
        return outside
    taken = conversation.assignee if conversation else ""
    if action in ASSIGNEES_ONLY and taken not in ("", person.id):
        return Refusal.NOT_ASSIGNEE
    return None


def why_barred(person: Person, home: Home) -> Refusal | None:
    """Returns why the person cannot have any role; an admin can grant one to a guest."""
    if person.is_bot:
        return Refusal.BOT
    if person.deleted:
        return Refusal.DEACTIVATED
    if person.is_stranger or not _belongs_to(person, home):
        return Refusal.STRANGER
    return None


def is_admin(person: Person, home: Home) -> bool:
    """Returns True for workspace admins and those named in settings who are full members."""
    if why_barred(person, home) or person.is_guest:
        return False
    return person.is_admin or person.is_named_admin


def sees_all(person: Person, policy: Policy) -> bool:
    """Returns whether the person sees all conversations without channel membership."""
    if why_barred(person, policy.home) or person.is_guest:
        return False
    return is_admin(person, policy.home) or person.in_agents_group


def _belongs_to(person: Person, home: Home) -> bool:
    if home.is_org_wide and home.enterprise_id:
        return person.enterprise_id == home.enterprise_id
    return home.team_id in person.team_ids


def _why_outside(
    person: Person, conversation: Conversation | None, policy: Policy
) -> Refusal | None:
    """Returns why the person is not an agent there; without a conversation, not an agent anywhere."""
    if sees_all(person, policy):
        return None
    inside = person.slack_channels
    if person.is_guest:
        inside &= policy.guests_in
    is_inside = conversation.slack_channel in inside if conversation else bool(inside)
    if is_inside:
        return None
    return Refusal.GUEST if person.is_guest else Refusal.OUTSIDE
