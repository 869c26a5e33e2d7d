"""What /metrics shows: counters that follow the event log, and the present state.

Counters are rows: all processes of all machines show the same, and deleting old data lowers none. A
scrape counts what is new in the log, so its cost does not depend on how much there is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, case, func, select, text

from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.domain.events import EventKind
from handoff_bot.storage.models import Escalation, Event, MetricTotal, RateLimit, Spent, Worker
from handoff_bot.storage.schema import APPLICATION
from handoff_bot.storage.transaction import DIALECTS, Transaction, table_of

MARK = "mark"
MESSAGES, DELIVERIES = "handoff_messages", "handoff_deliveries"
OPENED, ENDED, TURNS = "handoff_escalations", "handoff_escalations_ended", "handoff_ai_turns"
SETTLED_AFTER = timedelta(seconds=30)
"""Younger events are counted by a later scrape: on PostgreSQL an event with a lower id may still be
committed. A transaction is ended by the server after 15 seconds of silence.
"""
MOST = 100_000
"""Events that one scrape counts; the rest follows with the next ones."""
Key = tuple[str, tuple[str, ...]]

_TOTAL, _EVENT, _RATE = table_of(MetricTotal), table_of(Event), table_of(RateLimit)
_ESCALATION, _SPENT, _WORKER = table_of(Escalation), table_of(Spent), table_of(Worker)
_NEWEST = select(func.coalesce(func.max(_EVENT.c.id), 0))
_ENDINGS = {
    EventKind.ESCALATION_RESOLVE: "resolved",
    EventKind.ESCALATION_RETURN: "returned",
    EventKind.ESCALATION_DISMISS: "dismissed",
}
_OUTCOMES = {
    EventKind.MESSAGE_SENT: "sent",
    EventKind.MESSAGE_FAILED: "failed",
    EventKind.MESSAGE_DROPPED: "dropped",
}
_COUNTED = (
    EventKind.MESSAGE_RECEIVED,
    EventKind.STATUS_UPDATE,
    EventKind.MESSAGE_CONSIDERED,
    EventKind.ESCALATION_OPENED,
    *_OUTCOMES,
    *_ENDINGS,
)
_NEW = text(
    """
    SELECT e.kind, COALESCE(c.channel, ''), e.data ->> 'status', e.data ->> 'reason',
           e.data ->> 'model', count(*)
    FROM event AS e LEFT JOIN conversation AS c ON c.id = e.conversation_id
    WHERE e.id > :mark AND e.id <= :until AND e.kind IN :kinds
    GROUP BY 1, 2, 3, 4, 5
    """
).bindparams(bindparam("kinds", [kind.value for kind in _COUNTED], expanding=True))


def advance(tx: Transaction, now: datetime) -> None:
    """Counts the events since the last call. The first call only remembers where it begins."""
    tx.one_at_a_time("metering")
    mark = tx.core.execute(select(_TOTAL.c.value).where(_TOTAL.c.metric == MARK)).scalar()
    if mark is None:
        _add(tx, {(MARK, ()): int(tx.core.execute(_NEWEST).scalar_one())})
        return
    until = _counted_until(tx, int(mark), now)
    if until <= mark:
        return
    counted: Counter[Key] = Counter({(MARK, ()): until - int(mark)})
    for *event, number in tx.core.execute(_NEW, {"mark": mark, "until": until}):
        for key in _keys(*event):
            counted[key] += int(number)
    _add(tx, counted)


def _counted_until(tx: Transaction, mark: int, now: datetime) -> int:
    """Returns the last id before the first event that is too young."""
    bounds = select(
        func.max(_EVENT.c.id), func.min(case((_EVENT.c.at > now - SETTLED_AFTER, _EVENT.c.id)))
    ).where(_EVENT.c.id > mark, _EVENT.c.id <= mark + MOST)
    newest, young = tx.core.execute(bounds).one()
    if newest is None:  # nothing new, or a gap in the ids
        following = select(func.min(_EVENT.c.id)).where(_EVENT.c.id > mark)
        return int(tx.core.execute(following).scalar() or mark + 1) - 1
    return int(young) - 1 if young else int(newest)


def _keys(kind: str, channel: str, status: str, reason: str, model: str) -> Iterator[Key]:
    if kind == EventKind.MESSAGE_RECEIVED:
        yield MESSAGES, (channel, "inbound")
    if kind == EventKind.MESSAGE_SENT:
        yield MESSAGES, (channel, "outbound")
    if kind == EventKind.MESSAGE_CONSIDERED:
        yield TURNS, (model or "local",)
    if kind == EventKind.ESCALATION_OPENED:
        yield OPENED, (channel, reason or "")
    if kind in _ENDINGS:
        yield ENDED, (channel, _ENDINGS[EventKind(kind)])
    # A callback "sent" follows message.sent, which has counted it.
    updated = kind == EventKind.STATUS_UPDATE and status != "sent"
    if outcome := _OUTCOMES.get(EventKind(kind), status if updated else ""):
        yield DELIVERIES, (channel, outcome)


def _add(tx: Transaction, counted: dict[Key, int]) -> None:
    rows = [
        {"metric": metric, "labels": json.dumps(labels), "value": value}
        for (metric, labels), value in counted.items()
    ]
    insert = DIALECTS[tx.is_sqlite](_TOTAL)
    value = _TOTAL.c.value + insert.excluded.value
    keys = ["metric", "labels"]
    tx.core.execute(insert.on_conflict_do_update(index_elements=keys, set_={"value": value}), rows)


@dataclass(frozen=True)
class Waiting:
    """Queued escalations of one priority."""

    number: int
    oldest_at: datetime


@dataclass(frozen=True)
class Spending:
    """Everything the language model has ever cost; `micros` are millionths of the currency."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    micros: int = 0


