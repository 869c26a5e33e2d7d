"""Jobs as values: to enqueue, picked up, and a thread slot for one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import bindparam, select

from handoff_bot.logs import TRACE, TRACE_FIELD
from handoff_bot.storage.models import Lane, RateLimit, Work, Worker
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import table_of


@dataclass(frozen=True)
class Job:
    """A picked-up job.

    Attributes:
        begun_at: start of a provider call without a recorded result, or None.
        attempts: number of earlier tries.
        error: error of the last try, or "".
        more: following jobs of its lane covered by the same call.
    """

    id: int
    lane: str
    kind: str
    payload: dict[str, Any]
    attempts: int
    due_at: datetime
    first_due_at: datetime
    begun_at: datetime | None
    error: str = ""
    more: tuple[Job, ...] = ()

    @property
    def ids(self) -> list[int]:
        """Returns the ids of all jobs covered by its call."""
        return [self.id, *(other.id for other in self.more)]


@dataclass(frozen=True)
class Begun:
    """A job whose call was prepared in the enqueuing transaction: its plan and start time."""

    plan: Any
    since: datetime


@dataclass
class Slot:
    """A free thread of this process for a lane. `grant` is the token of its lease.

    `job` is the lane's first job, if known; `begun` if its call is prepared. `follows` if the
    thread continues with this lane after another one of the same queue. `is_done` if the
    transaction has also done all of the lane's work.
    """

    lane: str
    worker: str
    grant: str
    job: Job | None = None
    begun: Begun | None = None
    follows: bool = False
    is_done: bool = False


@dataclass(frozen=True)
class NewJob:
    """A job to enqueue.

    Attributes:
        kind: selects the handler.
        lane: the ordering key, "<queue>:<rest>".
        payload: JSON data for the handler.
        due_at: earliest start.
        key: deduplication key; None for none.
        coalesce: skip it if a job with this key is still waiting.
        high_priority: when its lane waits for a rate limit, it goes before others.
    """

    kind: str
    lane: str
    payload: dict[str, Any]
    due_at: datetime
    key: str | None = None
    coalesce: bool = False
    high_priority: bool = False


def queue_of(lane: str) -> str:
    """Returns the queue part of a lane's key."""
    return lane.partition(":")[0]


class SlotProvider(Protocol):
    """Runs lanes in this process."""

    def is_due(self, due_at: datetime) -> bool:
        """Returns whether a job that is due then may run now."""

    def reserve(self, lane: str) -> Slot | None:
        """Returns a free thread for this lane, or None."""

    def release(self, reserved: Sequence[Slot], started: Sequence[Slot]) -> None:
        """After the transaction: runs the started lanes and frees the other threads."""

    def doubt(self, started: Sequence[Slot]) -> None:
        """Called if it is unknown whether the transaction with these lanes was committed."""


LANE = table_of(Lane)
WORK = table_of(Work)
WORKER = table_of(Worker)
RATE_LIMIT = table_of(RateLimit)

GRANT_OF_LANE = Prepared(
    select(LANE.c.grant).where(LANE.c.key == bindparam("lane")).with_for_update()
)
"""Locks the lane until commit on PostgreSQL."""

# -- one id for everything that an arrival causes: its request, its jobs, and the jobs that they enqueue.
# It is kept in payloads, so it outlives processes and costs no statement. Log lines show it.

_LENGTH = 12


def of_arrival(key: str) -> str:
    """Returns the id of an arrival, the same however often it is delivered. It does not tell the key."""
    return hashlib.sha256(key.encode()).hexdigest()[:_LENGTH]


def of_job(payload: Mapping[str, Any]) -> str:
    """Returns a job's id; "" for jobs that no arrival caused."""
    return str(payload.get(TRACE_FIELD, ""))


def with_current(payload: dict[str, Any]) -> dict[str, Any]:
    """Returns the payload with the id of what this thread works on, unless it has one."""
    return {TRACE_FIELD: TRACE.get(), **payload} if TRACE.get() else payload


@contextmanager
def traced(trace: str) -> Iterator[None]:
    """Log lines inside show this id, and jobs enqueued inside inherit it."""
    before = TRACE.set(trace)
    try:
        yield
    finally:
        TRACE.reset(before)
