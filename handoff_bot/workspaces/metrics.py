"""GET /metrics of the process: the metrics of each workspace, with its name as a label."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from handoff_bot.web.health import Operators

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

LABEL = "workspace"
UP, UP_WORDS = "handoff_workspace_up", "0 while a workspace is cut off from Slack or not served."


def metrics_of_several(
    operators: Operators,
    scrapes: Callable[[], Mapping[str, str]],
    ups: Callable[[], Mapping[str, bool]],
) -> Blueprint:
    """Returns the route. Without a token, it does not exist.

    Args:
        scrapes: returns what each workspace answers to /metrics, by its name.
        ups: returns whether each workspace is served and connected to Slack.
    """
    blueprint = Blueprint("several-metrics", __name__)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        if not operators.token:
            return Response("Not Found\n", 404, mimetype="text/plain")
        if not operators.has_token(request):
            return Response("Send METRICS_TOKEN as a bearer token.\n", 401, mimetype="text/plain")
        return _exposition(scrapes(), ups())

    return blueprint


def _exposition(scrapes: Mapping[str, str], ups: Mapping[str, bool]) -> Response:
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

    class Collector:
        def collect(self) -> Iterator[Metric]:
            yield from _merged(scrapes)
            yield _up(ups)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _merged(scrapes: Mapping[str, str]) -> Iterator[Metric]:
    """Yields each metric once, with the samples of all workspaces."""
    from prometheus_client.parser import text_string_to_metric_families

    found: dict[str, Metric] = {}
    for slug, content in sorted(scrapes.items()):
        for family in text_string_to_metric_families(content):
            samples = [one._replace(labels={**one.labels, LABEL: slug}) for one in family.samples]
            known = found.setdefault(family.name, family)
            known.samples = samples if known is family else [*known.samples, *samples]
    yield from found.values()


def _up(ups: Mapping[str, bool]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(UP, UP_WORDS, labels=(LABEL,))
    for slug, is_up in sorted(ups.items()):
        family.add_metric((slug,), float(is_up))
    return family
