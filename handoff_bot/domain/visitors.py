"""What a visitor of a website sees of their own conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from handoff_bot.domain.errors import Malformed
from handoff_bot.domain.messages import Author

PARTS = 1000
"""Room between two messages' places in a conversation, for the parts of a long one."""


@dataclass(frozen=True)
class Visitor:
    """Somebody on a website: their address on the channel, and what agents call them (hostile)."""

    address: str
    name: str


@dataclass(frozen=True)
class Session:
    """What a visitor's browser gets to show with every request. `expires_in` in seconds."""

    token: str = field(repr=False)
    visitor: Visitor
    expires_in: int


class Phase(StrEnum):
    """Who the visitor is talking to."""

    ASSISTANT = "assistant"
    WAITING = "waiting"
    AGENT = "agent"


@dataclass(frozen=True)
class Cursor:
    """How far somebody has read: the last inbound message and the last delivery they were shown.

    Two numbers, because a message of ours is shown when it leaves, not when it is written.
    """

    inbound: int = 0
    delivery: int = 0

    def __str__(self) -> str:
        return f"{self.inbound}.{self.delivery}"

    @property
    def is_start(self) -> bool:
        """Has nothing been shown yet?"""
        return self == Cursor()

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """The cursor that was written as this, the start for "".

        Raises:
            Malformed: nobody here wrote it.
        """
        if not text:
            return cls()
        numbers = text.split(".")
        if len(numbers) != 2 or not all(
            n.isascii() and n.isdigit() and len(n) < 19 for n in numbers
        ):
            raise Malformed("The cursor is not valid.")
        return cls(int(numbers[0]), int(numbers[1]))


@dataclass(frozen=True)
class VisitorFile:
    """A file in a bubble; `token` is "" when it is not kept any more."""

    token: str
    name: str
    content_type: str


@dataclass(frozen=True)
class VisitorLine:
    """One bubble. `order` sorts it among the others; `cursor` is how far one has read with it.

    Attributes:
        provider_id: of an inbound message, "" of ours.
        oid: of our own messages, for their delivery marks; "" of inbound ones.
        name: the agent's, "" for everybody else.
        text: hostile when the author is the contact.
        files: what goes with it; their names are harmless.
    """

    order: int
    cursor: Cursor
    author: Author
    name: str
    text: str
    at: datetime
    provider_id: str = ""
    oid: str = ""
    files: tuple[VisitorFile, ...] = ()


@dataclass(frozen=True)
class VisitorState:
    """How things stand.

    Attributes:
        agent: the name of the agent they talk to, "" while there is none.
        position: place in the queue from 1, None unless waiting.
        wait_minutes: what is left of the estimate, None unless waiting.
        typing: is the assistant composing an answer?
        delivered, read: inbound messages with an order up to this have come so far.
    """

    phase: Phase = Phase.ASSISTANT
    agent: str = ""
    position: int | None = None
    wait_minutes: int | None = None
    typing: bool = False
    delivered: int = 0
    read: int = 0


@dataclass(frozen=True)
class Look:
    """What there is to see from a cursor on. `is_all` is False when there is more behind it."""

    lines: tuple[VisitorLine, ...]
    state: VisitorState
    cursor: Cursor
    is_all: bool = True
