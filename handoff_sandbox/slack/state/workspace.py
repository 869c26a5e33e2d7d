"""The workspace's state, and its changes by people and apps; each change is announced."""

from __future__ import annotations

import copy
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state import events
from handoff_sandbox.slack.state.messages import TOMBSTONE, Message, SlackChannel
from handoff_sandbox.slack.state.people import Person, UserGroup

Clock = Callable[[], float]
"""Seconds since the epoch."""

Announce = Callable[[Json, SlackChannel], None]
"""Gets every event, and where it happened."""


@dataclass(frozen=True)
class App:
    """The bot under test: its app, its bot, and its user."""

    app_id: str
    bot_id: str
    user_id: str
    name: str


class Workspace:
    """People, slack_channels and messages. Every method holds `changed`, which is notified of every change.

    `announce` is called under the lock and must not block.
    """

    def __init__(self, team_id: str, domain: str, app: App, now: Clock = time.time) -> None:
        self.team_id, self.domain, self.app, self.now = team_id, domain, app, now
        self.changed = threading.Condition()
        self.announce: Announce = _tell_nobody
        self.people: dict[str, Person] = {}
        self.groups: dict[str, UserGroup] = {}
        self.channels: dict[str, SlackChannel] = {}
        self.ephemerals: dict[str, list[Message]] = {}
        self._ids = itertools.count(1)
        self._last_ts = 0

    # -- ids and time

    def new_id(self, prefix: str) -> str:
        """Returns an id that looks like Slack's."""
        with self.changed:
            return f"{prefix}0SBX{next(self._ids):05d}"

    def new_ts(self) -> str:
        """Returns the time as a message id: unique and increasing."""
        with self.changed:
            self._last_ts = max(self._last_ts + 1, int(self.now() * 1_000_000))
            return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    @property
    def url(self) -> str:
        """The workspace's address, with a slash at its end."""
        return f"https://{self.domain}.slack.com/"

    # -- lookups

    def find_message(self, channel: str, ts: str) -> Message | None:
        """Returns the message, unless it was deleted."""
        found = self.channels[channel].messages.get(ts)
        return None if found is None or found.subtype == "tombstone" else found

    def find_ephemeral(self, user: str, ts: str) -> Message | None:
        """Returns an ephemeral message of this person."""
        return next((one for one in self.ephemerals.get(user, ()) if one.ts == ts), None)

    def thread(self, channel: str, ts: str) -> Iterator[Message]:
        """Returns a message and its replies, oldest first."""
        messages = self.channels[channel].messages
        yield messages[ts]
        yield from (messages[reply] for reply in messages[ts].replies)

    def name_of(self, one: str) -> str:
        """Returns the name of a person, a slack_channel or a user group for a mention, by its id."""
        if one in self.people:
            return self.people[one].name
        if one in self.channels:
            return self.channels[one].name
        return f"@{self.groups[one].handle}" if one in self.groups else one

    def permalink(self, message: Message) -> str:
        """Returns the address of a message."""
        link = f"{self.url}archives/{message.channel}/p{message.ts.replace('.', '')}"
        if message.thread_ts:
            link += f"?thread_ts={message.thread_ts}&cid={message.channel}"
        return link

    # -- messages

    def post(self, message: Message) -> Message:
        """Posts a message to its slack_channel; sets its ts and the ids of its blocks.

        A reply to a reply goes to the same thread. A reply to a deleted message silently becomes a message in
        the channel, as in Slack (slack-go/slack#1571).
        """
        with self.changed:
            where = self.channels[message.channel]
            author = self.people.get(message.user)
            message.ts, message.team = self.new_ts(), (author and author.team_id) or self.team_id
            name_blocks(message.blocks)
            self._thread_up(where, message)
            where.messages[message.ts] = message
            self._tell(events.posted(where, message, self._root(where, message)), where)
            return message

    def _thread_up(self, where: SlackChannel, message: Message) -> None:
        parent = where.messages.get(message.thread_ts)
        if parent and parent.thread_ts:
            parent = where.messages.get(parent.thread_ts)
        if parent is None:
            message.thread_ts = ""
            message.subtype = message.subtype.replace("thread_broadcast", "")
            return
        message.thread_ts, message.parent_user = parent.ts, parent.user
        parent.replies.append(message.ts)
        if message.user not in parent.reply_users:
            parent.reply_users.append(message.user)

    def _root(self, where: SlackChannel, message: Message) -> Message | None:
        is_broadcast = message.subtype == "thread_broadcast"
        return where.messages[message.thread_ts] if is_broadcast else None

    def edit(self, message: Message, editor: str, **changes: object) -> None:
        """Changes fields of a message; sets `edited` unless its blocks change."""
        with self.changed:
            before = copy.copy(message)
            at = self.new_ts()
            for name, value in changes.items():
                setattr(message, name, value)
            name_blocks(message.blocks)
            if message.client_msg_id or not message.blocks:
                message.edited = {"user": editor, "ts": at}
            where = self.channels[message.channel]
            self._tell(events.changed(where, message, before, at), where)

    def delete(self, message: Message) -> None:
        """Deletes a message; one with replies leaves a tombstone, so that the thread stays."""
        with self.changed:
            where = self.channels[message.channel]
            where.pins.pop(message.ts, None)
            if message.replies:
                self._bury(where, message)
                return
            del where.messages[message.ts]
            parent = where.messages.get(message.thread_ts)
            if parent:
                parent.replies.remove(message.ts)
                authors = (where.messages[reply].user for reply in parent.replies)
                parent.reply_users = list(dict.fromkeys(authors))
            self._tell(events.deleted(where, message, self.new_ts()), where)

    def _bury(self, where: SlackChannel, message: Message) -> None:
        before = copy.copy(message)
        message.text, message.subtype, message.user = TOMBSTONE, "tombstone", "USLACKBOT"
        message.blocks, message.files, message.reactions, message.metadata = [], [], {}, {}
        message.bot_id = message.app_id = message.username = message.client_msg_id = ""
        message.hidden = True
        self._tell(events.changed(where, message, before, self.new_ts()), where)

    def ephemeral(self, user: str, message: Message) -> Message:
        """Shows an ephemeral message. It is in no history, and causes no event."""
        with self.changed:
            message.ts = self.new_ts()
            name_blocks(message.blocks)
            self.ephemerals.setdefault(user, []).append(message)
            self.changed.notify_all()
            return message

    def rewrite_ephemeral(self, message: Message, text: str, blocks: list[Json]) -> None:
        """Replaces an ephemeral message."""
        with self.changed:
            name_blocks(blocks)
            message.text, message.blocks = text, blocks
            self.changed.notify_all()

    def forget_ephemeral(self, user: str, message: Message) -> None:
        """Removes an ephemeral message."""
        with self.changed:
            self.ephemerals[user].remove(message)
            self.changed.notify_all()

    # -- reactions, pins, members

    def react(self, message: Message, user: str, name: str) -> bool:
        """Adds a reaction; False if it exists."""
        with self.changed:
            users = message.reactions.setdefault(name, [])
            if user in users:
                return False
            users.append(user)
            where = self.channels[message.channel]
            self._tell(events.reacted(message, user, name, self.new_ts(), "reaction_added"), where)
            return True

    def unreact(self, message: Message, user: str, name: str) -> bool:
        """Removes a reaction; False if it does not exist."""
        with self.changed:
            users = message.reactions.get(name, [])
            if user not in users:
                return False
            users.remove(user)
            if not users:
                del message.reactions[name]
            where = self.channels[message.channel]
            told = events.reacted(message, user, name, self.new_ts(), "reaction_removed")
            self._tell(told, where)
            return True

    def pin(self, message: Message, user: str) -> bool:
        """Pins a message; False if it is pinned."""
        with self.changed:
            where = self.channels[message.channel]
            if message.ts in where.pins:
                return False
            where.pins[message.ts] = (user, int(self.now()))
            self._tell(events.pinned(message, user, self.new_ts(), "pin_added"), where)
            return True

    def unpin(self, message: Message, user: str) -> bool:
        """Unpins a message; False if it is not pinned."""
        with self.changed:
            where = self.channels[message.channel]
            if where.pins.pop(message.ts, None) is None:
                return False
            self._tell(events.pinned(message, user, self.new_ts(), "pin_removed"), where)
            return True

    def join(self, where: SlackChannel, user: str, inviter: str = "") -> bool:
        """Adds a member to a slack_channel, with the line that says so; False for a member."""
        with self.changed:
            if user in where.members:
                return False
            where.members.append(user)
            subtype = "group_join" if where.is_private else "channel_join"
            text = f"<@{user}> has joined the channel"
            ts = self.new_ts()
            line = Message(where.id, user, text, ts, subtype=subtype)
            where.messages[ts] = line
            self._tell(events.posted(where, line, None), where)
            self._tell(events.joined(where, user, inviter, self.team_id, ts), where)
            return True

    def part(self, where: SlackChannel, user: str) -> None:
        """Removes a member from a slack_channel."""
        with self.changed:
            where.members.remove(user)
            self._tell(events.left(where, user, self.team_id, self.new_ts()), where)

    def direct(self, user: str) -> SlackChannel:
        """Returns the direct message channel of a person and the app; opens it if needed."""
        with self.changed:
            found = next((one for one in self.channels.values() if one.partner == user), None)
            if found:
                return found
            members = [user, self.app.user_id]
            opened = SlackChannel(
                self.new_id("D"), "directmessage", int(self.now()), user, partner=user
            )
            opened.members = members
            self.channels[opened.id] = opened
            return opened

    def _tell(self, event: Json, where: SlackChannel) -> None:
        self.announce(event, where)
        self.changed.notify_all()


def _tell_nobody(_event: Json, _where: SlackChannel) -> None:
    """The default listener: ignores events."""


def name_blocks(blocks: list[Json]) -> None:
    """Gives every block and every interactive element the id that Slack gives it."""
    for block in blocks:
        block.setdefault("block_id", uuid.uuid4().hex[:5])
        for element in elements_of(block):
            element.setdefault("action_id", uuid.uuid4().hex[:5])


def elements_of(block: Json) -> list[Json]:
    """Returns the interactive elements of one block."""
    if block.get("type") in ("actions", "context_actions"):
        return list(block.get("elements") or ())
    single = block.get("accessory") or block.get("element")
    is_interactive = isinstance(single, dict) and single.get("type") != "image"
    return [single] if single and is_interactive else []
