"""Reads messages from exports of other tools: Chatwoot, Intercom, Zendesk and plain tables.

docs/evaluate.md names the source of each format.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from handoff_bot.domain.errors import HandoffError
from handoff_bot.domain.messages import storable

LONGEST_TEXT = 4_000
_LONGEST_ID = 200
_TAG = re.compile(r"<[^<>]{0,1000}>")
_SPACE = re.compile(r"\s+")
_MILLISECONDS = 10_000_000_000
"""Numbers from here on are milliseconds: as seconds they would be after the year 2286."""

CUSTOMER, ASSISTANT, AGENT = "customer", "assistant", "agent"
_ROLES = {
    **dict.fromkeys(
        ("customer", "contact", "user", "lead", "visitor", "client", "end_user", "enduser"),
        CUSTOMER,
    ),
    **dict.fromkeys(("requester", "guest", "incoming", "inbound", "in"), CUSTOMER),
    **dict.fromkeys(("assistant", "bot", "ai", "ai_agent", "agent_bot", "agentbot"), ASSISTANT),
    **dict.fromkeys(("automation", "system", "workflow", "captain_assistant"), ASSISTANT),
    **dict.fromkeys(("agent", "admin", "operator", "staff", "human", "teammate", "team"), AGENT),
    **dict.fromkeys(("outgoing", "outbound", "out", "support"), AGENT),
}
_YES = frozenset({"t", "true", "1", "yes"})


class ExportError(HandoffError):
    """An export cannot be read; the text says why, and what to do."""


@dataclass(frozen=True)
class PastMessage:
    """A message of a past conversation.

    Attributes:
        conversation: the export's id of it. Hostile text.
        role: CUSTOMER, ASSISTANT or AGENT.
        text: without markup, at most LONGEST_TEXT characters. Hostile text.
        at: seconds since 1970, None if unknown.
    """

    conversation: str
    role: str
    text: str
    at: float | None = None


Row = Mapping[str, str]


@dataclass(frozen=True)
class TableFormat:
    """A table with one message a row.

    Attributes:
        name: for the report.
        columns: the columns that are read, by place in a row.
        read: returns a row's message, None for what no customer reads; raises ValueError if it is broken.
    """

    name: str
    columns: Mapping[str, int]
    read: Callable[[Row], PastMessage | None]

    def message(self, row: Sequence[str]) -> PastMessage | None:
        """Returns a row's message; None for notes, activities and messages without text.

        Raises:
            ValueError: the row is broken.
        """
        if max(self.columns.values()) >= len(row):
            raise ValueError("the row is too short")
        return self.read({name: row[at].strip() for name, at in self.columns.items()})


def table_format(header: Sequence[str]) -> TableFormat:
    """Recognizes a table by its first line.

    Raises:
        ExportError: the format is unknown, or holds no messages.
    """
    places: dict[str, int] = {}
    for at, name in enumerate(header):
        places.setdefault(_column(name), at)
    for name, needed, others, read in _TABLES:
        if needed <= places.keys():
            wanted = [one for one in places if one in needed | others]
            return TableFormat(name, {one: places[one] for one in wanted}, read)
    if plain := _plain_columns(places):
        return TableFormat("plain table", plain, _read_plain)
    if {"requester", "subject"} <= places.keys() or {"ticket_id", "subject"} <= places.keys():
        raise ExportError(
            "This looks like Zendesk's CSV of tickets, which holds no comments. Export JSON instead."
        )
    raise ExportError(
        "The format is unknown. Name the columns conversation, role (customer, assistant, agent) and "
        "text, and optionally time."
    )


def _column(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().removeprefix("\ufeff").strip().casefold())


_PLAIN = {
    "conversation": (
        "conversation",
        "conversation_id",
        "chat_id",
        "chat",
        "thread_id",
        "ticket_id",
    ),
    "role": ("role", "author", "author_type", "sender", "sender_type", "from", "direction"),
    "text": ("text", "message", "content", "body"),
}
_TIMES = ("time", "timestamp", "created_at", "sent_at", "date")


def _plain_columns(places: Mapping[str, int]) -> dict[str, int]:
    """Returns where the columns of a plain table are; empty if one is missing."""
    found: dict[str, int] = {}
    for name, known in _PLAIN.items():
        at = next((places[one] for one in known if one in places), None)
        if at is None:
            return {}
        found[name] = at
    when = next((places[one] for one in _TIMES if one in places), None)
    return found if when is None else {**found, "time": when}


def _read_plain(row: Row) -> PastMessage | None:
    return _message(row["conversation"], _role(row["role"]), row["text"], row.get("time"))


def _read_chatwoot(row: Mapping[str, Any]) -> PastMessage | None:
    """Message types: 0 incoming, 1 outgoing, 2 activity, 3 template."""
    kind = str(row["message_type"]).casefold()
    if kind in ("2", "activity") or str(row.get("private", "")).casefold() in _YES:
        return None
    if kind in ("3", "template"):
        role = ASSISTANT
    elif kind in ("0", "incoming"):
        role = CUSTOMER
    elif kind in ("1", "outgoing"):
        role = AGENT if _is_by_user(row) else ASSISTANT
    else:
        raise ValueError("unknown message type")
    return _message(row["conversation_id"], role, row["content"], row.get("created_at"))


def _is_by_user(row: Mapping[str, Any]) -> bool:
    """Returns whether an agent wrote an outgoing message; without a column that says so, one did."""
    for name in ("sender_type", "user_id"):
        if name in row:
            sender = str(row[name] or "").casefold()
            return sender == "user" if name == "sender_type" else bool(sender)
    return True


def _read_intercom(row: Row) -> PastMessage | None:
    if row.get("message_type", "").casefold() == "note":
        return None
    role = _role(row["message_author_type"])
    return _message(
        row["conversation_id"], role, _unmarked(row["message_body"]), row.get("message_created_at")
    )


_TABLES: tuple[
    tuple[str, frozenset[str], frozenset[str], Callable[[Row], PastMessage | None]], ...
] = (
    (
        "Chatwoot, table of messages",
        frozenset({"conversation_id", "message_type", "content"}),
        frozenset({"private", "sender_type", "user_id", "created_at"}),
        _read_chatwoot,
    ),
    (
        "Intercom, CSV of messages",
        frozenset({"conversation_id", "message_author_type", "message_body"}),
        frozenset({"message_type", "message_created_at"}),
        _read_intercom,
    ),
)


@dataclass(frozen=True)
class LinesFormat:
    """JSON lines, each with the messages of one conversation, or with one message.

    Attributes:
        read: yields a line's messages; raises ValueError, LookupError, TypeError or AttributeError if
            it is broken.
    """

    name: str
    read: Callable[[Mapping[str, Any]], Iterator[PastMessage | None]]

    def messages(self, line: Mapping[str, Any]) -> list[PastMessage | None]:
        """Returns a line's messages; None for notes, activities and messages without text.

        Raises:
            ValueError: the line is broken.
        """
        try:
            return list(self.read(line))
        except (LookupError, TypeError, AttributeError):
            raise ValueError("the line is broken") from None


def lines_format(first: Mapping[str, Any]) -> LinesFormat:
    """Recognizes JSON lines by their first object.

    Raises:
        ExportError: the format is unknown.
    """
    for name, marks, read in _LINES:
        if marks <= first.keys():
            return LinesFormat(name, read)
    raise ExportError(
        "The format of the JSON lines is unknown. Give objects with id and turns, each turn with role "
        "and text."
    )


def _zendesk(ticket: Mapping[str, Any]) -> Iterator[PastMessage | None]:
    """A comment is the customer's if the requester wrote it; ids below 1 are the system's."""
    requester = _id_of(ticket, "requester")
    for comment in ticket["comments"]:
        if comment.get("public") is False:
            yield None
            continue
        author = _id_of(comment, "author")
        role = CUSTOMER if author == requester else AGENT
        if isinstance(author, int) and author <= 0:
            role = ASSISTANT
        text = comment.get("plain_body") or comment.get("body")
        yield _message(ticket["id"], role, _unmarked(text), comment.get("created_at"))


def _id_of(owner: Mapping[str, Any], name: str) -> object:
    found = owner.get(f"{name}_id")
    return found if found is not None else owner[name]["id"]


def _intercom(conversation: Mapping[str, Any]) -> Iterator[PastMessage | None]:
    parts = conversation["conversation_parts"]
    listed = parts["conversation_parts"] if isinstance(parts, Mapping) else parts
    source = conversation.get("source")
    for part in [*([source] if source else []), *listed]:
        if part.get("part_type") == "note" or not part.get("body"):
            yield None
            continue
        author = part["author"]
        is_ai = author.get("from_ai_agent") or author.get("is_ai_answer")
        role = ASSISTANT if is_ai else _role(author["type"])
        at = part.get("created_at", conversation.get("created_at"))
        yield _message(conversation["id"], role, _unmarked(part["body"]), at)


def _chatwoot(answer: Mapping[str, Any]) -> Iterator[PastMessage | None]:
    """Reads one message, or the answer of Chatwoot's API, with the messages of one conversation."""
    for message in answer.get("payload", [answer]):
        sender = (message.get("sender") or {}).get("type") or message.get("sender_type")
        yield _read_chatwoot(
            {**message, "sender_type": sender, "content": message.get("content") or ""}
        )


