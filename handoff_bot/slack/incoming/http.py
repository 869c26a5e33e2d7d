"""POST /slack/events: events, clicks, modals and commands over HTTP."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, request
from slack_bolt import App
from slack_bolt.adapter.flask.handler import to_flask_response
from slack_bolt.request import BoltRequest
from slack_sdk.signature import SignatureVerifier

logger = logging.getLogger(__name__)

_LONGEST_TIMESTAMP = 20


def slack_events(bolt: App, signing_secret: str) -> Blueprint:
    """Returns the route. It checks the signature before anything is parsed; Bolt checks it again.

    Args:
        bolt: handles the requests.
        signing_secret: "" refuses every request, because Socket Mode is in use.
    """
    blueprint = Blueprint("slack", __name__)

    @blueprint.post("/slack/events")
    def receive() -> Response:
        body = _readable(request.get_data(cache=False))
        if body is None:
            return _refused(400, "The body must be UTF-8.")
        if not _is_signed(body, signing_secret):
            return _refused(401, "The signature is not valid.")
        parsed = _parsed(body)
        if parsed is None:
            return _refused(400, "The body cannot be read.")
        return to_flask_response(bolt.dispatch(parsed))

    return blueprint


def _readable(body: bytes) -> str | None:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _is_signed(body: str, signing_secret: str) -> bool:
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    signature = request.headers.get("X-Slack-Signature", "")
    is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < _LONGEST_TIMESTAMP
    if not (signing_secret and is_number and signature.isascii()):
        return False
    return SignatureVerifier(signing_secret).is_valid(body, timestamp, signature)


def _parsed(body: str) -> BoltRequest | None:
    """Returns Bolt's request; None if the body is neither a JSON object nor a form with one."""
    try:
        return BoltRequest(
            body=body,
            query=request.query_string.decode("latin-1"),
            headers=dict(request.headers),
        )
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return None


def _refused(status: int, words: str) -> Response:
    logger.warning("slack request refused", extra={"status": status})
    return Response(f"{words}\n", status, mimetype="text/plain")
