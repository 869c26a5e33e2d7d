"""The tables. Unique and partial unique indexes carry the invariants; times are aware UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, DateTime, Index, Integer, Text, text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

Json = dict[str, Any]
"""A JSON object as its writer shaped it; each column's docstring says the shape."""

# SQLite autoincrements INTEGER primary keys only; PostgreSQL wants 64 bits.
BigId = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python; `timestamptz` on PostgreSQL, naive UTC text on SQLite, which knows no zones."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """The column type of this database."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database. A naive datetime is a bug, so it is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime: all times are aware UTC")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _Row(SQLModel):
    """What every table has."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)


def _utc(*, nullable: bool = False) -> Any:
    """A time column."""
    return Field(default=None, sa_type=UtcDateTime, nullable=nullable)


def _json() -> Any:
    """A JSON column."""
    return Field(default_factory=dict, sa_type=JSON, nullable=False)


def _reference(table: str, *, nullable: bool = False, index: bool = True) -> Any:
    """A foreign key to another table's id, indexed unless a unique index begins with it anyway."""
    return Field(
        default=None, sa_type=BigId, foreign_key=f"{table}.id", index=index, nullable=nullable
    )


def _number(*, index: bool = False) -> Any:
    """The id of another row, kept without a foreign key: the row may come later, or be erased."""
    return Field(default=None, sa_type=BigId, index=index, nullable=True)


def _long_text() -> Any:
    """Text of any length."""
    return Field(default="", sa_type=Text, nullable=False)


class Contact(_Row, table=True):
    """A person."""

    __tablename__ = "contact"

    name: str = _long_text()
    created_at: datetime = _utc()


class ContactAddress(_Row, table=True):
    """One name of a contact on a channel; opaque, not always a phone number."""

    __tablename__ = "contact_address"
    __table_args__ = (Index("contact_address_once", "channel", "address", unique=True),)

    contact_id: int = _reference("contact")
    channel: str
    address: str


class Conversation(_Row, table=True):
    """All messages with one contact on one channel.

    `epoch` counts the changes of who speaks; an AI message leaves only in the epoch it was written in.
    `address` is where the contact was last heard from, `recipient` our own address they wrote to.
    """

    __tablename__ = "conversation"
    __table_args__ = (Index("conversation_once", "contact_id", "channel", unique=True),)

    contact_id: int = _reference("contact", index=False)
    channel: str
    address: str
    recipient: str = ""
    epoch: int = 0
    language: str = ""
    opted_out_at: datetime | None = _utc(nullable=True)
    disclosed_at: datetime | None = _utc(nullable=True)
    last_inbound_at: datetime | None = _utc(nullable=True)
    created_at: datetime = _utc()


class Message(_Row, table=True):
    """One utterance. `desk_channel` and `desk_ts` say which thread reply it was, for an agent's.

    `epoch` is set on what the AI and its fixed texts say, and binds them to it. `payload` of an inbound
    message is every field the provider sent; of an assistant's {"confidence", "sources", "by"}.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("message_from_provider_once", "channel", "provider_id", unique=True),
        Index("message_from_desk_once", "desk_channel", "desk_ts", unique=True),
        Index("message_from_note_once", "note_id", unique=True),
    )

    conversation_id: int = _reference("conversation")
    escalation_id: int | None = _reference("escalation", nullable=True)
    agent_id: int | None = _reference("agent", nullable=True)
    note_id: int | None = _number()
    work_id: int | None = _number()
    direction: str
    author: str
    channel: str
    text: str = _long_text()
    media: list[dict[str, str]] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False)
    )
    provider_id: str | None = None
    desk_channel: str | None = None
    desk_ts: str | None = None
    epoch: int | None = None
    payload: Json = _json()
    created_at: datetime = _utc()


class Delivery(_Row, table=True):
    """One part of an outbound message on its way; a Retry supersedes it with a fresh one."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index(
            "delivery_current_once",
            "message_id",
            "part",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
            sqlite_where=text("superseded_at IS NULL"),
        ),
        Index("delivery_oid_once", "oid", unique=True),
        Index("delivery_by_provider_id", "provider_id"),
    )

    message_id: int = _reference("message")
    part: int
    oid: str
    text: str = _long_text()
    status: str
    provider_id: str | None = None
    error_code: str = ""
    error: str = _long_text()
    begun_at: datetime | None = _utc(nullable=True)
    updated_at: datetime = _utc()
    superseded_at: datetime | None = _utc(nullable=True)


class Agent(_Row, table=True):
    """A human at the desk."""

    __tablename__ = "agent"
    __table_args__ = (Index("agent_once", "desk_id", unique=True),)

    desk_id: str
    name: str = _long_text()
    created_at: datetime = _utc()


class Escalation(_Row, table=True):
    """One stretch of a conversation in which a human is wanted. At most one is open per conversation.

    `settled_message_id` is the newest message of the conversation when it ended.
    """

    __tablename__ = "escalation"
    __table_args__ = (
        Index(
            "escalation_open_once",
            "conversation_id",
            unique=True,
            postgresql_where=text("status IN ('queued', 'claimed')"),
            sqlite_where=text("status IN ('queued', 'claimed')"),
        ),
        Index("escalation_by_status", "status", "opened_at"),
    )

    conversation_id: int = _reference("conversation")
    message_id: int = _number()
    status: str
    reason: str
    priority: str
    priority_rank: int
    scores: Json = _json()
    evidence: str = _long_text()
    summary: str = _long_text()
    tried: str = _long_text()
    judged_by: str = ""
    mood: str = ""
    owner_id: int | None = _reference("agent", nullable=True)
    closed_by_id: int | None = _reference("agent", nullable=True)
    opened_at: datetime = _utc()
    claimed_at: datetime | None = _utc(nullable=True)
    closed_at: datetime | None = _utc(nullable=True)
    settled_message_id: int | None = _number()


