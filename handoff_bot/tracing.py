"""Exports spans by OpenTelemetry's protocol. The only module that imports its SDK, the extra `otel`.

The SDK reads its standard variables itself: endpoint, headers, sampler, service name, queue.
"""

from __future__ import annotations

import logging
import re
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar, Token
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import requests

from handoff_bot import __version__, spans
from handoff_bot.domain.results import CheckResult
from handoff_bot.logs import TRACE
from handoff_bot.spans import Kind, Value, root_id, trace_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import (
        BatchSpanProcessor,
        SpanExporter,
        SpanExportResult,
    )
    from opentelemetry.trace import SpanContext

logger = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
OURS = "http/protobuf"
INSTALL = "Tracing needs the extra: pip install 'handoff-bot[otel]'"
FLUSH_SECONDS = 3.0
"""For the last spans when the process stops; gunicorn kills after 20 seconds."""
_CHECK_SECONDS = 5.0

# -- switched on by the standard variables


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Returns whether the standard variables switch tracing on: an endpoint, and nothing off."""
    is_off = (
        environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        or environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
    )
    return not is_off and bool(_endpoint(environ))


def _endpoint(environ: Mapping[str, str]) -> str:
    return next((given for name in ENDPOINTS if (given := environ.get(name, "").strip())), "")


def _foreign_protocol(environ: Mapping[str, str]) -> str:
    given = next((said for name in PROTOCOLS if (said := environ.get(name, "").strip())), OURS)
    return "" if given == OURS else given


def _is_installed() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False


def start(environ: Mapping[str, str]) -> Callable[[], None] | None:
    """Records spans in this process from now on, if that is wanted. Call it after a fork.

    Returns:
        What stops it and sends the last spans, within `FLUSH_SECONDS`. None if tracing is off.
    """
    if not is_wanted(environ):
        return None
    if not _is_installed():
        logger.warning("tracing is off", extra={"why": INSTALL})
        return None
    try:
        spans.recorder = recorder = _recorder(environ)
    except Exception as error:  # an invalid variable must not keep the bot from serving customers
        why = f"invalid OTEL_ variables ({type(error).__name__})"
        logger.warning("tracing is off", extra={"why": why})
        return None
    return recorder.stop


def _recorder(environ: Mapping[str, str]) -> SpanRecorder:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # The exporter logs each failed try, with the endpoint's address.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL + 1)
    own = {"service.version": __version__}
    named = (environ.get("OTEL_SERVICE_NAME", ""), environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    if not named[0] and "service.name=" not in named[1]:
        own["service.name"] = "handoff"
    provider = TracerProvider(resource=Resource.create(own), shutdown_on_exit=False)
    return SpanRecorder(
        provider, BatchSpanProcessor(cast("SpanExporter", _Told(OTLPSpanExporter())))
    )


class _Told:
    """An exporter that logs one line when exporting begins to fail, and one when it works again."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self._is_failing = False

    def export(self, batch: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(batch)
        has_failed = result.name != "SUCCESS"
        if has_failed and not self._is_failing:
            logger.warning("spans are lost", extra={"why": "the OTLP endpoint takes none"})
        elif self._is_failing and not has_failed:
            logger.info("spans are exported again")
        self._is_failing = has_failed
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._inner.force_flush(timeout_millis)


# -- spans, made when they end: all their attributes are known then, and nothing is locked meanwhile

_NAME = re.compile(r"[A-Za-z0-9_.:/{}<> -]{1,100}")
_TEXT = re.compile(r"[A-Za-z0-9_.:/{}<>-]{1,100}")
_NUMBER = re.compile(r"(?:\d[-.]?){7}")
_MODEL = "gen_ai.request.model"
_DATE = re.compile(r"(?<!\d)20\d\d(-?)[01]\d\1[0-3]\d(?!\d)")
"""Of a model's version, as in gpt-4o-2024-08-06."""
OTHER = "other"
"""In place of a text that may be more than a term of ours: with spaces, signs, or a long number."""
METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"})

_current: ContextVar[_Span | None] = ContextVar("span", default=None)


class SpanRecorder:
    """Implements `Recorder`: queues spans for the exporting thread; the queue drops what it cannot hold."""

    def __init__(self, provider: TracerProvider, processor: BatchSpanProcessor) -> None:
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope
        from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

        self._sampler = provider.sampler
        self._resource = provider.resource
        self._processor = processor
        self._is_over = False
        self._link = Link
        self._scope = InstrumentationScope("handoff_bot", __version__)
        self._span, self._context = ReadableSpan, SpanContext
        self._sampled = TraceFlags(TraceFlags.SAMPLED)
        self._kinds = {kind: SpanKind[kind.value] for kind in Kind}
        self._statuses = {False: Status(StatusCode.UNSET), True: Status(StatusCode.ERROR)}

    def span(self, name: str, kind: Kind, attributes: Mapping[str, Value]) -> _Span:
        trace, outer = TRACE.get(), _current.get()
        if outer and (not trace or trace == outer.trace):
            outer.has_parts = True
            return _Span(self, name, kind, attributes, outer.trace, outer.trace_id, outer.id)
        if trace:
            parent = int(root_id(trace), 16)
            return _Span(self, name, kind, attributes, trace, int(trace_id(trace), 16), parent)
        return _Span(self, name, kind, attributes, "", secrets.randbits(128), 0)

    def request(self, method: str) -> _Request:
        return _Request(self, method if method in METHODS else "_OTHER")

    def arrival(self, kind: str) -> _Arrival:
        return _Arrival(self, kind, TRACE.get())

    def failed(self, error: Exception) -> None:
        if span := _current.get():
            span.failed(_code_of(error))

    def covers(self, traces: Collection[str]) -> None:
        if span := _current.get():
            span.note("handoff.job.count", 1 + len(traces))
            span.others = {one for one in traces if one and one != span.trace}

    def stop(self) -> None:
        """Records nothing from now on, and sends the last spans."""
        # `spans.recorder` stays: a request that still runs may just have looked at it.
        self._is_over = True
        # It would wait for half a minute for an endpoint that is down.
        last = threading.Thread(target=self._processor.shutdown, name="last-spans", daemon=True)
        last.start()
        last.join(FLUSH_SECONDS)

    def queue(self, span: _Span, trace: int, own: int, parent: int, *, same: bool = True) -> None:
        """Queues a span that has ended, under these ids.

        Args:
            parent: id of the span that it is a part of, 0 for none.
            same: False for a copy in another trace, which links to the span.
        """
        with suppress(Exception):  # whatever a sampler does, no message may fail by it
            if not self._is_over:
                self._queue(span, trace, own, parent, same=same)

    def _queue(self, span: _Span, trace: int, own: int, parent: int, *, same: bool) -> None:
        decision: Any = self._sampler.should_sample(None, trace, span.name).decision
        if not decision.is_sampled():
            return
        self._processor.on_end(
            self._span(
                name=span.name if _NAME.fullmatch(span.name) else OTHER,
                context=self._of(trace, own),
                parent=self._of(trace, parent) if parent else None,
                resource=self._resource,
                links=() if same else (self._link(self._of(span.trace_id, span.id)),),
                attributes={name: _safe(value, name) for name, value in span.attributes.items()},
                kind=self._kinds[span.kind],
                status=self._statuses[span.has_failed],
                start_time=span.began,
                end_time=span.ended,
                instrumentation_scope=self._scope,
            )
        )

    def _of(self, trace: int, own: int) -> SpanContext:
        return self._context(trace, own, is_remote=False, trace_flags=self._sampled)


def _safe(value: Value, name: str = "") -> Value:
    """The last guard: whatever a caller passes, no message, name, address or phone number leaves."""
    if not isinstance(value, str):
        return value
    counted = _DATE.sub("", value, count=1) if name == _MODEL else value
    return value if _TEXT.fullmatch(value) and not _NUMBER.search(counted) else OTHER


def _code_of(error: BaseException) -> str:
    """Returns the error's own code, else its type; never its text, which may quote data."""
    code = getattr(error, "code", None)
    return code if isinstance(code, str) and code else type(error).__name__


def _status_of(error: BaseException) -> int:
    found = getattr(error, "status_code", getattr(error, "status", None))
    return found if isinstance(found, int) else 0


class _Span:
    """Implements `Span`.

    Attributes:
        trace: the trace of log lines; "" for none.
        id: its own id.
        parent: id of the span that it is a part of, 0 for none.
        has_parts: whether another span is a part of it.
        others: other traces that it works for, too.
    """

    def __init__(
        self,
        recorder: SpanRecorder,
        name: str,
        kind: Kind,
        attributes: Mapping[str, Value],
        trace: str,
        trace_id: int,
        parent: int,
    ) -> None:
        self._recorder = recorder
        self.name = name
        self.kind = kind
        self.attributes = dict(attributes)
        self.trace = trace
        self.trace_id = trace_id
        self.parent = parent
        self.id = secrets.randbits(64)
        self.has_parts = False
        self.others: set[str] = set()
        self.has_failed = False
        self.began = self.ended = time.time_ns()
        self._token: Token[_Span | None] | None = None

    def note(self, name: str, value: Value) -> None:
        self.attributes[name] = value

    def failed(self, code: str, status: int = 0) -> None:
        self.has_failed = True
        self.attributes["error.type"] = code
        if status:
            self.attributes["http.response.status_code"] = status

    def __enter__(self) -> Any:
        self._token = _current.set(self)
        self.began = time.time_ns()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._token:
            _current.reset(self._token)
        self.ended = time.time_ns()
        if error and not self.has_failed and "handoff.outcome" not in self.attributes:
            self.failed(_code_of(error), _status_of(error))
        self.queue()

    def queue(self) -> None:
        """Hands it to the exporter, and a copy in each other trace that it works for."""
        self._recorder.queue(self, self.trace_id, self.id, self.parent)
        for trace in self.others:
            found, root = int(trace_id(trace), 16), int(root_id(trace), 16)
            self._recorder.queue(self, found, secrets.randbits(64), root, same=False)


class _Request(_Span):
    """Implements `Request`. Which traces it belongs to is known when its arrivals are stored."""

    def __init__(self, recorder: SpanRecorder, method: str) -> None:
        attributes = {"http.request.method": method}
        super().__init__(
            recorder, method, Kind.SERVER, attributes, "", secrets.randbits(128), parent=0
        )
        self._route = ""
        self._status = 0
        self.arrivals: list[tuple[str, bool]] = []

    def answered(self, route: str, status: int) -> None:
        self._route, self._status = route, status
        self.name = f"{self.attributes['http.request.method']} {route}"
        self.attributes |= {"http.route": route, "http.response.status_code": status}
        if status >= 500:
            self.failed(str(status), status)

    def queue(self) -> None:
        """The request is the first span of each trace that it begins.

        Strangers' requests would push others out of the queue: those for nothing, and those that are
        refused.
        """
        is_refused = 400 <= self._status < 500 and not (self.arrivals or self.has_parts)
        if not self._route or is_refused:
            return
        for trace, fresh in self.arrivals:
            found, root = int(trace_id(trace), 16), int(root_id(trace), 16)
            own, parent = (root, 0) if fresh else (secrets.randbits(64), root)
            self._recorder.queue(self, found, own, parent)
        if self.has_parts or not self.arrivals:
            super().queue()


class _Arrival:
    """Implements `Arrival`, and the context of storing it. Without a request, such as by Socket Mode, it
    is a span itself.
    """

    def __init__(self, recorder: SpanRecorder, kind: str, trace: str) -> None:
        self._recorder = recorder
        self._kind = kind
        self._trace = trace
        self._fresh = False
        self._began = 0

    def stored(self, *, fresh: bool) -> None:
        self._fresh = fresh

    def __enter__(self) -> _Arrival:
        self._began = time.time_ns()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        outer = _current.get()
        if isinstance(outer, _Request):
            outer.arrivals.append((self._trace, self._fresh))
            return
        found, root = int(trace_id(self._trace), 16), int(root_id(self._trace), 16)
        span = _Span(
            self._recorder,
            f"store {self._kind}",
            Kind.SERVER,
            {"handoff.job.kind": self._kind},
            self._trace,
            found,
            0 if self._fresh else root,
        )
        span.id = root if self._fresh else span.id
        span.began, span.ended = self._began, time.time_ns()
        if error:
            span.failed(_code_of(error))
        span.queue()


# -- the doctor


def check(environ: Mapping[str, str]) -> Iterator[CheckResult]:
    """Checks the extra and the endpoint, to which an empty list of spans is sent."""
    if not is_wanted(environ):
        return
    protocol = _foreign_protocol(environ)
    if protocol:
        words = f"the protocol is not supported; set OTEL_EXPORTER_OTLP_PROTOCOL={OURS}"
        yield CheckResult("tracing", False, f"{words}, and the port for it, usually 4318")
    elif not _is_installed():
        yield CheckResult("tracing", False, INSTALL)
    else:
        try:
            host = urlsplit(_endpoint(environ)).hostname or "?"
        except ValueError:  # a bracket without an IPv6 address
            words = "the endpoint is not a URL; set it to e.g. http://collector:4318"
            yield CheckResult("tracing", False, words)
            return
        yield CheckResult("tracing", True, _reached(host))


def _reached(host: str) -> str:
    """Says whether the endpoint takes spans. If not, the bot works all the same."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL + 1)
    statuses: list[int] = []
    with requests.Session() as session:
        session.hooks["response"] = [lambda answer, **_: statuses.append(answer.status_code)]
        try:
            exporter = OTLPSpanExporter(timeout=_CHECK_SECONDS, session=session)
            is_taken = exporter.export(()).name == "SUCCESS"
        except Exception as error:  # whatever invalid variables can cause
            return f"warning: invalid OTEL_ variables ({type(error).__name__}); no spans are sent"
    if is_taken:
        return f"{host} takes spans"
    why = f"answered {statuses[-1]}" if statuses else "does not answer"
    return f"warning: {host} {why}; spans are lost until it takes them. Messages are not affected."
