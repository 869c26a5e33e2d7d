"""The messages and files that Twilio's stand-in keeps."""

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
"""Statuses of messages that Twilio has finished with."""


def new_sid(kind: str) -> str:
    """An id as Twilio makes them, e.g. "SM" and 32 hexadecimal digits."""
    return kind + uuid.uuid4().hex


@dataclass(frozen=True)
class StoredFile:
    """A file of a message."""

    sid: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass
class Message:
    """One message, either way. Changes only through `Messages`.

    Attributes:
        sender, to: addresses as Twilio writes them, "whatsapp:" included.
        callback: the StatusCallback, "" for none.
        service: the Messaging Service that sends it, None for none.
        fails_with: the code with which it is going to fail, None when it is not.
        error_code: why it failed, once it has.
        media_urls: files that we asked Twilio to fetch and send along.
        files: files that came with it.
        is_template: True when it was sent by a ContentSid.
        by_twilio: True when Twilio itself wrote it, in answer to a keyword.
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
        """Does it go over WhatsApp?"""
        return self.to.startswith("whatsapp:")


class Messages:
    """All messages of an account in the order in which they were made; safe to use from any thread.

    Attributes:
        changed: guards what the account knows, and announces every change.
    """

    def __init__(self, now: Clock) -> None:
        self.changed = threading.Condition()
        self._now = now
        self._all: dict[str, Message] = {}
        self._by_recipient: dict[str, list[Message]] = {}

    def __contains__(self, sid: str) -> bool:
        return sid in self._all

    def add(self, message: Message) -> None:
        """Keep a message."""
        with self.changed:
            self._all[message.sid] = message
            self._by_recipient.setdefault(message.to, []).append(message)
            self.changed.notify_all()

    def get(self, sid: str) -> Message | None:
        """The message with this id."""
        return self._all.get(sid)

    def remove(self, message: Message) -> None:
        """Forget a message for good."""
        with self.changed:
            del self._all[message.sid]
            self._by_recipient[message.to].remove(message)
            self.changed.notify_all()

    def to(self, address: str) -> list[Message]:
        """What was sent to this address, oldest first."""
        with self.changed:
            return list(self._by_recipient.get(address, ()))

    def newest_first(self, to: str | None = None) -> Iterator[Message]:
        """All messages, or all to one address."""
        with self.changed:
            found = list(self._all.values()) if to is None else self.to(to)
        return reversed(found)

    def advance(self, message: Message, status: str) -> None:
        """It has come as far as this; what it has passed already changes nothing."""
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
        """Forget what it said."""
        with self.changed:
            message.body, message.updated = "", self._now()
            self.changed.notify_all()


@dataclass
class ChatMessage:
    """One message of a conversation. Changes only through `twilio_conversations`.

    Attributes:
        index: its number in the conversation, from 0.
        attributes: JSON.
        source: what it was written with: "SDK" (a chat), "API", "SMS", "WHATSAPP".
        participant: the id of its author among the participants, "" for a program.
        steps: what has been told of its delivery, in Twilio's words.
        error_code: why its delivery failed, once it has.
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
    """One conversation: what was said, by whom, and with what its customer writes."""

    sid: str
    messages: list[ChatMessage] = field(default_factory=list)
    participants: dict[str, str] = field(default_factory=dict)
    source: str = "SDK"
