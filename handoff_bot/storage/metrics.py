"""Metrics: SQL that is identical for SQLite and PostgreSQL, and the events of a scope."""

# ruff: noqa: S608 - only names of kinds are put in

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Row, String, TextClause, bindparam, text
from sqlmodel import col, select

from handoff_bot.domain.events import CLAIMED, ENDED, EventKind
from handoff_bot.domain.metrics import AGAIN, Scope
from handoff_bot.storage import conversations as conversations_of
from handoff_bot.storage.columns import UtcDateTime
from handoff_bot.storage.models import Agent
from handoff_bot.storage.transaction import Transaction

# -- the SQL
# Parameters: `:since` and `:until` bound the period, `:day_before` is 24 hours before it.
# `:channel` is one channel or '' for all, `:agent` one agent's id or 0 for all. An escalation's
# first event of a kind is the one with the lowest id, so a repeated action counts once.
# docs/metrics.md shows each query; a test keeps them equal.

_OPENED = f"'{EventKind.ESCALATION_OPENED}'"
_REPLY = f"'{EventKind.REPLY_ACCEPTED}'"
_CLAIMED = ", ".join(f"'{kind}'" for kind in CLAIMED)
_ENDED = ", ".join(f"'{kind}'" for kind in ENDED)


def _opening_of(row: str) -> str:
    """Returns the SQL that joins, as `o`, the event that opened this row's escalation."""
    return f"""\
JOIN event AS o ON o.escalation_id = {row}.escalation_id AND o.kind = {_OPENED}
  AND o.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = {row}.escalation_id AND f.kind = {_OPENED})"""


CONVERSATIONS = f"""\
SELECT count(DISTINCT e.conversation_id) AS number
FROM event AS e
WHERE e.kind IN ('{EventKind.MESSAGE_RECEIVED}', {_OPENED})
  AND e.at >= :since AND e.at < :until
  AND :channel IN ('', e.data ->> 'channel')"""

ESCALATIONS = f"""\
SELECT o.conversation_id, o.at, o.ended_before,
       o.data ->> 'reason' AS reason,
       o.data ->> 'priority' AS priority,
       o.data ->> 'channel' AS channel,
       o.data ->> 'hours' AS hours
FROM (SELECT id, at, kind, conversation_id, escalation_id, data,
             max(CASE WHEN kind <> {_OPENED} THEN at END)
               OVER (PARTITION BY conversation_id ORDER BY id) AS ended_before
      FROM event
      WHERE kind IN ({_OPENED},
                     {_ENDED})
        AND at >= :day_before AND at < :until) AS o
WHERE o.kind = {_OPENED} AND o.at >= :since
  AND o.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = o.escalation_id AND f.kind = {_OPENED})
  AND :channel IN ('', o.data ->> 'channel')
  AND (:agent = 0 OR EXISTS (
      SELECT 1 FROM event AS h
      WHERE h.escalation_id = o.escalation_id
        AND (h.kind IN ({_CLAIMED})
             AND CAST(h.data ->> 'owner' AS BIGINT) = :agent
             OR h.kind IN ({_ENDED})
             AND h.agent_id = :agent)))"""

WAITS = f"""\
SELECT o.at AS opened_at, t.at AS taken_at
FROM event AS t
{_opening_of("t")}
WHERE t.kind IN ({_CLAIMED})
  AND t.at >= :since AND t.at < :until
  AND t.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = t.escalation_id
                AND f.kind IN ({_CLAIMED}))
  AND :channel IN ('', o.data ->> 'channel')
  AND :agent IN (0, CAST(t.data ->> 'owner' AS BIGINT))"""

FIRST_REPLIES = f"""\
SELECT o.at AS opened_at, r.at AS replied_at
FROM (SELECT DISTINCT escalation_id FROM event
      WHERE kind = {_REPLY} AND at >= :since AND at < :until) AS w
{_opening_of("w")}
JOIN event AS r ON r.escalation_id = w.escalation_id AND r.kind = {_REPLY}
  AND r.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = w.escalation_id AND f.kind = {_REPLY}
                AND f.id > (SELECT min(t.id) FROM event AS t
                            WHERE t.escalation_id = w.escalation_id
                              AND t.kind IN ({_CLAIMED})))
WHERE r.at >= :since AND r.at < :until
  AND :channel IN ('', o.data ->> 'channel')
  AND :agent IN (0, r.agent_id)"""

