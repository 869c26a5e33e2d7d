"""Looking at the workspace from outside, as tests, the demo and the page do; all of it is copies."""

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
    """What is there, as Slack's own objects."""

    def people(self) -> list[Person]:
        """Everybody in the workspace, the app's user included."""
        with self._workspace.changed:
            return [replace(person) for person in self._workspace.people.values()]

    def channels(self) -> list[SlackChannel]:
        """All slack_channels and direct conversations with the app, without what was said in them."""
        with self._workspace.changed:
            found = self._workspace.channels.values()
            return [
                replace(one, members=list(one.members), messages={}, pins=dict(one.pins))
                for one in found
            ]

    def groups(self) -> list[UserGroup]:
        """All user groups."""
        with self._workspace.changed:
            return [
                replace(one, members=list(one.members)) for one in self._workspace.groups.values()
            ]

    def chosen(self, user: str) -> dict[str, Json]:
        """What this person chose in messages, by ts, block_id and action_id."""
        with self._workspace.changed:
            return self._slack.screens.all_chosen(user)

    def file(self, file_id: str) -> File | None:
        """A file that was uploaded."""
        with self._workspace.changed:
            found = self._slack.files.find(file_id)
            return replace(found) if found else None

    def messages(self, channel: str) -> list[Json]:
        """All messages of a slack_channel, replies among them, oldest first, with their metadata."""
        with self._workspace.changed:
            found = self._workspace.channels[channel].messages.values()
            return [message.wire(with_metadata=True) for message in found]

    def thread(self, channel: str, ts: str) -> list[Json]:
        """A message and the replies below it."""
        with self._workspace.changed:
            found = self._workspace.thread(channel, ts)
            return [message.wire(with_metadata=True) for message in found]

    def message(self, channel: str, ts: str) -> Json | None:
        """One message, None when it was deleted."""
        with self._workspace.changed:
            found = self._workspace.find_message(channel, ts)
            return found.wire(with_metadata=True) if found else None

    def ephemerals(self, user: str) -> list[Json]:
        """What this person alone sees, oldest first; each with its `channel`."""
        with self._workspace.changed:
            found = self._workspace.ephemerals.get(user, ())
            return [message.wire() | {"channel": message.channel} for message in found]

    def views(self, user: str) -> list[Json]:
        """The windows that this person has open, the one on top last."""
        with self._workspace.changed:
            workspace = self._workspace
            stack = self._slack.views.stacks.get(user, ())
            return [view.wire(workspace.team_id, workspace.app) for view in stack]

    def home(self, user: str) -> Json | None:
        """This person's Home tab, None when nothing was published."""
        with self._workspace.changed:
            home = self._slack.views.homes.get(user)
            return home.wire(self._workspace.team_id, self._workspace.app) if home else None

    def reactions(self, channel: str, ts: str) -> dict[str, list[str]]:
        """Who reacted how to a message."""
        with self._workspace.changed:
            found = self._workspace.channels[channel].messages[ts].reactions
            return {name: list(users) for name, users in found.items()}

    def pins(self, channel: str) -> list[Json]:
        """The items of pins.list."""
        with self._workspace.changed:
            return pinned_items(self._slack, self._workspace.channels[channel])

    def events(self, wanted: Callable[[Json], bool] = bool) -> list[Delivery]:
        """Events that were sent to the bot or wait, oldest first, whose `event` is wanted."""
        return self._slack.deliveries.find(lambda envelope: wanted(envelope["event"]))

    def wait_for(self, predicate: Callable[[], bool], timeout: float) -> None:
        """Wait until something in the workspace changed so that the predicate holds.

        Raises:
            TimeoutError: it did not within `timeout` seconds.
        """
        with self._workspace.changed:
            if not self._workspace.changed.wait_for(predicate, timeout):
                raise TimeoutError(f"it did not happen within {timeout} s")
