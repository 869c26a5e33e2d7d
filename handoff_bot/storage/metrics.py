"""Reads the events of a scope from the log; see metric_queries for the SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Row, String, TextClause, bindparam, text
from sqlmodel import col, select

from handoff_bot.domain.metrics import AGAIN, Scope
from handoff_bot.storage import metric_queries as queries
from handoff_bot.storage.columns import UtcDateTime
from handoff_bot.storage.models import Agent, ContactAddress
from handoff_bot.storage.transaction import Transaction

_TIMES = ("at", "ended_before", "opened_at", "taken_at", "replied_at", "ended_at")


_GIVEN: dict[str, Any] = {
    "day_before": UtcDateTime(),
    "since": UtcDateTime(),
    "until": UtcDateTime(),
    "channel": String(),
    "agent": BigInteger(),
}


@dataclass(frozen=True)
class Opened:
    """An escalation opened in the period; "" for data missing in old events."""

    conversation_id: int
    at: datetime
    reason: str
    priority: str
    channel: str
    hours: str
    ended_before: datetime | None


@dataclass(frozen=True)
class Stretch:
    """Time from one event to another of an escalation; the second is in the period."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Ended:
    """An escalation closed in the period; `how` is the last action's event."""

    how: str
    agent_id: int
    lasted: Stretch
    was_taken: bool


def conversations(tx: Transaction, scope: Scope) -> int:
    """Returns the number of active conversations."""
    return int(_ask(tx, queries.CONVERSATIONS, scope)[0].number)


def opened(tx: Transaction, scope: Scope) -> list[Opened]:
    return [
        Opened(
            row.conversation_id,
            row.at,
            row.reason or "",
            row.priority or "",
            row.channel or "",
            row.hours or "",
            row.ended_before,
        )
        for row in _ask(tx, queries.ESCALATIONS, scope)
    ]


def waits(tx: Transaction, scope: Scope) -> list[Stretch]:
    """Returns the waits that ended with a claim."""
    return [Stretch(row.opened_at, row.taken_at) for row in _ask(tx, queries.WAITS, scope)]


def first_replies(tx: Transaction, scope: Scope) -> list[Stretch]:
    """Returns the times from the start to the first human reply."""
    found = _ask(tx, queries.FIRST_REPLIES, scope)
    return [Stretch(row.opened_at, row.replied_at) for row in found]


def ended(tx: Transaction, scope: Scope) -> list[Ended]:
    return [
        Ended(
            row.how,
            row.agent_id or 0,
            Stretch(row.opened_at, row.ended_at),
            row.taken_by is not None,
        )
        for row in _ask(tx, queries.ENDINGS, scope)
    ]


def taken(tx: Transaction, scope: Scope) -> dict[int, int]:
    """Returns agent id -> number of claimed or assigned escalations."""
    found = _ask(tx, queries.TAKEN, scope)
    return {int(row.agent_id): int(row.number) for row in found if row.agent_id is not None}


def own_replies(tx: Transaction, scope: Scope) -> list[tuple[int, Stretch]]:
    """Returns agent id and time from assignment to the agent's first reply."""
    found = _ask(tx, queries.OWN_REPLIES, scope)
    return [(int(row.agent_id), Stretch(row.taken_at, row.replied_at)) for row in found]


def failures(tx: Transaction, scope: Scope) -> int:
    """Returns the number of undelivered messages."""
    return int(_ask(tx, queries.FAILURES, scope)[0].number)


def ratings(tx: Transaction, scope: Scope) -> dict[int, int]:
    """Returns rating from 1 to 5 -> number of customers."""
    found = _ask(tx, queries.RATINGS, scope)
    return {int(row.score): int(row.number) for row in found if row.score is not None}


def model_turns(tx: Transaction, scope: Scope) -> tuple[int, int]:
    """Returns the language model's turns, and how many it answered in time."""
    (row,) = _ask(tx, queries.MODEL, scope)
    return int(row.turns), int(row.in_time)


def feedback(tx: Transaction, scope: Scope) -> dict[str, int]:
    """Returns verdict -> number of answers and drafts, each once for each agent."""
    found = _ask(tx, queries.FEEDBACK, scope)
    return {row.verdict: int(row.number) for row in found if row.verdict is not None}


def names(tx: Transaction) -> dict[int, str]:
    """Returns agents' names by id."""
    found = tx.session.execute(select(col(Agent.id), col(Agent.name)))
    return {int(number): name for number, name in found if number is not None}


def channels(tx: Transaction) -> tuple[str, ...]:
    """Returns the kinds of channels with messages, in alphabetical order."""
    kinds = select(col(ContactAddress.channel)).distinct().order_by(col(ContactAddress.channel))
    return tuple(tx.session.execute(kinds).scalars())


def _ask(tx: Transaction, query: str, scope: Scope) -> Sequence[Row[Any]]:
    period = scope.period
    values = {
        "day_before": period.since - AGAIN,
        "since": period.since,
        "until": period.until,
        "channel": scope.channel,
        "agent": scope.agent_id,
    }
    return tx.core.execute(_PREPARED[query], values).all()


def _prepare(query: str) -> Any:
    given = [bindparam(name, type_=kind) for name, kind in _GIVEN.items() if f":{name}" in query]
    statement: TextClause = text(query).bindparams(*given)
    return statement.columns(**{name: UtcDateTime() for name in _TIMES if f"{name}" in query})


_PREPARED = {query: _prepare(query) for query in queries.QUERIES.values()}
