"""Tables filled by agents and admins: tags, canned replies, settings history, files, Slack channels."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Column, ForeignKey, Index, LargeBinary
from sqlmodel import Field, SQLModel

from handoff_bot.storage.columns import (
    BigId,
    Json,
    Row,
    json_object,
    long_text,
    number,
    reference,
    utc_time,
)


class TicketTag(Row, table=True):
    """One tag of a ticket, lowercase."""

    __tablename__ = "ticket_tag"
    __table_args__ = (
        Index("ticket_tag_once", "ticket_id", "tag", unique=True),
        Index("ticket_tag_by_tag", "tag", "ticket_id"),
    )

    ticket_id: int = reference("ticket", index=False)
    tag: str


class TicketLink(Row, table=True):
    """A ticket's id in another system; `sink` is our name of that system."""

    __tablename__ = "ticket_link"
    __table_args__ = (Index("ticket_link_once", "ticket_id", "sink", unique=True),)

    ticket_id: int = reference("ticket", index=False)
    sink: str
    external_id: str
    updated_at: datetime = utc_time()


class Canned(Row, table=True):
    """A canned reply in one language ("" for all)."""

    __tablename__ = "canned"
    __table_args__ = (Index("canned_once", "name", "language", unique=True),)

    name: str
    language: str = ""
    text: str = long_text()
    updated_at: datetime = utc_time()
    updated_by: str = ""


class SettingChange(Row, table=True):
    """One change of a live setting, with the values before and after as {"value": …}."""

    __tablename__ = "setting_change"
    __table_args__ = (Index("setting_change_by_key", "key", "id"),)

    key: str
    before: Json = json_object()
    after: Json = json_object()
    by: str
    at: datetime = utc_time()


class Attachment(Row, table=True):
    """The bytes of a stored file, until they are pruned.

    `token` is the unguessable name of its URL, which is open for a while after it was handed out
    (`offered_at`). `received_as` identifies the message and content of a customer's upload, to
    detect repetitions; "" for others.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        Index("attachment_token_once", "token", unique=True),
        Index("attachment_by_age", "created_at"),
        Index("attachment_by_message", "received_as"),
    )

    token: str
    conversation_id: int = reference("conversation")
    message_id: int | None = number(index=True)
    name: str = long_text()
    content_type: str
    size: int
    data: bytes = Field(sa_type=LargeBinary, nullable=False)
    created_at: datetime = utc_time()
    offered_at: datetime | None = utc_time(nullable=True)
    received_as: str = ""


class DeskChannel(SQLModel, table=True):
    """A Slack channel with the bot: its purpose, and why it is suspended, if it is.

    `purpose` is "queue", "urgent" (urgent cards only), "none", or "" until an admin chooses.
    """

    __tablename__ = "desk_channel"

    slack_channel: str = Field(primary_key=True)
    purpose: str = ""
    added_by: str = ""
    added_at: datetime = utc_time()
    suspended_at: datetime | None = utc_time(nullable=True)
    suspended_why: str = ""


class EarlierThread(Row, table=True):
    """Earlier location of a card that was posted again; replies there still count."""

    __tablename__ = "earlier_thread"
    __table_args__ = (Index("earlier_thread_place_once", "slack_channel", "ts", unique=True),)

    escalation_id: int = reference("escalation")
    slack_channel: str
    ts: str
    left_at: datetime = utc_time()


class Reservation(SQLModel, table=True):
    """A queued escalation reserved for an agent while the AI's last message is being sent.

    `desk_id` and `name` are that agent's, `others` the Slack ids of agents who were told. It ends
    at `until`; the agent's late claim deletes it.
    """

    __tablename__ = "reservation"

    escalation_id: int = Field(
        sa_column=Column(BigId, ForeignKey("escalation.id"), primary_key=True, autoincrement=False)
    )
    desk_id: str
    name: str = long_text()
    until: datetime = utc_time()
    others: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))


class RateLimit(SQLModel, table=True):
    """One budget of Slack's rate limits: when everything taken of it is paid for.

    `limited` counts Slack's rate-limit responses (429), `limited_at` is the last one.
    """

    __tablename__ = "pace"

    key: str = Field(primary_key=True)
    free_at: datetime = utc_time()
    limited: int = 0
    limited_at: datetime | None = utc_time(nullable=True)
