"""Reports errors of the program to Sentry. The only module that imports its SDK, the extra `sentry`.

Nothing is collected and then removed: a report is built from the few things that are known to hold no
customer's data. The SDK only queues and sends it. Its integrations, which read requests, queries and
local variables, are off.
"""

from __future__ import annotations

import atexit
import logging
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from handoff_bot import __version__
from handoff_bot.domain.results import CheckResult
from handoff_bot.logs import TRACE, TRACE_FIELD, chain
from handoff_bot.spans import trace_id

if TYPE_CHECKING:
    from types import TracebackType

    import sentry_sdk
    from sentry_sdk.types import Event, Hint

logger = logging.getLogger(__name__)

INSTALL = "Error reports need the extra: pip install 'handoff-bot[sentry]'"
FLUSH_SECONDS = 2.0
"""For the last reports when the process stops."""
_CHECK_SECONDS = 5.0
_OURS = "handoff_bot."
"""Begin of the loggers whose messages are fixed texts. Libraries put data into theirs, and Flask's is
called "handoff_bot".
"""
_FIELDS = frozenset({"attempt", "channel", "code", "kind", "queue", "role", "status", "work_id"})
"""Fields of log lines that are sent, as tags."""
_TERM = re.compile(r"[A-Za-z0-9_.:-]{1,60}")
_NUMBER = re.compile(r"\d{10}")
_MOST_FRAMES = 60
_MOST_LINKS = 10
_SENT = frozenset(
    {
        *("event_id", "timestamp", "platform", "level", "logger", "logentry", "exception", "tags"),
        *("release", "environment", "sdk"),
    }
)
"""Parts of a report. The SDK adds others, such as the machine's name."""


def start(dsn: str) -> Callable[[], None] | None:
    """Reports errors that this process logs from now on, and exceptions that end a thread of it.

    Args:
        dsn: the project's address with its key; "" for no reports.

    Returns:
        What stops it and sends the last reports, within `FLUSH_SECONDS`. None if it is off.
    """
    if not dsn:
        return None
    if find_spec("sentry_sdk") is None:
        logger.warning("error reports are off", extra={"why": INSTALL})
        return None
    reports = _Reports(_client(dsn))
    logging.getLogger().addHandler(reports)
    # The interpreter prints what ends a thread, and logs nothing.
    hooks = sys.excepthook, threading.excepthook
    sys.excepthook = reports.before(sys.excepthook)
    threading.excepthook = reports.before_thread(threading.excepthook)

    def stop() -> None:
        atexit.unregister(stop)
        sys.excepthook, threading.excepthook = hooks
        logging.getLogger().removeHandler(reports)
        reports.close()

    atexit.register(stop)  # a process that cannot start ends without being stopped
    return stop


def _client(dsn: str) -> sentry_sdk.Client:
    import sentry_sdk

    return sentry_sdk.Client(
        dsn=dsn,
        release=f"handoff@{__version__}",
        integrations=[],
        default_integrations=False,
        auto_enabling_integrations=False,
        before_send=_only_sent,
        max_breadcrumbs=0,
        before_breadcrumb=lambda _crumb, _hint: None,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        server_name="",
        auto_session_tracking=False,
        send_client_reports=False,
        propagate_traces=False,
        traces_sample_rate=None,
        enable_logs=False,
        enable_metrics=False,
        enable_backpressure_handling=False,  # it would start a thread, for tracing
        spotlight=False,
        shutdown_timeout=FLUSH_SECONDS,
    )


def _only_sent(event: Event, _hint: Hint) -> Event:
    """Removes whatever the SDK has added."""
    kept: Any = {name: value for name, value in event.items() if name in _SENT}
    found: Event = kept
    return found


class _Reports(logging.Handler):
    """Sends log records of errors."""

    def __init__(self, client: sentry_sdk.Client) -> None:
        super().__init__(logging.ERROR)
        self._client = client

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(("sentry_sdk", "urllib3")):  # its own failures
            return
        try:
            self._client.capture_event(event_of(record))
        except Exception:  # a report must not break what reports
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Says nothing: by default it prints the record's arguments."""

    def before(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        """Returns a hook that reports what ends the main thread, and then calls this one."""

        def report(kind: type[BaseException], error: BaseException, trace: Any) -> None:
            self._ended(error)
            hook(kind, error, trace)

        return report

    def before_thread(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        """Returns the same for other threads."""

        def report(ended: threading.ExceptHookArgs) -> None:
            self._ended(ended.exc_value)
            hook(ended)

        return report

    def _ended(self, error: BaseException | None) -> None:
        if isinstance(error, Exception):
            told = (type(error), error, error.__traceback__)
            self.handle(
                logging.LogRecord(__name__, logging.CRITICAL, "", 0, "thread has ended", None, told)
            )

    def close(self) -> None:
        """Sends what waits."""
        super().close()
        self._client.close(timeout=FLUSH_SECONDS)


# -- one report, from a log record: types and places of its exceptions, not their texts


def event_of(record: logging.LogRecord) -> Event:
    """Returns the report of a log record."""
    error = record.exc_info[1] if record.exc_info else None
    event: Event = {
        "level": "fatal" if record.levelno >= logging.CRITICAL else "error",
        "logger": record.name,
        "logentry": {"message": _message(record)},
        "tags": dict(_tags(record)),
    }
    if error:
        links = [_exception(link) for link in islice(chain(error), _MOST_LINKS)]
        event["exception"] = {"values": links[::-1]}
    return event


def _message(record: logging.LogRecord) -> str:
    """Returns the log call's fixed text, without its arguments."""
    is_ours = record.name.startswith(_OURS) and isinstance(record.msg, str)
    return str(record.msg)[:200] if is_ours else "error in a library"


def _tags(record: logging.LogRecord) -> Iterator[tuple[str, str]]:
    if trace := TRACE.get():
        yield TRACE_FIELD, trace
        yield "otel_trace_id", trace_id(trace)
    for name in sorted(_FIELDS & vars(record).keys()):
        value = str(vars(record)[name])
        if _TERM.fullmatch(value) and not _NUMBER.search(value):
            yield name, value


def _exception(error: BaseException) -> dict[str, Any]:
    return {
        "type": type(error).__name__,
        "module": type(error).__module__,
        "value": "",
        "stacktrace": {"frames": _frames(error.__traceback__)},
    }


def _frames(trace: TracebackType | None) -> list[dict[str, Any]]:
    """Returns where it happened, the innermost last. Paths of this machine are not sent."""
    summaries = traceback.StackSummary.extract(traceback.walk_tb(trace), lookup_lines=False)
    return [
        {
            "filename": "/".join(Path(one.filename).parts[-3:]),
            "function": one.name,
            "lineno": one.lineno,
            "in_app": "handoff" in one.filename and "site-packages" not in one.filename,
        }
        for one in summaries[-_MOST_FRAMES:]
    ]


# -- the doctor


def check(dsn: str) -> Iterator[CheckResult]:
    """Checks the extra, and whether the server answers. Nothing is reported to it."""
    if not dsn:
        return
    if find_spec("sentry_sdk") is None:
        yield CheckResult("error reports", False, INSTALL)
        return
    parts = urlsplit(dsn)
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"
    try:
        requests.get(where, timeout=_CHECK_SECONDS, allow_redirects=False, stream=True).close()
    except requests.RequestException:
        words = "does not answer; errors are only in the log. Messages are not affected."
        yield CheckResult("error reports", True, f"warning: {parts.hostname} {words}")
    else:
        yield CheckResult("error reports", True, f"{parts.hostname} can be reached")