@dataclass(frozen=True)
class State:
    """What a scrape shows besides the jobs and the model.

    Attributes:
        totals: metric -> labels -> value.
        waiting: priority -> its queued escalations.
        rate_limited: kind of Slack call -> responses 429.
        workers: alive processes that run jobs.
        connections: to PostgreSQL by all processes; None on SQLite.
    """

    totals: dict[str, dict[tuple[str, ...], int]]
    waiting: dict[str, Waiting]
    claimed: int
    rate_limited: dict[str, int]
    spending: Spending
    workers: int
    connections: int | None = None


def state(tx: Transaction, now: datetime) -> State:
    """Returns the present state; seven statements, whatever the tables hold."""
    totals: dict[str, dict[tuple[str, ...], int]] = {}
    for metric, labels, value in tx.core.execute(select(_TOTAL)):
        totals.setdefault(metric, {})[tuple(json.loads(labels))] = int(value)
    waiting, claimed = _open(tx)
    alive = select(func.count()).select_from(_WORKER).where(_WORKER.c.alive_until > now)
    limited: Counter[str] = Counter()
    refused = select(_RATE.c.key, _RATE.c.limited).where(_RATE.c.limited > 0)
    for key, number in tx.core.execute(refused):
        limited[key.partition(":")[0]] += number
    return State(
        totals=totals,
        waiting=waiting,
        claimed=claimed,
        rate_limited=dict(limited),
        spending=_spending(tx),
        workers=int(tx.core.execute(alive).scalar_one()),
        connections=None if tx.is_sqlite else int(tx.core.execute(_CONNECTIONS).scalar_one()),
    )


_CONNECTIONS = text(
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND application_name LIKE :name"
).bindparams(name=f"{APPLICATION}%")


def _open(tx: Transaction) -> tuple[dict[str, Waiting], int]:
    found = (
        select(
            _ESCALATION.c.status,
            _ESCALATION.c.priority,
            func.count(),
            func.min(_ESCALATION.c.opened_at),
        )
        .where(_ESCALATION.c.status.in_([status.value for status in OPEN]))
        .group_by(_ESCALATION.c.status, _ESCALATION.c.priority)
    )
    waiting: dict[str, Waiting] = {}
    claimed = 0
    for status, priority, number, oldest_at in tx.core.execute(found):
        if status == Status.QUEUED.value:
            waiting[priority] = Waiting(int(number), oldest_at)
        else:
            claimed += int(number)
    return waiting, claimed


def _spending(tx: Transaction) -> Spending:
    columns = (_SPENT.c.calls, _SPENT.c.input_tokens, _SPENT.c.output_tokens, _SPENT.c.micros)
    # The literal makes both databases use the index of totals.
    found = select(*(func.coalesce(func.sum(one), 0) for one in columns)).where(
        text("contact_id = 0")
    )
    return Spending(*(int(value) for value in tx.core.execute(found).one()))
