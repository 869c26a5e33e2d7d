"""Queries on the workspace for tests, the demo and the page; all results are copies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from handoff_sandbox.slack.api.item_methods import pinned_items
from handoff_sandbox.slack.delivery.deliveries import Delivery
from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.files import File
from handoff_sandbox.slack.state.messages import SlackChannel
from handoff_sandbox.slack.state.people import Person, UserGroup
from handoff_sandbox.slack.ui.stage import Stage


class Inspection(Stage):
    """The workspace as Slack's own objects."""

    def people(self) -> list[Person]:
        """Returns all people of the workspace, the app's user included."""
        with self._workspace.changed:
            return [replace(person) for person in self._workspace.people.values()]

    def channels(self) -> list[SlackChannel]:
        """Returns all slack_channels and direct message channels with the app, without messages."""
        with self._workspace.changed:
            found = self._workspace.channels.values()
            return [
                replace(one, members=list(one.members), messages={}, pins=dict(one.pins))
                for one in found
            ]

    def groups(self) -> list[UserGroup]:
        """Returns all user groups."""
        with self._workspace.changed:
            return [
                replace(one, members=list(one.members)) for one in self._workspace.groups.values()
            ]

    def chosen(self, user: str) -> dict[str, Json]:
        """Returns this person's choices in messages, by ts, block_id and action_id."""
        with self._workspace.changed:
            return self._slack.screens.all_chosen(user)

    def file(self, file_id: str) -> File | None:
        """Returns an uploaded file."""
        with self._workspace.changed:
            found = self._slack.files.find(file_id)
            return replace(found) if found else None

    def messages(self, channel: str) -> list[Json]:
        """Returns all messages of a slack_channel, replies included, oldest first, with their metadata."""
        with self._workspace.changed:
            found = self._workspace.channels[channel].messages.values()
            return [message.wire(with_metadata=True) for message in found]

    def thread(self, channel: str, ts: str) -> list[Json]:
        """Returns a message and its replies."""
        with self._workspace.changed:
            found = self._workspace.thread(channel, ts)
            return [message.wire(with_metadata=True) for message in found]

    def message(self, channel: str, ts: str) -> Json | None:
        """Returns a message, None if it was deleted."""
        with self._workspace.changed:
            found = self._workspace.find_message(channel, ts)
            return found.wire(with_metadata=True) if found else None

    def ephemerals(self, user: str) -> list[Json]:
        """Returns this person's ephemeral messages, oldest first; each with its `channel`."""
        with self._workspace.changed:
            found = self._workspace.ephemerals.get(user, ())
            return [message.wire() | {"channel": message.channel} for message in found]

    def views(self, user: str) -> list[Json]:
        """Returns this person's open modals, the top one last."""
        with self._workspace.changed:
            workspace = self._workspace
            stack = self._slack.views.stacks.get(user, ())
            return [view.wire(workspace.team_id, workspace.app) for view in stack]

    def home(self, user: str) -> Json | None:
        """Returns this person's Home tab, None if none was published."""
        with self._workspace.changed:
            home = self._slack.views.homes.get(user)
            return home.wire(self._workspace.team_id, self._workspace.app) if home else None

    def reactions(self, channel: str, ts: str) -> dict[str, list[str]]:
        """Returns the reactions to a message."""
        with self._workspace.changed:
            found = self._workspace.channels[channel].messages[ts].reactions
            return {name: list(users) for name, users in found.items()}

    def pins(self, channel: str) -> list[Json]:
        """Returns the items of pins.list."""
        with self._workspace.changed:
            return pinned_items(self._slack, self._workspace.channels[channel])

    def events(self, wanted: Callable[[Json], bool] = bool) -> list[Delivery]:
        """Returns sent and waiting events, oldest first, whose `event` matches."""
        return self._slack.deliveries.find(lambda envelope: wanted(envelope["event"]))

    def wait_for(self, predicate: Callable[[], bool], timeout: float) -> None:
        """Waits until a change in the workspace satisfies the predicate.

        Raises:
            TimeoutError: not within `timeout` seconds.
        """
        with self._workspace.changed:
            if not self._workspace.changed.wait_for(predicate, timeout):
                raise TimeoutError(f"no matching change within {timeout} s")
