"""Messages and their slack_channels, in the format of Slack's responses and events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from handoff_sandbox.slack.payloads import Json

TOMBSTONE = "This message was deleted."


@dataclass
class Message:
    """One message, also an ephemeral one.

    Attributes:
        channel: the id of its slack_channel.
        ts: its own id; "" before it is posted.
        thread_ts: its thread, for replies only.
        parent_user: the author of the thread's first message.
        bot_id, app_id: set for messages of the app.
        reactions: emoji name -> people, in order.
        replies: the ts of the replies in its thread, oldest first.
    """

    channel: str
    user: str
    text: str
    ts: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    files: list[Json] = field(default_factory=list)
    thread_ts: str = ""
    parent_user: str = ""
    subtype: str = ""
    client_msg_id: str = ""
    bot_id: str = ""
    app_id: str = ""
    username: str = ""
    icons: Json = field(default_factory=dict)
    metadata: Json = field(default_factory=dict)
    edited: Json = field(default_factory=dict)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    replies: list[str] = field(default_factory=list)
    reply_users: list[str] = field(default_factory=list)
    hidden: bool = False
    team: str = ""

    @property
    def is_reply(self) -> bool:
        """Whether it is in a thread and not also in the channel."""
        return bool(self.thread_ts) and self.subtype != "thread_broadcast"

    def wire(self, *, with_metadata: bool = False) -> Json:
        """Returns the message for histories and events; a new object each time."""
        shown: Json = {"type": "message", "ts": self.ts, "text": self.text}
        return shown | {name: value for name, value in self._optional(with_metadata) if value}

    def _optional(self, with_metadata: bool) -> Iterator[tuple[str, object]]:
        yield "user", "" if self.username else self.user
        for name in (
            "subtype",
            "client_msg_id",
            "bot_id",
            "app_id",
            "username",
            "icons",
            "hidden",
            "team",
        ):
            yield name, getattr(self, name)
        yield "blocks", list(self.blocks)
        yield "attachments", list(self.attachments)
        yield "files", list(self.files)
        yield "edited", dict(self.edited)
        yield "metadata", dict(self.metadata) if with_metadata else None
        yield "reactions", self._reactions()
        yield from self._thread()

    def _thread(self) -> Iterator[tuple[str, object]]:
        yield "thread_ts", self.thread_ts or (self.ts if self.replies else "")
        yield "parent_user_id", self.parent_user
        if self.replies:
            yield "reply_count", len(self.replies)
            yield "reply_users_count", len(self.reply_users)
            yield "reply_users", list(self.reply_users)
            yield "latest_reply", self.replies[-1]
            yield "subscribed", True

    def _reactions(self) -> list[Json]:
        return [
            {"name": name, "users": list(users), "count": len(users)}
            for name, users in self.reactions.items()
        ]


@dataclass
class SlackChannel:
    """A public or private slack_channel, or a direct message channel (`partner` is set) with the app.

    Attributes:
        members: ids of the members, in the order in which they joined.
        messages: by ts, oldest first, replies included.
        pins: ts -> who pinned it and when.
    """

    id: str
    name: str
    created: int
    creator: str
    is_private: bool = False
    partner: str = ""
    is_archived: bool = False
    members: list[str] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    pins: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Returns the `channel_type` of its events."""
        if self.partner:
            return "im"
        return "group" if self.is_private else "channel"

    def wire(self, reader: str) -> Json:
        """Returns the object `channel` of conversations.info, as `reader` sees it."""
        if self.partner:
            return self._direct()
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.is_private,
            "is_group": self.is_private,
            "is_im": False,
            "is_mpim": False,
            "is_private": self.is_private,
            "is_archived": self.is_archived,
            "is_general": False,
            "is_shared": False,
            "is_ext_shared": False,
            "is_org_shared": False,
            "is_pending_ext_shared": False,
            "pending_shared": [],
            "previous_names": [],
            "created": self.created,
            "creator": self.creator,
            "unlinked": 0,
            "updated": self.created * 1000,
            "is_member": reader in self.members,
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }

    def _direct(self) -> Json:
        return {
            "id": self.id,
            "created": self.created,
            "is_im": True,
            "is_org_shared": False,
            "is_open": True,
            "user": self.partner,
            "priority": 0,
        }
