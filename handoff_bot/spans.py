"""What requests, jobs and calls report of themselves while tracing is on; `tracing` exports it.

No library is imported here. Callers check `spans.recorder` first: while tracing is off, that is all
they pay.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import Enum
from typing import Protocol

Value = str | int | bool
"""Of an attribute. Text must be our own term, such as a kind or a code; other text is not exported."""


class Kind(Enum):
    """Role of a span, by OpenTelemetry's name."""

    INTERNAL = "INTERNAL"
    SERVER = "SERVER"
    CLIENT = "CLIENT"
    CONSUMER = "CONSUMER"


class Span(Protocol):
    """One running request, job or call."""

    def note(self, name: str, value: Value) -> None:
        """Adds an attribute."""

    def failed(self, code: str, status: int = 0) -> None:
        """Marks it as failed, with an error code and an HTTP status, 0 for none."""


class Request(Protocol):
    """One running HTTP request."""

    def answered(self, route: str, status: int) -> None:
        """The response begins. Requests to no route ("") are not exported."""


class Recorder(Protocol):
    """Records spans. Thread-safe, never raises, and never waits."""

    def span(
        self, name: str, kind: Kind, attributes: Mapping[str, Value]
    ) -> AbstractContextManager[Span]:
        """A part of what this thread works on. An exception that leaves it marks it as failed."""

    def request(self, method: str) -> AbstractContextManager[Request]:
        """An HTTP request. It belongs to the traces of the arrivals that it stores."""

    def arrival(self, kind: str) -> AbstractContextManager[Arrival]:
        """The storing of an arrival, whose trace is the current one."""

    def failed(self, error: Exception) -> None:
        """Marks this thread's span as failed, by an error that does not leave it."""

    def covers(self, traces: Collection[str]) -> None:
        """This thread's span does the work of more jobs, with these traces."""


class Arrival(Protocol):
    """An arrival that is being stored."""

    def stored(self, *, fresh: bool) -> None:
        """It is stored, or it was already (`fresh` is False)."""


OFF: AbstractContextManager[None] = nullcontext()
"""In place of a span while tracing is off."""

recorder: Recorder | None = None
"""Of this process, set when it is built; None while tracing is off."""


def call(name: str, service: str) -> AbstractContextManager[object]:
    """A call to another system, where it takes so long that asking for the recorder costs nothing."""
    if recorder is None:
        return OFF
    return recorder.span(name, Kind.CLIENT, {"peer.service": service})


# -- ids
# The trace of a log line decides all ids, so that a job in another process, or after a restart,
# joins the trace of its message without any stored id.

_START, _ID, _ROOT = 12, 20, 16
_OURS = re.compile(rf"[0-9a-f]{{{_START}}}")


def trace_id(trace: str) -> str:
    """Returns OpenTelemetry's id for the trace of a log line: 32 hexadecimal digits that begin with it.

    The rest is a hash, because samplers decide by the last 64 bits. All of it is one for a trace that
    does not begin with 12 hexadecimal digits.
    """
    digest = _digest(trace)
    start = trace[:_START] if _OURS.match(trace) else digest[-_START:]
    return start + digest[:_ID]


def root_id(trace: str) -> str:
    """Returns the id of the trace's first span, the request that stored the arrival."""
    return _digest(trace)[_ID : _ID + _ROOT]


def _digest(trace: str) -> str:
    return hashlib.sha256(trace.encode()).hexdigest()
