"""What is known about customers: attributes, and a website visitor's view of their own conversation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from handoff_bot.domain.errors import Malformed
from handoff_bot.domain.messages import Author
from handoff_bot.domain.text import is_visible, one_line

# -- attributes, such as plan and order, as the team's own systems name them
# Values are hostile: a website may pass on what its visitor typed.

MOST = 12
LONGEST_NAME, LONGEST_VALUE = 32, 120
"""In characters."""
LARGEST = 1500
"""Bytes of all attributes as JSON: a visitor's session, which has them, travels in a header."""
_NAME = re.compile(rf"[^\W_][\w .-]{{0,{LONGEST_NAME - 1}}}")
_CONDITION = re.compile(r"([^=:]+)[=:](.+)")
_WHOLE = re.compile(r"(-?\d+)\.0+")
_SPELLED = {"true": "yes", "false": "no"}
_LARGEST_WHOLE = 1e15
"""Larger numbers with a fraction are not exact: they stay as they are."""
WRONG = (
    f"“{{line}}” is not a condition. Enter one per line, such as plan = pro. "
    f"Names have at most {LONGEST_NAME} letters and digits."
)


def attributes_in(given: object) -> dict[str, str]:
    """Returns the valid attributes of an object from another system; names in lowercase.

    Nested values, invalid names and what exceeds the limits is left out: a mistake of the website
    must not close its chat.
    """
    found: dict[str, str] = {}
    size = 2
    for name, value in given.items() if isinstance(given, Mapping) else ():
        named, shown = _name(name), _value(value)
        size += len(json.dumps([named, shown]))
        if named and shown and size <= LARGEST and (named in found or len(found) < MOST):
            found[named] = shown
    return found


def _name(given: object) -> str:
    name = one_line(given, LONGEST_NAME + 1).lower() if isinstance(given, str) else ""
    return name if _NAME.fullmatch(name) else ""


def _value(given: object) -> str:
    if isinstance(given, bool):
        return "yes" if given else "no"
    if not isinstance(given, str | int | float):
        return ""
    if isinstance(given, float) and given.is_integer() and abs(given) < _LARGEST_WHOLE:
        given = int(given)
    shown = one_line(str(given)[: 4 * LONGEST_VALUE], LONGEST_VALUE)
    return shown if is_visible(shown) else ""


@dataclass(frozen=True)
class Condition:
    """A rule's condition on one attribute; compared as `_compared`."""

    name: str
    value: str

    @classmethod
    def parse(cls, line: str) -> Condition:
        """Parses "plan = pro".

        Raises:
            ValueError: invalid; with a message for the user.
        """
        parts = _CONDITION.fullmatch(line.strip())
        name, value = (_name(parts[1]), _value(parts[2])) if parts else ("", "")
        if not name or not value:
            raise ValueError(WRONG.format(line=one_line(line, 40)))
        return cls(name, value)

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"


def _compared(value: str) -> str:
    """Returns what is equal for equal values: regardless of case, true is yes and 3.0 is 3."""
    folded = value.casefold()
    whole = _WHOLE.fullmatch(folded)
    return whole[1] if whole else _SPELLED.get(folded, folded)


def attribute_conditions_in(text: str) -> tuple[str, ...]:
    """Returns the conditions of a text, one per line, in their stored form.

    Raises:
        ValueError: a line is not a condition, or there are too many.
    """
    lines = list(filter(str.strip, text.splitlines()))
    if len(lines) > 2 * MOST:
        raise ValueError(f"Enter at most {2 * MOST} conditions.")
    return tuple(dict.fromkeys(str(Condition.parse(line)) for line in lines))


def by_name(conditions: Iterable[str]) -> dict[str, frozenset[str]]:
    """Returns the wanted values of each attribute: one of them is enough, for every attribute."""
    wanted: dict[str, frozenset[str]] = {}
    for line in conditions:
        one = Condition.parse(line)
        wanted[one.name] = wanted.get(one.name, frozenset()) | {_compared(one.value)}
    return wanted


def fit(conditions: Iterable[str], found: Mapping[str, str]) -> bool:
    """Returns whether a customer's attributes match all conditions."""
    return all(
        _compared(found.get(name, "")) in values for name, values in by_name(conditions).items()
    )


def cover(conditions: Iterable[str], others: Iterable[str]) -> bool:
    """Returns whether all attributes that match the other conditions match these."""
    theirs = by_name(others)
    return all(
        name in theirs and theirs[name] <= values for name, values in by_name(conditions).items()
    )


# -- a website visitor's view of their own conversation

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