def _judged(talk: Mapping[str, Any]) -> Iterator[PastMessage | None]:
    for turn in talk["turns"]:
        yield _message(talk["id"], _role(turn["role"]), turn["text"], turn.get("time"))


_LINES: tuple[
    tuple[str, frozenset[str], Callable[[Mapping[str, Any]], Iterator[PastMessage | None]]], ...
] = (
    ("Intercom, JSON lines", frozenset({"conversation_parts"}), _intercom),
    ("Zendesk, JSON lines", frozenset({"comments", "id"}), _zendesk),
    ("Chatwoot, JSON lines", frozenset({"payload"}), _chatwoot),
    ("Chatwoot, JSON lines", frozenset({"message_type", "conversation_id"}), _chatwoot),
    ("plain JSON lines", frozenset({"id", "turns"}), _judged),
)


def _role(said: object) -> str:
    role = _ROLES.get(_column(str(said)).replace("::", "_"))
    if role is None:
        raise ValueError("unknown role")
    return role


def _message(conversation: object, role: str, text: object, time: object) -> PastMessage | None:
    name = str(conversation).strip()
    if not name or conversation is None:
        raise ValueError("no conversation")
    said = storable(text[: 2 * LONGEST_TEXT]).strip() if isinstance(text, str) else ""
    if not said:
        return None
    return PastMessage(storable(name)[:_LONGEST_ID], role, said[:LONGEST_TEXT], _seconds(time))


def _unmarked(text: object) -> str:
    """Returns a text without HTML."""
    said = text[: 4 * LONGEST_TEXT] if isinstance(text, str) else ""
    if "<" not in said and "&" not in said:
        return said
    return _SPACE.sub(" ", html.unescape(_TAG.sub(" ", said)))


def _seconds(time: object) -> float | None:
    """Reads seconds or milliseconds since 1970, or an ISO date; UTC if it names no zone."""
    said = str(time if time is not None else "").strip()
    try:
        number = float(said)
    except ValueError:
        return _from_date(said.removesuffix(" UTC"))
    if not 0 <= number < 10 * _MILLISECONDS * 100:
        return None
    return number / 1_000 if number >= _MILLISECONDS else number


def _from_date(said: str) -> float | None:
    try:
        found = datetime.fromisoformat(said)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
