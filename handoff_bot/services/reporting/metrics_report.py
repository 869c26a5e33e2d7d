"""Metrics report: headline and chart."""

from __future__ import annotations

from pydantic import TypeAdapter

from handoff_bot import charts
from handoff_bot.domain import report
from handoff_bot.domain.files import File
from handoff_bot.domain.metrics import Scope
from handoff_bot.services.reporting.metrics import Metrics
from handoff_bot.services.reporting.reports import Order, Report

FIGURES = "figures"

_SCOPE = TypeAdapter(Scope)


def order(scope: Scope) -> Order:
    """Returns the order for a report of this scope."""
    return dict(_SCOPE.dump_python(scope, mode="json"))


class MetricsReport:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __call__(self, order: Order) -> Report:
        """Returns the chart with a text description."""
        scope = _SCOPE.validate_python(order)
        numbers = self._metrics.numbers(scope)
        title, unit = report.title(scope), scope.period.unit
        picture = File("figures.png", "image/png", charts.draw(numbers, title, unit))
        return Report(report.alt_text(numbers, title, unit), picture)
