"""JSON log lines: ids and our own terms, never message texts, numbers or secrets."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

TRACE_FIELD = "trace"
TRACE: ContextVar[str] = ContextVar(TRACE_FIELD, default="")
"""The id of the arrival that this thread works on; "" outside of any."""
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Formats a record with the fields of its `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if TRACE.get():
            line[TRACE_FIELD] = TRACE.get()
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info and record.exc_info[1]:
            line["error"], line["frames"] = _without_words(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def _without_words(error: BaseException) -> tuple[str, list[str]]:
    """Returns type and location of an error without its text, because databases quote the failing
    row.
    """
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return " < ".join(type(link).__name__ for link in chain(error)), where


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yields an error, and what caused it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def set_up(level: str) -> None:
    """Logs to standard error. Libraries only log warnings, because they log addresses."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("handoff_bot").setLevel(level.upper())