ENDINGS = f"""\
SELECT e.kind AS how, e.agent_id, o.at AS opened_at, e.at AS ended_at,
       (SELECT min(t.id) FROM event AS t
        WHERE t.escalation_id = e.escalation_id AND t.id < e.id
          AND t.kind IN ({_CLAIMED})) AS taken_by
FROM event AS e
{_opening_of("e")}
WHERE e.kind IN ({_ENDED})
  AND e.at >= :since AND e.at < :until
  AND e.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = e.escalation_id
                AND f.kind IN ({_ENDED}))
  AND :channel IN ('', o.data ->> 'channel')
  AND :agent IN (0, e.agent_id)"""

TAKEN = f"""\
SELECT CAST(t.data ->> 'owner' AS BIGINT) AS agent_id, count(DISTINCT t.escalation_id) AS number
FROM event AS t
{_opening_of("t")}
WHERE t.kind IN ({_CLAIMED})
  AND t.at >= :since AND t.at < :until
  AND :channel IN ('', o.data ->> 'channel')
  AND :agent IN (0, CAST(t.data ->> 'owner' AS BIGINT))
GROUP BY CAST(t.data ->> 'owner' AS BIGINT)"""

OWN_REPLIES = f"""\
SELECT w.agent_id, t.at AS taken_at, r.at AS replied_at
FROM (SELECT DISTINCT escalation_id, agent_id FROM event
      WHERE kind = {_REPLY} AND at >= :since AND at < :until
        AND :agent IN (0, agent_id)) AS w
{_opening_of("w")}
JOIN event AS t ON t.escalation_id = w.escalation_id
  AND t.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = w.escalation_id
                AND f.kind IN ({_CLAIMED})
                AND CAST(f.data ->> 'owner' AS BIGINT) = w.agent_id)
JOIN event AS r ON r.escalation_id = w.escalation_id AND r.kind = {_REPLY}
  AND r.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = w.escalation_id AND f.kind = {_REPLY}
                AND f.agent_id = w.agent_id AND f.id > t.id)
WHERE r.at >= :since AND r.at < :until
  AND :channel IN ('', o.data ->> 'channel')"""

FEEDBACK = f"""\
SELECT f.data ->> 'verdict' AS verdict, count(*) AS number
FROM event AS f
JOIN event AS o ON o.escalation_id = f.escalation_id AND o.kind = {_OPENED}
  AND o.id = (SELECT min(p.id) FROM event AS p
              WHERE p.escalation_id = f.escalation_id AND p.kind = {_OPENED})
WHERE f.kind = '{EventKind.AI_FEEDBACK}'
  AND f.at >= :since AND f.at < :until
  AND f.id = (SELECT max(l.id) FROM event AS l
              WHERE l.escalation_id = f.escalation_id AND l.kind = f.kind
                AND l.agent_id = f.agent_id
                AND l.data ->> 'about' = f.data ->> 'about')
  AND :channel IN ('', o.data ->> 'channel')
  AND :agent IN (0, f.agent_id)
GROUP BY f.data ->> 'verdict'"""

FAILURES = f"""\
SELECT count(DISTINCT f.message_id) AS number
FROM event AS f
WHERE f.kind = '{EventKind.MESSAGE_FAILED}'
  AND f.at >= :since AND f.at < :until
  AND :channel IN ('', COALESCE(f.data ->> 'channel', (
      SELECT min(m.data ->> 'channel') FROM event AS m
      WHERE m.conversation_id = f.conversation_id AND m.kind = '{EventKind.MESSAGE_RECEIVED}')))
  AND :agent IN (0, f.agent_id)"""

RATINGS = f"""\
SELECT CAST(c.data ->> 'score' AS BIGINT) AS score, count(*) AS number
FROM event AS c
{_opening_of("c")}
WHERE c.kind = '{EventKind.CSAT_ANSWERED}'
  AND c.at >= :since AND c.at < :until
  AND c.id = (SELECT max(f.id) FROM event AS f
              WHERE f.escalation_id = c.escalation_id AND f.kind = '{EventKind.CSAT_ANSWERED}')
  AND :channel IN ('', o.data ->> 'channel')
  AND :agent IN (0, c.agent_id)
GROUP BY CAST(c.data ->> 'score' AS BIGINT)"""

