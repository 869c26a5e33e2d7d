"""Jobs as values: one to be enqueued, one picked up, and a thread that is free for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class Job:
    """One job, picked up.

    Attributes:
        begun_at: when a provider was called for it and no answer was recorded, None otherwise.
        attempts: how often it was tried before.
        error: what its last try said, "" when there was none.
        more: rows behind it in its lane that the same call is for.
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
        """The ids of all rows that its call is for."""
        return [self.id, *(other.id for other in self.more)]


@dataclass(frozen=True)
class Begun:
    """A row whose call was prepared in the transaction that enqueued it: with what, and when that began."""

    plan: Any
    since: datetime


@dataclass
class Slot:
    """A thread of this process that is free for a lane. `grant` is the token of its lease.

    `job` is the lane's first row, when it is known; `begun` when its call is prepared. `follows` when the
    thread goes on with this lane after another one of the same queue. `is_done` when the transaction has
    also done all that is in the lane.
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
    """A job to be enqueued.

    Attributes:
        kind: which handler runs it.
        lane: the key that orders it, "<queue>:<rest>".
        payload: what the handler needs; JSON.
        due_at: not before then.
        key: makes it unique; None for any number of them.
        coalesce: when a row with this key still waits, that one is enough.
        high_priority: when its lane waits for its turn, it goes before others that wait for the same.
    """

    kind: str
    lane: str
    payload: dict[str, Any]
    due_at: datetime
    key: str | None = None
    coalesce: bool = False
    high_priority: bool = False


def queue_of(lane: str) -> str:
    """The part of a lane's key that says which threads may run it."""
    return lane.partition(":")[0]


class SlotProvider(Protocol):
    """Runs lanes in this process."""

    def reserve(self, lane: str) -> Slot | None:
        """A free thread for this lane, if there is one."""

    def release(self, reserved: Sequence[Slot], started: Sequence[Slot]) -> None:
        """The transaction has ended: run the lanes that were started, free the other threads."""

    def doubt(self, started: Sequence[Slot]) -> None:
        """Nobody knows whether the transaction that started these was committed."""
