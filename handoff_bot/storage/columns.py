"""Column types: ids, times, JSON, references; `sealed_…` for what is encrypted with a key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, DateTime, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from handoff_bot.storage.sealed import SealedBytes, SealedJson, SealedText

Json = dict[str, Any]
"""A JSON object; each column's docstring describes its shape."""

# SQLite only autoincrements INTEGER primary keys; PostgreSQL needs 64 bits.
BigId = BigInteger().with_variant(Integer(), "sqlite")


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("naive datetime: all times are aware UTC")
    return value.astimezone(UTC)


def _to_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    return _aware(value).replace(tzinfo=None).isoformat(" ", "microseconds")


def _from_text(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if value else None


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python; `timestamptz` on PostgreSQL, naive UTC text on SQLite, which has no time
    zones.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses naive datetimes, which are bugs."""
        if value is None:
            return None
        utc = _aware(value)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Skips SQLAlchemy's own conversion to text on SQLite, which costs as much as the statement."""
        if dialect.name != "sqlite":
            return super().bind_processor(dialect)
        return _to_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """See `bind_processor`."""
        if dialect.name != "sqlite":
            return super().result_processor(dialect, coltype)
        return _from_text

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Row(SQLModel):
    """Base of all tables. `id` is known once the row is inserted (`Transaction.add`)."""

    id: int = Field(default=None, primary_key=True, sa_type=BigId)


def utc_time(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_type=UtcDateTime, nullable=nullable)


def json_object() -> Any:
    return Field(default_factory=dict, sa_type=JSON, nullable=False)


def reference(table: str, *, nullable: bool = False, index: bool = True) -> Any:
    """Returns a foreign key to another table's id, indexed unless a unique index already begins
    with it.
    """
    return Field(
        default=None, sa_type=BigId, foreign_key=f"{table}.id", index=index, nullable=nullable
    )


def number(*, index: bool = False) -> Any:
    """Returns the id of another row without a foreign key: the row may be created later or erased."""
    return Field(default=None, sa_type=BigId, index=index, nullable=True)


def long_text() -> Any:
    return Field(default="", sa_type=Text, nullable=False)


def sealed_text() -> Any:
    return Field(default="", sa_type=SealedText(), nullable=False)


def sealed_json(*, is_job: bool = False) -> Any:
    """Returns a sealed JSON object; see `SealedJson` for a job's payload."""
    return Field(default_factory=dict, sa_type=SealedJson(is_job=is_job), nullable=False)


def optional_sealed_json() -> Any:
    """Returns a sealed JSON object or NULL."""
    return Field(default=None, sa_type=SealedJson(none_as_null=True), nullable=True)


def sealed_list() -> Any:
    """Returns a sealed JSON list."""
    return Field(default_factory=list, sa_column=Column(SealedJson(empty=list), nullable=False))


def sealed_bytes() -> Any:
    return Field(sa_type=SealedBytes(), nullable=False)