MODEL = f"""\
SELECT count(DISTINCT e.message_id) AS turns,
       count(DISTINCT CASE WHEN e.data ->> 'model' = 'in_time' THEN e.message_id END) AS in_time
FROM event AS e
WHERE e.kind = '{EventKind.MESSAGE_CONSIDERED}'
  AND e.at >= :since AND e.at < :until
  AND e.data ->> 'model' IN ('in_time', 'late')
  AND :channel IN ('', e.data ->> 'channel')"""

QUERIES = {
    "conversations": CONVERSATIONS,
    "escalations": ESCALATIONS,
    "waits": WAITS,
    "first replies": FIRST_REPLIES,
    "endings": ENDINGS,
    "taken": TAKEN,
    "own replies": OWN_REPLIES,
    "failures": FAILURES,
    "ratings": RATINGS,
    "model": MODEL,
    "feedback": FEEDBACK,
}
"""Name -> query, in the order of docs/metrics.md."""


# -- the events of a scope

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
    return int(_ask(tx, CONVERSATIONS, scope)[0].number)


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
        for row in _ask(tx, ESCALATIONS, scope)
    ]


def waits(tx: Transaction, scope: Scope) -> list[Stretch]:
    """Returns the waits that ended with a claim."""
    return [Stretch(row.opened_at, row.taken_at) for row in _ask(tx, WAITS, scope)]


def first_replies(tx: Transaction, scope: Scope) -> list[Stretch]:
    """Returns the times from the start to the first human reply."""
    found = _ask(tx, FIRST_REPLIES, scope)
    return [Stretch(row.opened_at, row.replied_at) for row in found]


def ended(tx: Transaction, scope: Scope) -> list[Ended]:
    return [
        Ended(
            row.how,
            row.agent_id or 0,
            Stretch(row.opened_at, row.ended_at),
            row.taken_by is not None,
        )
        for row in _ask(tx, ENDINGS, scope)
    ]


def taken(tx: Transaction, scope: Scope) -> dict[int, int]:
    """Returns agent id -> number of claimed or assigned escalations."""
    found = _ask(tx, TAKEN, scope)
    return {int(row.agent_id): int(row.number) for row in found if row.agent_id is not None}


def own_replies(tx: Transaction, scope: Scope) -> list[tuple[int, Stretch]]:
    """Returns agent id and time from assignment to the agent's first reply."""
    found = _ask(tx, OWN_REPLIES, scope)
    return [(int(row.agent_id), Stretch(row.taken_at, row.replied_at)) for row in found]


def failures(tx: Transaction, scope: Scope) -> int:
    """Returns the number of undelivered messages."""
    return int(_ask(tx, FAILURES, scope)[0].number)


def ratings(tx: Transaction, scope: Scope) -> dict[int, int]:
    """Returns rating from 1 to 5 -> number of customers."""
    found = _ask(tx, RATINGS, scope)
    return {int(row.score): int(row.number) for row in found if row.score is not None}


def model_turns(tx: Transaction, scope: Scope) -> tuple[int, int]:
    """Returns the language model's turns, and how many it answered in time."""
    (row,) = _ask(tx, MODEL, scope)
    return int(row.turns), int(row.in_time)


def feedback(tx: Transaction, scope: Scope) -> dict[str, int]:
    """Returns verdict -> number of answers and drafts, each once for each agent."""
    found = _ask(tx, FEEDBACK, scope)
    return {row.verdict: int(row.number) for row in found if row.verdict is not None}


def names(tx: Transaction) -> dict[int, str]:
    """Returns agents' names by id."""
    found = tx.session.execute(select(col(Agent.id), col(Agent.name)))
    return {int(number): name for number, name in found if number is not None}


def channels(tx: Transaction) -> tuple[str, ...]:
    """Returns the kinds of channels with messages, in alphabetical order."""
    return conversations_of.channels(tx)


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


_PREPARED = {query: _prepare(query) for query in QUERIES.values()}
