"""Messages and files of Twilio's stand-in."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Clock = Callable[[], datetime]
Direction = Literal["inbound", "outbound-api", "outbound-reply"]

_RANK = ("accepted", "queued", "sent", "delivered", "read")
FAILURES = frozenset({"failed", "undelivered"})
FINAL = FAILURES | {"received", "delivered", "read"}
"""Final statuses of messages."""


def new_sid(kind: str) -> str:
    """Returns an id in Twilio's format, e.g. "SM" and 32 hexadecimal digits."""
    return kind + uuid.uuid4().hex


@dataclass(frozen=True)
class StoredFile:
    """A file of a message, with the sender's name for it, "" for none."""

    sid: str
    content_type: str
    content: bytes = field(repr=False)
    name: str = ""


@dataclass
class Message:
    """One message in either direction. Changed only by `Messages`.

    Attributes:
        sender, to: addresses in Twilio's format, with "whatsapp:".
        callback: the StatusCallback, "" for none.
        service: the Messaging Service that sends it, None for none.
        fails_with: the code with which it will fail, None for success.
        error_code: the code with which it failed.
        media_urls: files for Twilio to fetch and send.
        files: files of the message.
        is_template: True if it was sent by a ContentSid.
        by_twilio: True for Twilio's own reply to a keyword.
    """

    sid: str
    direction: Direction
    sender: str
    to: str
    body: str
    status: str
    created: datetime
    updated: datetime
    sent: datetime | None = None
    callback: str = ""
    service: str | None = None
    fails_with: int | None = None
    error_code: int | None = None
    media_urls: tuple[str, ...] = ()
    files: tuple[StoredFile, ...] = ()
    by_twilio: bool = False
    is_template: bool = False

    @property
    def is_whatsapp(self) -> bool:
        """Whether it is a WhatsApp message."""
        return self.to.startswith("whatsapp:")


class Messages:
    """All messages of an account in the order of their creation; thread-safe.

    Attributes:
        changed: guards the account's state, and is notified of every change.
    """

    def __init__(self, now: Clock) -> None:
        self.changed = threading.Condition()
        self._now = now
        self._all: dict[str, Message] = {}
        self._by_recipient: dict[str, list[Message]] = {}

    def __contains__(self, sid: str) -> bool:
        return sid in self._all

    def add(self, message: Message) -> None:
        """Adds a message."""
        with self.changed:
            self._all[message.sid] = message
            self._by_recipient.setdefault(message.to, []).append(message)
            self.changed.notify_all()

    def get(self, sid: str) -> Message | None:
        """Returns the message with this id."""
        return self._all.get(sid)

    def remove(self, message: Message) -> None:
        """Deletes a message."""
        with self.changed:
            del self._all[message.sid]
            self._by_recipient[message.to].remove(message)
            self.changed.notify_all()

    def drop_file(self, message: Message, file: StoredFile) -> None:
        """Deletes a file of a message."""
        with self.changed:
            message.files = tuple(one for one in message.files if one is not file)
            self.changed.notify_all()

    def to(self, address: str) -> list[Message]:
        """Returns the messages to this address, oldest first."""
        with self.changed:
            return list(self._by_recipient.get(address, ()))

    def newest_first(self, to: str | None = None) -> Iterator[Message]:
        """Returns all messages, or those to one address."""
        with self.changed:
            found = list(self._all.values()) if to is None else self.to(to)
        return reversed(found)

    def advance(self, message: Message, status: str) -> None:
        """Sets the status of a message; an earlier status changes nothing."""
        with self.changed:
            if status in FAILURES:
                message.status, message.error_code = status, message.fails_with
            elif message.status in FAILURES or _RANK.index(status) <= _RANK.index(message.status):
                return
            else:
                message.status = status
            message.updated = self._now()
            if status != "queued" and message.sent is None:
                message.sent = message.updated
            self.changed.notify_all()

    def redact(self, message: Message) -> None:
        """Removes the text of a message."""
        with self.changed:
            message.body, message.updated = "", self._now()
            self.changed.notify_all()


@dataclass
class ChatMessage:
    """One message of a conversation. Changed only by `twilio_conversations`.

    Attributes:
        index: its number in the conversation, from 0.
        attributes: JSON.
        source: "SDK" (a chat), "API", "SMS", "WHATSAPP".
        participant: the id of its author among the participants, "" for a program.
        steps: its reported delivery steps, in Twilio's terms.
        error_code: the code with which its delivery failed.
    """

    sid: str
    conversation: str
    index: int
    author: str
    body: str
    attributes: str
    source: str
    created: datetime
    participant: str = ""
    files: tuple[StoredFile, ...] = ()
    steps: list[str] = field(default_factory=list)
    error_code: int | None = None


@dataclass
class Conversation:
    """One conversation: its messages, their authors, and the customer's channel."""

    sid: str
    messages: list[ChatMessage] = field(default_factory=list)
    participants: dict[str, str] = field(default_factory=dict)
    source: str = "SDK"
