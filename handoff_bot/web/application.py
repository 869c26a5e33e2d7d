"""The Flask factory."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from flask import Blueprint, Flask, Response
from werkzeug.exceptions import HTTPException

logger = logging.getLogger(__name__)

LARGEST_BODY = 256 * 1024
"""Bytes. Twilio's forms are a few kB, Slack's largest events some tens of kB."""


def create_web(blueprints: Iterable[Blueprint]) -> Flask:
    """A Flask application of these parts, with one way to refuse."""
    web = Flask("handoff_bot")
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

    return web
