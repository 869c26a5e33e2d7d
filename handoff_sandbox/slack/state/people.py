"""People and user groups of the workspace, in the format of Slack's responses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from handoff_sandbox.slack.payloads import Json


@dataclass
class Person:
    """A person in the workspace; the app's user too.

    Attributes:
        name: the handle, e.g. "ana".
        presence: "active" or "away".
        is_stranger: a member of another workspace, `team_id`, with which a slack_channel is shared.
        is_restricted, is_ultra_restricted: multi-channel and single-channel guests.
        team_id: their workspace, "" for this one.
        enterprise_id, teams: their organisation, and their workspaces in it.
        dnd_until: end of do-not-disturb in seconds since the epoch, 0 for none.
        timezone, locale: from their Slack profile.
        photo: what they have uploaded as their photo, a PNG; b"" for Slack's default.
        photo_url: its address.
    """

    id: str
    name: str
    real_name: str
    display_name: str = ""
    email: str = ""
    is_bot: bool = False
    is_admin: bool = False
    is_owner: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    team_id: str = ""
    enterprise_id: str = ""
    teams: tuple[str, ...] = ()
    deleted: bool = False
    presence: str = "active"
    dnd_until: int = 0
    updated: int = 0
    timezone: str = "Etc/UTC"
    locale: str = "en-US"
    photo: bytes = b""
    photo_url: str = ""

    def dnd(self, now: float) -> Json:
        """Returns the object `dnd_status` of dnd_updated_user, and of dnd.teamInfo for each person."""
        is_on = self.dnd_until > now
        return {
            "dnd_enabled": is_on,
            "next_dnd_start_ts": int(now) if is_on else 1,
            "next_dnd_end_ts": self.dnd_until if is_on else 1,
        }

    def wire(self, team_id: str, *, with_email: bool = True, with_locale: bool = False) -> Json:
        """Returns the object `user` of users.info."""
        more: Json = {"locale": self.locale} if with_locale else {}
        if self.is_stranger:
            more["is_stranger"] = True
        if self.enterprise_id:
            more["enterprise_user"] = self._enterprise_user()
        return more | {
            "id": self.id,
            "team_id": self.team_id or team_id,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": self.deleted,
            "color": "9f69e7",
            "tz": self.timezone,
            "tz_label": self.timezone,
            "tz_offset": _offset(self.timezone, self.updated),
            "is_admin": self.is_admin,
            "is_owner": self.is_owner,
            "is_primary_owner": False,
            "is_restricted": self.is_restricted or self.is_ultra_restricted,
            "is_ultra_restricted": self.is_ultra_restricted,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": self.updated,
            "profile": self.profile(team_id, with_email=with_email),
        }

    def _enterprise_user(self) -> Json:
        """Returns the object `enterprise_user`, for people of an organisation."""
        return {
            "id": self.id,
            "enterprise_id": self.enterprise_id,
            "enterprise_name": "Acme",
            "is_admin": False,
            "is_owner": False,
            "teams": list(self.teams),
        }

    def profile(self, team_id: str, *, with_email: bool = True) -> Json:
        """Returns the object `profile` of users.profile.get; the email needs a scope of its own."""
        email = {"email": self.email} if with_email else {}
        return email | {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.display_name,
            "display_name_normalized": self.display_name,
            "status_text": "",
            "status_emoji": "",
            "team": team_id,
            **({"image_72": self.photo_url, "is_custom_image": True} if self.photo else {}),
        }


def _offset(timezone: str, at: float) -> int:
    """Seconds east of Greenwich."""
    offset = datetime.fromtimestamp(at, ZoneInfo(timezone)).utcoffset()
    return int(offset.total_seconds()) if offset else 0


@dataclass
class UserGroup:
    """A user group; `handle` as in @support."""

    id: str
    handle: str
    name: str
    members: list[str] = field(default_factory=list)
    created: int = 0
    created_by: str = ""
    is_enabled: bool = True

    def wire(self, team_id: str) -> Json:
        """Returns one of the objects `usergroups` of usergroups.list."""
        return {
            "id": self.id,
            "team_id": team_id,
            "is_usergroup": True,
            "name": self.name,
            "description": "",
            "handle": self.handle,
            "is_external": False,
            "date_create": self.created,
            "date_update": self.created,
            "date_delete": 0 if self.is_enabled else self.created,
            "auto_type": None,
            "created_by": self.created_by,
            "updated_by": self.created_by,
            "deleted_by": None,
            "prefs": {"channels": [], "groups": []},
            "user_count": str(len(self.members)),
        }
