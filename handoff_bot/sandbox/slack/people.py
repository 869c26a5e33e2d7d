"""People and user groups of the workspace, as Slack's answers show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
"""An object as it goes over the wire; its keys are Slack's."""


@dataclass
class Person:
    """Somebody in the workspace, an app's user included.

    Attributes:
        name: the handle, e.g. "ana".
        presence: "active" or "away".
        dnd_until: seconds since the epoch, 0 when they may be disturbed.
    """

    id: str
    name: str
    real_name: str
    display_name: str = ""
    email: str = ""
    is_bot: bool = False
    is_admin: bool = False
    deleted: bool = False
    presence: str = "active"
    dnd_until: int = 0
    updated: int = 0

    def wire(self, team_id: str) -> Json:
        """The object `user` of users.info."""
        return {
            "id": self.id,
            "team_id": team_id,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": self.deleted,
            "color": "9f69e7",
            "tz": "Etc/UTC",
            "tz_label": "Coordinated Universal Time",
            "tz_offset": 0,
            "is_admin": self.is_admin,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": False,
            "is_ultra_restricted": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": self.updated,
            "profile": self._profile(team_id),
        }

    def _profile(self, team_id: str) -> Json:
        return {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.display_name,
            "display_name_normalized": self.display_name,
            "status_text": "",
            "status_emoji": "",
            "email": self.email,
            "team": team_id,
        }


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
        """One of the objects `usergroups` of usergroups.list."""
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
