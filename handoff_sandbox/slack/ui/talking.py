"""People who post, edit, delete, react, and open the app's Home tab."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from handoff_sandbox.slack.state import events
from handoff_sandbox.slack.state.files import Attachment
from handoff_sandbox.slack.state.messages import Message
from handoff_sandbox.slack.ui.elements import Impossible
from handoff_sandbox.slack.ui.rich_text import typed
from handoff_sandbox.slack.ui.stage import Stage


class Talking(Stage):
    """People's messages. Every method raises Impossible where Slack's client would not allow it."""

    def say(
        self,
        user: str,
        channel: str,
        text: str,
        thread_ts: str = "",
        *,
        broadcast: bool = False,
        files: Sequence[Attachment] = (),
        duplicates: int = 0,
    ) -> str:
        """Posts a message, or a reply in a thread; returns its ts.

        Args:
            user, channel: their ids.
            text: as typed; `<@U…>` for a mention, see `rich_text.typed`.
            thread_ts: the thread, "" for none.
            broadcast: "also send to the channel".
            files: the attachments.
            duplicates: how many additional times the bot gets the same event.
        """
        with self._workspace.changed:
            message = self._typed(user, channel, text, thread_ts)
            if broadcast:
                message.subtype = "thread_broadcast"
            if files:
                self._attach(message, files)
            ts = self._workspace.post(message).ts
        self._repeat(ts, duplicates)
        self._happened()
        return ts

    def say_as_other_app(self, channel: str, text: str, thread_ts: str = "") -> str:
        """Posts a message by another app; returns the ts."""
        with self._workspace.changed:
            message = Message(channel, "U0OTHERAPP", text, thread_ts=thread_ts)
            message.bot_id, message.app_id = "B0OTHERAPP", "A0OTHERAPP"
            ts = self._workspace.post(message).ts
        self._happened()
        return ts

    def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        """Edits one's own message."""
        with self._workspace.changed:
            message = self._own(user, channel, ts)
            said, block = typed(text)
            self._workspace.edit(message, user, text=said, blocks=[block])
        self._happened()

    def delete(self, user: str, channel: str, ts: str) -> None:
        """Deletes one's own message; an admin may delete any."""
        with self._workspace.changed:
            is_admin = self._workspace.people[user].is_admin
            message = (self._seen if is_admin else self._own)(user, channel, ts)
            self._workspace.delete(message)
        self._happened()

    def react(self, user: str, channel: str, ts: str, name: str) -> None:
        """Adds a reaction, or removes it if it exists."""
        with self._workspace.changed:
            message = self._seen(user, channel, ts)
            if not self._workspace.react(message, user, name):
                self._workspace.unreact(message, user, name)
        self._happened()

    def pin(self, user: str, channel: str, ts: str) -> None:
        """Pins a message, or unpins it."""
        with self._workspace.changed:
            message = self._seen(user, channel, ts)
            if not self._workspace.pin(message, user):
                self._workspace.unpin(message, user)
        self._happened()

    def open_home(self, user: str, tab: str = "home") -> str:
        """Opens the app's "home" or "messages" tab; returns the id of the direct message channel."""
        with self._workspace.changed:
            where = self._workspace.direct(user)
            home = self._slack.views.homes.get(user) if tab == "home" else None
            shown = home.wire(self._workspace.team_id, self._workspace.app) if home else None
            at = self._workspace.new_ts()
            self._workspace.announce(events.home_opened(user, where.id, tab, shown, at), where)
        self._happened()
        return where.id

    def join(self, user: str, channel: str) -> None:
        """Joins a slack_channel."""
        with self._workspace.changed:
            self._workspace.join(self._workspace.channels[channel], user)
        self._happened()

    def part(self, user: str, channel: str) -> None:
        """Leaves a slack_channel."""
        with self._workspace.changed:
            self._workspace.part(self._entered(user, channel), user)
        self._happened()

    def invite_bot(self, channel: str, inviter: str = "") -> None:
        """Adds the app to a slack_channel of which the person is a member."""
        with self._workspace.changed:
            where = self._workspace.channels[channel]
            if inviter:
                self._entered(inviter, channel)
            self._workspace.join(where, self._workspace.app.user_id, inviter)
        self._happened()

    def remove_bot(self, channel: str, remover: str = "") -> None:
        """Removes the app from a slack_channel; it gets no more events of it."""
        with self._workspace.changed:
            if remover:
                self._entered(remover, channel)
            where, app = self._workspace.channels[channel], self._workspace.app.user_id
            if app not in where.members:
                raise Impossible(f"the app is not in {channel}")
            where.members.remove(app)
            self._workspace.changed.notify_all()

    def archive(self, channel: str, is_archived: bool = True) -> None:
        """Archives or unarchives a slack_channel."""
        with self._workspace.changed:
            self._workspace.channels[channel].is_archived = is_archived

    def redeliver(self, event_id: str) -> None:
        """Delivers an event once more, as if Slack had missed the acknowledgement.

        Raises:
            LookupError: the event does not exist.
        """
        found = self._slack.deliveries.find(lambda envelope: envelope["event_id"] == event_id)
        if not found:
            raise LookupError(f"no event {event_id}")
        self._slack.deliveries.repeat(found[0])
        self._happened()

    def _typed(self, user: str, channel: str, text: str, thread_ts: str) -> Message:
        where = self._entered(user, channel)
        if where.is_archived:
            raise Impossible(f"{channel} is archived")
        if thread_ts and thread_ts not in where.messages:
            raise Impossible(f"there is no thread {thread_ts} in {channel}")
        said, block = typed(text)
        message = Message(channel, user, said, thread_ts=thread_ts)
        message.blocks = [block] if text else []
        message.client_msg_id = str(uuid.uuid4())
        return message

    def _attach(self, message: Message, files: Sequence[Attachment]) -> None:
        message.subtype = "file_share"
        for attachment in files:
            file = self._slack.files.add(attachment, message.user)
            file.channels.append(message.channel)
            message.files.append(self._slack.files.wire(file))

    def _own(self, user: str, channel: str, ts: str) -> Message:
        message = self._seen(user, channel, ts)
        if message.user != user or message.bot_id:
            raise Impossible(f"{ts} is not by {user}")
        return message

    def _repeat(self, ts: str, times: int) -> None:
        deliveries = self._slack.deliveries
        for delivery in deliveries.find(lambda envelope: envelope["event"].get("ts") == ts):
            for _ in range(times):
                deliveries.repeat(delivery)
