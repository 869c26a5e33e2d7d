"""The Flask factory."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from flask import Blueprint, Flask, Response
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

logger = logging.getLogger(__name__)

LARGEST_BODY = 256 * 1024
"""In bytes. Twilio's forms are a few kB, Slack's largest events some tens of kB."""


def create_web(blueprints: Iterable[Blueprint], *, proxies: int = 0) -> Flask:
    """Creates a Flask application of these blueprints with uniform error responses.

    Args:
        proxies: number of proxies that set X-Forwarded-For.
    """
    web = Flask("handoff_bot", static_folder=None)
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

    return web