class Ticket(_Row, table=True):
    """The support record of an escalation; its id is its number, and it outlives the escalation."""

    __tablename__ = "ticket"
    __table_args__ = (Index("ticket_once", "escalation_id", unique=True),)

    escalation_id: int = _reference("escalation", index=False)
    contact_id: int = _reference("contact")
    conversation_id: int = _reference("conversation")
    subject: str = _long_text()
    channel: str
    reason: str
    priority: str
    status: str
    assignee_id: int | None = _reference("agent", nullable=True)
    outcome: str = ""
    created_at: datetime = _utc()
    updated_at: datetime = _utc()
    solved_at: datetime | None = _utc(nullable=True)


class DeskThread(_Row, table=True):
    """Where an escalation's card is at the desk; the replies below it are its thread."""

    __tablename__ = "desk_thread"
    __table_args__ = (
        Index("desk_thread_once", "escalation_id", unique=True),
        Index("desk_thread_place_once", "slack_channel", "ts", unique=True),
    )

    escalation_id: int = _reference("escalation", index=False)
    slack_channel: str
    ts: str
    created_at: datetime = _utc()


class Note(_Row, table=True):
    """A thread message for agents only. Apart from messages, so that no send can ever pick it up.

    `held` ones wait for their author to say "Take over & send", "Send correction" or "Keep as note".
    """

    __tablename__ = "note"
    __table_args__ = (Index("note_once", "desk_channel", "desk_ts", "revision", unique=True),)

    conversation_id: int = _reference("conversation")
    escalation_id: int = _reference("escalation")
    agent_id: int = _reference("agent")
    text: str = _long_text()
    held: bool = False
    desk_channel: str
    desk_ts: str
    revision: str = ""
    created_at: datetime = _utc()


class Event(_Row, table=True):
    """One line of the append-only log; triggers refuse to change or delete it. No words, no addresses."""

    __tablename__ = "event"
    __table_args__ = (Index("event_by_kind", "kind", "at"),)

    at: datetime = _utc()
    kind: str
    conversation_id: int | None = _number(index=True)
    escalation_id: int | None = _number(index=True)
    ticket_id: int | None = _number()
    message_id: int | None = _number()
    agent_id: int | None = _number()
    data: Json = _json()


class Spent(_Row, table=True):
    """What asking a language model used on one day (UTC): a row for each contact, and one for all together.

    `contact_id` 0 is all together; `micros` are millionths of the currency that prices are given in.
    """

    __tablename__ = "spent"
    __table_args__ = (Index("spent_once", "day", "contact_id", unique=True),)

    day: str
    contact_id: int = Field(sa_type=BigId, nullable=False)
    calls: int = 0
    input_tokens: int = Field(default=0, sa_type=BigInteger)
    output_tokens: int = Field(default=0, sa_type=BigInteger)
    micros: int = Field(default=0, sa_type=BigInteger)


class Preference(SQLModel, table=True):
    """One live setting; its value is JSON {"value": …}."""

    __tablename__ = "preference"

    key: str = Field(primary_key=True)
    value: Json = _json()
    updated_at: datetime = _utc()
    updated_by: str = ""


class Work(_Row, table=True):
    """One thing to do after a request, in the order of its lane.

    `key` makes it unique: for ever where it names a provider's id, until it starts where redraws coalesce.
    `begun_at` is set before a provider is called and cleared when its answer is known.
    """

    __tablename__ = "work"
    __table_args__ = (
        Index("work_key_once", "key", unique=True),
        Index(
            "work_waiting",
            "lane",
            "id",
            postgresql_where=text("status = 'ready'"),
            sqlite_where=text("status = 'ready'"),
        ),
        Index("work_by_status", "status", "finished_at"),
    )

    lane: str
    kind: str
    key: str | None = None
    payload: Json = _json()
    status: str = "ready"
    due_at: datetime = _utc()
    first_due_at: datetime = _utc()
    attempts: int = 0
    begun_at: datetime | None = _utc(nullable=True)
    error: str = _long_text()
    finished_at: datetime | None = _utc(nullable=True)


class Lane(SQLModel, table=True):
    """The key that orders work. `due_at` is when its first row is due, NULL while it is empty.

    `grant` names the very lease, where `leased_by` names the process that holds it.
    """

    __tablename__ = "lane"
    __table_args__ = (Index("lane_due", "family", "due_at"),)

    key: str = Field(primary_key=True)
    family: str
    due_at: datetime | None = _utc(nullable=True)
    leased_by: str | None = None
    grant: str | None = None


class Worker(SQLModel, table=True):
    """One process that runs lanes; its leases hold while it is alive."""

    __tablename__ = "worker"

    id: str = Field(primary_key=True)
    alive_until: datetime = _utc()
