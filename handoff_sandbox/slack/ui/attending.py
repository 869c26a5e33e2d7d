"""People's presence, do-not-disturb, names, roles and departure."""

from __future__ import annotations

from typing import Literal

from handoff_sandbox.slack.state import events
from handoff_sandbox.slack.state.people import Person
from handoff_sandbox.slack.ui.stage import Stage


class Attending(Stage):
    """What people change about themselves. Raises KeyError for an unknown person."""

    def set_presence(self, user: str, presence: Literal["active", "away"]) -> None:
        """Sets a person's presence; apps get no event and have to ask."""
        with self._workspace.changed:
            self._workspace.people[user].presence = presence
            self._workspace.changed.notify_all()

    def snooze(self, user: str, until: float) -> None:
        """Sets do-not-disturb until then (seconds since the epoch); 0 ends it."""
        with self._workspace.changed:
            person = self._workspace.people[user]
            person.dnd_until = int(until)
            status = person.dnd(self._workspace.now())
            told = events.dnd_updated(user, status, self._workspace.new_ts())
            self._slack.herald.announce_everywhere(told)
            self._workspace.changed.notify_all()
        self._happened()

    def rename(self, user: str, real_name: str, display_name: str = "") -> None:
        """Renames a person."""
        with self._workspace.changed:
            person = self._workspace.people[user]
            person.real_name, person.display_name = real_name, display_name
            self._tell_change(person)
        self._happened()

    def leave(self, user: str) -> None:
        """Deactivates a person."""
        with self._workspace.changed:
            person = self._workspace.people[user]
            person.deleted = True
            self._tell_change(person)
        self._happened()

    def becomes(self, user: str, **marks: object) -> None:
        """Changes a person as a workspace admin would, e.g. `is_restricted=True`."""
        with self._workspace.changed:
            person = self._workspace.people[user]
            for name, value in marks.items():
                setattr(person, name, value)
            self._tell_change(person)
        self._happened()

    def change_group(self, group: str, members: list[str]) -> None:
        """Sets the members of a user group."""
        with self._workspace.changed:
            found = self._workspace.groups[group]
            wire = found.wire(self._workspace.team_id)
            at = self._workspace.new_ts()
            told = events.members_changed(wire, found.members, members, at)
            found.members = list(members)
            self._slack.herald.announce_everywhere(told)
            self._workspace.changed.notify_all()
        self._happened()

    def _tell_change(self, person: Person) -> None:
        person.updated = int(self._workspace.now())
        wire = person.wire(self._workspace.team_id)
        at = self._workspace.new_ts()
        self._slack.herald.announce_everywhere(events.user_changed(wire, at))
        self._workspace.changed.notify_all()
