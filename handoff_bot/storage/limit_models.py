"""Tables of limits: counters and held escalations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from handoff_bot.storage.columns import (
    Json,
    Row,
    json_object,
    long_text,
    number,
    reference,
    utc_time,
)


class Tally(SQLModel, table=True):
    """Used amount of one limit in one period; `key` names both."""

    __tablename__ = "tally"
    __table_args__ = (Index("tally_by_end", "ends_at"),)

    key: str = Field(primary_key=True)
    used: int = Field(default=0, sa_type=BigInteger)
    ends_at: datetime = utc_time()


class HeldEscalation(Row, table=True):
    """An escalation held by its groups' limits; at most one per conversation.

    `refused_by` is the limiting group; `judgement` and `tried` are for its card.
    """

    __tablename__ = "held_escalation"
    __table_args__ = (
        Index("held_escalation_once", "conversation_id", unique=True),
        Index("held_escalation_by_group", "refused_by", "id"),
    )

    conversation_id: int = reference("conversation", index=False)
    message_id: int = number()
    refused_by: str
    judgement: Json = json_object()
    tried: str = long_text()
    held_at: datetime = utc_time()
