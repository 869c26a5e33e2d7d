"""GET /metrics in Prometheus' text format: numbers only, no label identifies a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from handoff_bot import __version__
from handoff_bot.jobs import store
from handoff_bot.ports import Clock
from handoff_bot.services.ai_turns.language_model import ModelHealthPage
from handoff_bot.storage import metering
from handoff_bot.storage.database import Database
from handoff_bot.storage.schema import HEAD
from handoff_bot.web.health import Operators

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

UNAUTHORIZED = "Send METRICS_TOKEN as a bearer token.\n"


@dataclass(frozen=True)
class Scrape:
    """Everything that one response shows; `model_status` is "off" without a model."""

    state: metering.State
    load: store.Load
    now: datetime
    model_status: str
    streams: int | None


def prometheus(
    database: Database,
    clock: Clock,
    operators: Operators,
    model: ModelHealthPage | None = None,
    streams: Callable[[], int] | None = None,
) -> Blueprint:
    """Returns the route. Without a token, it does not exist.

    Args:
        streams: returns the visitors that wait for changes; None if other processes have some too.
    """
    blueprint = Blueprint("prometheus", __name__)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        if not operators.token:
            return Response("Not Found\n", 404, mimetype="text/plain")
        if not operators.has_token(request):
            refused = Response(UNAUTHORIZED, 401, mimetype="text/plain")
            refused.headers["WWW-Authenticate"] = "Bearer"
            return refused
        now = clock.now()
        with database.write() as tx:
            metering.advance(tx, now)
        with database.read() as tx:
            scrape = Scrape(
                metering.state(tx, now),
                store.load(tx),
                now,
                model.status(tx) if model else "off",
                streams() if streams else None,
            )
        return _exposition(scrape)

    return blueprint


def _exposition(scrape: Scrape) -> Response:
    # Imported here, because deployments without /metrics should not pay for it.
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

    class Collector:
        def collect(self) -> Iterator[Metric]:
            return families(scrape)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


Rows = Mapping[Any, float]
"""Values of the labels -> value."""


def families(scrape: Scrape) -> Iterator[Metric]:
    """Yields all metrics; docs/monitoring.md describes them."""
    yield from _counters(scrape.state)
    yield from _jobs(scrape.load, scrape.now)
    yield from _queue(scrape.state, scrape.now)
    yield from _process(scrape)


def _counter(name: str, words: str, labels: tuple[str, ...], rows: Rows) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    return _filled(CounterMetricFamily(name, words, labels=labels), rows)


def _gauge(name: str, words: str, labels: tuple[str, ...], rows: Rows) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    return _filled(GaugeMetricFamily(name, words, labels=labels), rows)


def _filled(family: Any, rows: Rows) -> Metric:
    for labels, value in sorted(rows.items()):
        family.add_metric(labels, value)
    found: Metric = family
    return found


def _one(value: float) -> Rows:
    return {(): value}


_TOTALS = (
    (metering.MESSAGES, "Messages received from and sent to customers.", ("channel", "direction")),
    (metering.DELIVERIES, "Outcomes of messages to customers.", ("channel", "outcome")),
    (metering.OPENED, "Escalations by the signal that caused them.", ("channel", "reason")),
    (metering.ENDED, "Escalations that ended.", ("channel", "outcome")),
    (metering.TURNS, "Customers' messages by how the AI was in time for them.", ("result",)),
)


def _counters(state: metering.State) -> Iterator[Metric]:
    for name, words, labels in _TOTALS:
        yield _counter(name, words, labels, state.totals.get(name, {}))
    spent = state.spending
    yield _counter("handoff_ai_requests", "Requests to the language model.", (), _one(spent.calls))
    tokens = {("input",): spent.input_tokens, ("output",): spent.output_tokens}
    yield _counter("handoff_ai_tokens", "Tokens of the language model.", ("direction",), tokens)
    cost = spent.micros / 1_000_000
    yield _counter("handoff_ai_cost", "Cost, in the currency of the prices.", (), _one(cost))
    limited = {(call,): number for call, number in state.rate_limited.items()}
    words = "Responses 429 of Slack, by kind of call."
    yield _counter("handoff_slack_rate_limited", words, ("call",), limited)


def _jobs(load: store.Load, now: datetime) -> Iterator[Metric]:
    waiting = {(queue,): part.waiting for queue, part in load.queues.items()}
    overdue = {
        (queue,): max(0.0, (now - part.ours_due_at).total_seconds()) if part.ours_due_at else 0.0
        for queue, part in load.queues.items()
    }
    yield _gauge("handoff_lanes_waiting", "Lanes with jobs, by queue.", ("queue",), waiting)
    words = "How long the oldest job is overdue, without waiting for Slack's rate limits."
    yield _gauge("handoff_lanes_overdue_seconds", words, ("queue",), overdue)
    words = "Failed jobs that no operator has handled."
    yield _gauge("handoff_jobs_failed", words, (), _one(load.parked))


def _queue(state: metering.State, now: datetime) -> Iterator[Metric]:
    waiting = {(priority,): part.number for priority, part in state.waiting.items()}
    longest = {
        (priority,): max(0.0, (now - part.oldest_at).total_seconds())
        for priority, part in state.waiting.items()
    }
    words = "Customers who wait for an agent."
    yield _gauge("handoff_queue_customers", words, ("priority",), waiting)
    words = "How long the customer who has waited longest has waited."
    yield _gauge("handoff_queue_longest_wait_seconds", words, ("priority",), longest)
    words = "Conversations that agents have taken over."
    yield _gauge("handoff_conversations_claimed", words, (), _one(state.claimed))


def _process(scrape: Scrape) -> Iterator[Metric]:
    about = {(__version__, HEAD): 1.0}
    yield _gauge("handoff_info", "Version of the program.", ("version", "schema"), about)
    words = "Processes that run jobs and were heard of within five seconds."
    yield _gauge("handoff_workers", words, (), _one(scrape.state.workers))
    if scrape.state.connections is not None:
        words = "Connections of all processes to PostgreSQL."
        yield _gauge("handoff_database_connections", words, (), _one(scrape.state.connections))
    if scrape.streams is not None:
        words = "Website visitors who wait for messages."
        yield _gauge("handoff_website_streams", words, (), _one(scrape.streams))
    if scrape.model_status != "off":
        words = "0 while the language model does not respond."
        is_up = float(scrape.model_status != "failing")
        yield _gauge("handoff_ai_up", words, (), _one(is_up))
