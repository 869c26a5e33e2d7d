"""The Flask factory, and provider webhooks: POST /webhooks/<channel> and its /status."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from handoff_bot import spans
from handoff_bot.domain.errors import Malformed, Unauthentic
from handoff_bot.domain.messages import DeliveryUpdate, InboundMessage
from handoff_bot.ports import Channel, WebhookRequest
from handoff_bot.services.ai_turns.inbound import as_arrival
from handoff_bot.services.delivery.sending import STATUS_UPDATE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)

# -- webhooks

MOST_FIELDS = 500
LONGEST_NAME = 400
"""Maximum characters of an id or an address; PostgreSQL's indexes take at most 2,700 bytes."""
FORM = "application/x-www-form-urlencoded"


class Stores(Protocol):
    """Stores arrivals; returns after commit."""

    def store(self, kind: str, lane: str, key: str, payload: dict[str, object]) -> bool:
        """Returns False if the key was already known."""


def webhooks(channels: Mapping[str, Channel], inbox: Stores) -> Blueprint:
    blueprint = Blueprint("webhooks", __name__)

    @blueprint.post("/webhooks/<kind>")
    @blueprint.post("/webhooks/<kind>/status")
    def receive(kind: str) -> Response:
        channel = channels.get(kind)
        if channel is None:
            logger.warning("webhook for an unknown channel")
            return _answer(404, "This channel does not exist.")
        try:
            for arrival in channel.receive(_parsed()):
                store(inbox, arrival)
        except Unauthentic as error:
            logger.warning("webhook refused", extra={"channel": kind, "why": str(error)})
            return _answer(403, "The signature is not valid.")
        except Malformed as error:
            logger.warning("webhook malformed", extra={"channel": kind, "why": str(error)})
            return _answer(400, str(error))
        return Response("<Response/>", 200, mimetype="text/xml")

    return blueprint


def _parsed() -> WebhookRequest:
    """Returns the request as received. Parses the form itself, because blank and repeated fields
    must stay.
    """
    body = request.get_data(cache=False)
    if request.mimetype != FORM:
        raise Malformed("The body must be a form.")
    try:
        form = parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            max_num_fields=MOST_FIELDS,
            errors="strict",
        )
    except ValueError as error:
        raise Malformed("The form cannot be read.") from error
    return WebhookRequest(
        path=request.environ["SCRIPT_NAME"] + request.environ["PATH_INFO"],
        query=request.environ.get("QUERY_STRING", ""),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        form=tuple(form),
    )


def store(inbox: Stores, arrival: InboundMessage | DeliveryUpdate) -> None:
    """Stores what a channel has received; returns after commit.

    Raises:
        Malformed: an id or address is longer than any provider's.
    """
    if not all(map(_is_name, _names(arrival))):
        raise Malformed("The form contains an invalid ID or address.")
    if isinstance(arrival, InboundMessage):
        inbox.store(*as_arrival(arrival))
        return
    subject = arrival.oid or arrival.provider_id
    key = f"{arrival.channel}:{arrival.provider_id}:{arrival.status}:{arrival.error_code}"
    inbox.store(
        STATUS_UPDATE, f"news:{arrival.channel}:{subject}", f"{key}:{arrival.oid}", asdict(arrival)
    )


def _names(arrival: InboundMessage | DeliveryUpdate) -> tuple[str, ...]:
    if isinstance(arrival, InboundMessage):
        return (arrival.provider_id, arrival.address, arrival.recipient, *arrival.aliases)
    return (arrival.provider_id, arrival.oid, arrival.error_code)


def _is_name(text: str) -> bool:
    return len(text) <= LONGEST_NAME and "\x00" not in text


def _answer(status: int, words: str) -> Response:
    return Response(f"{words}\n", status, mimetype="text/plain")


# -- the factory


LARGEST_BODY = 256 * 1024
"""In bytes. Twilio's forms are a few kB, Slack's largest events some tens of kB."""


class _Web(Flask):
    """Logs a request that fails without its path, which a stranger has written."""

    def log_exception(self, exc_info: Any) -> None:
        logger.error("request failed", exc_info=exc_info)


def create_web(blueprints: Iterable[Blueprint], *, proxies: int = 0) -> Flask:
    """Creates a Flask application of these blueprints with uniform error responses.

    Args:
        proxies: number of proxies that set X-Forwarded-For.
    """
    web = _Web("handoff_bot", static_folder=None)
    web.wsgi_app = ProxyFix(web.wsgi_app, x_for=proxies, x_proto=0)  # type: ignore[method-assign] # Flask's own way
    web.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    for blueprint in blueprints:
        web.register_blueprint(blueprint)

    @web.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> Response:
        status = error.code or 500
        logger.warning("request refused", extra={"status": status})
        response = Response(f"{error.name}\n", status, mimetype="text/plain")
        allowed = getattr(error, "valid_methods", None)
        if allowed:
            response.headers["Allow"] = ", ".join(sorted(allowed))
        return response

    if spans.recorder:
        _record_requests(web, spans.recorder)
    return web


PROBES = frozenset({"/livez", "/livez/<nonce>", "/readyz", "/healthz", "/metrics"})
"""Routes that monitors ask every few seconds. They are no spans."""
_ROUTE = "handoff.route"


def _record_requests(web: Flask, recorder: spans.Recorder) -> None:
    """Makes a span of each request to a route, until its response begins.

    It has the route's pattern and no header, so a stranger's `traceparent` decides nothing.
    """
    answer = web.wsgi_app

    @web.after_request
    def note_route(response: Response) -> Response:
        rule = request.url_rule.rule if request.url_rule else ""
        request.environ[_ROUTE] = "" if rule in PROBES else rule
        return response

    def recorded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with recorder.request(environ["REQUEST_METHOD"]) as span:

            def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
                span.answered(environ.get(_ROUTE, ""), int(status[:3]))
                return start_response(status, headers, *error)

            return answer(environ, start)

    web.wsgi_app = recorded  # type: ignore[method-assign] # Flask's own way
