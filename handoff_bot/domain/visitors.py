"""A website visitor's view of their own conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from handoff_bot.domain.errors import Malformed
from handoff_bot.domain.messages import Author

PARTS = 1000
"""Gap between two messages' order numbers, for the parts of a long message."""


@dataclass(frozen=True)
class Visitor:
    """A website visitor: the address on the channel, and the name shown to agents (hostile).

    `attributes` are what the website has signed about them; None for an anonymous visitor.
    """

    address: str
    name: str
    attributes: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Session:
    """Token that a visitor's browser sends with every request. `expires_in` in seconds."""

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
    """Reading position: the last inbound message and the last delivery shown.

    Two numbers, because our messages are shown when they are sent, not when they are written.
    """

    inbound: int = 0
    delivery: int = 0

    def __str__(self) -> str:
        return f"{self.inbound}.{self.delivery}"

    @property
    def is_start(self) -> bool:
        return self == Cursor()

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Parses a cursor; "" is the start.

        Raises:
            Malformed: it was not created here.
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
    """A file in a bubble; `token` is "" if it is no longer stored."""

    token: str
    name: str
    content_type: str


@dataclass(frozen=True)
class VisitorLine:
    """One bubble. `order` sorts it; `cursor` is the reading position after it.

    Attributes:
        provider_id: of an inbound message, "" for ours.
        oid: of our own messages, for delivery status; "" for inbound ones.
        name: the agent's name, "" for other authors.
        agent_id: of the agent, None for other authors.
        text: hostile if the author is the contact.
        files: attached files with harmless names.
        choices: replies to offer as buttons.
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
    choices: tuple[str, ...] = ()
    agent_id: int | None = None


@dataclass(frozen=True)
class VisitorState:
    """Current state.

    Attributes:
        agent: the agent's name, or "".
        agent_id: of this agent.
        position: place in the queue from 1, None unless waiting.
        wait_minutes: the rest of the estimate, None unless waiting.
        typing: True while the assistant composes an answer.
        delivered, read: highest order of inbound messages with this status.
    """

    phase: Phase = Phase.ASSISTANT
    agent: str = ""
    agent_id: int | None = None
    position: int | None = None
    wait_minutes: int | None = None
    typing: bool = False
    delivered: int = 0
    read: int = 0


@dataclass(frozen=True)
class Look:
    """New messages after a cursor. `is_all` is False if there are more."""

    lines: tuple[VisitorLine, ...]
    state: VisitorState
    cursor: Cursor
    is_all: bool = True
