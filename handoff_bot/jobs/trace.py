"""One id for everything that an arrival causes: its request, its jobs, and the jobs that they enqueue.

The id is kept in the payload of jobs, so it outlives processes, and costs no statement. Log lines show it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

FIELD = "trace"
"""Of a job's payload, and of log lines."""
_CURRENT: ContextVar[str] = ContextVar(FIELD, default="")
_LENGTH = 12


def current() -> str:
    """Returns the id of what this thread works on; "" outside of any."""
    return _CURRENT.get()


def of_arrival(key: str) -> str:
    """Returns the id of an arrival, the same however often it is delivered. It does not tell the key."""
    return hashlib.sha256(key.encode()).hexdigest()[:_LENGTH]


def of_job(payload: Mapping[str, Any]) -> str:
    """Returns a job's id; "" for jobs that no arrival caused."""
    return str(payload.get(FIELD, ""))


def with_current(payload: dict[str, Any]) -> dict[str, Any]:
    """Returns the payload with the id of what this thread works on, unless it has one."""
    return {FIELD: _CURRENT.get(), **payload} if _CURRENT.get() else payload


@contextmanager
def traced(trace: str) -> Iterator[None]:
    """Log lines inside show this id, and jobs enqueued inside inherit it."""
    before = _CURRENT.set(trace)
    try:
        yield
    finally:
        _CURRENT.reset(before)
