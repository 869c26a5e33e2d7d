"""Who may do what: the roles of the people at the desk, asked before every action.

The desk's signature says that a request comes from the desk, not that this person may act.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    """What a listener does, as far as roles tell a difference."""

    REPORT = "report"
    """The desk reports a fact. The listener does nothing on anybody's word."""
    USE = "use"
    """Help, availability, canned replies, metrics: nothing of a particular conversation."""
    SEARCH = "search"
    """Lists of conversations, which show only what the person may see."""
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
    """Settings, rules, texts, audit log, export, forget."""


ASSIGNEES_ONLY = frozenset({Action.SNOOZE, Action.RELEASE, Action.RESOLVE, Action.RETURN})
"""What other agents may do only while no agent has the conversation."""


class Refusal(StrEnum):
    """Why a person may not."""

    BOT = "bot"
    DEACTIVATED = "deactivated"
    STRANGER = "stranger"
    GUEST = "guest"
    OUTSIDE = "outside"
    NOT_ASSIGNEE = "not_assignee"
    NOT_ADMIN = "not_admin"
    UNKNOWN = "unknown"
    """The desk does not say who this is."""


@dataclass(frozen=True)
class Home:
    """The workspace that the bot is installed in.

    Attributes:
        enterprise_id: the organisation that the workspace belongs to, "" for none.
        is_org_wide: True when the bot is installed for the whole organisation.
    """

    team_id: str
    enterprise_id: str = ""
    is_org_wide: bool = False


@dataclass(frozen=True)
class Person:
    """A person as the desk knows them.

    Attributes:
        team_ids: the workspaces that they are a full part of.
        enterprise_id: their organisation, "" for none.
        is_admin: admin or owner of a workspace.
        is_restricted, is_ultra_restricted: guests of several Slack channels and of one.
        is_stranger: known only from a Slack channel that is shared with another workspace.
        is_named_admin: named as an admin in our settings.
        slack_channels: those in question that they are a member of.
        in_agents_group: True when they are in the agents' user group.
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
        """True for guests of both kinds."""
        return self.is_restricted or self.is_ultra_restricted


@dataclass(frozen=True)
class Conversation:
    """What matters of a conversation.

    Attributes:
        slack_channel: the Slack channel that holds it.
        assignee: the desk id of the agent who has it, "" for none.
        assignee_name: what that agent is called.
    """

    slack_channel: str
    assignee: str = ""
    assignee_name: str = ""


@dataclass(frozen=True)
class Policy:
    """The home of the bot, and what admins set.

    Attributes:
        guests_in: the Slack channels in which guests count as agents.
    """

    home: Home
    guests_in: frozenset[str] = field(default_factory=frozenset)


def may(person: Person, action: Action, conversation: Conversation | None, policy: Policy) -> bool:
    """True when this person may do this with this conversation (None for no particular one)."""
    return why_not(person, action, conversation, policy) is None


def why_not(
    person: Person, action: Action, conversation: Conversation | None, policy: Policy
) -> Refusal | None:
    """The reason why this person may not, None when they may."""
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
    """Why this person can have no role at all; a guest may get one from an admin."""
    if person.is_bot:
        return Refusal.BOT
    if person.deleted:
        return Refusal.DEACTIVATED
    if person.is_stranger or not _belongs_to(person, home):
        return Refusal.STRANGER
    return None


def is_admin(person: Person, home: Home) -> bool:
    """True for the workspace's admins and those named in settings, as long as they are full members."""
    if why_barred(person, home) or person.is_guest:
        return False
    return person.is_admin or person.is_named_admin


def sees_all(person: Person, policy: Policy) -> bool:
    """True when no membership of a Slack channel is needed to see a conversation."""
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
    """Why the person is no agent there; without a conversation, why they are no agent anywhere."""
    if sees_all(person, policy):
        return None
    inside = person.slack_channels
    if person.is_guest:
        inside &= policy.guests_in
    is_inside = conversation.slack_channel in inside if conversation else bool(inside)
    if is_inside:
        return None
    return Refusal.GUEST if person.is_guest else Refusal.OUTSIDE
