"""The Flask factory."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

LARGEST_BODY = 256 * 1024
"""Bytes. Twilio's forms are a few kB, Slack's largest events some tens of kB."""


class _Gate:
    """Lets so many requests be worked on at once. Who only waits for news does so behind it.

    A view that streams returns at once; what it streams is iterated after the gate.
    """

    def __init__(self, inner: WSGIApplication, room: int) -> None:
        self._inner = inner
        self._room = threading.BoundedSemaphore(room)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._room:
            return self._inner(environ, start_response)


def create_web(blueprints: Iterable[Blueprint], *, threads: int = 32, proxies: int = 0) -> Flask:
    """A Flask application of these parts, with one way to refuse.

    Args:
        threads: requests that are worked on at once.
        proxies: how many stand before us and name their client in X-Forwarded-For.
    """
    web = Flask("handoff_bot", static_folder=None)
    gate = _Gate(web.wsgi_app, threads)
    web.wsgi_app = ProxyFix(gate, x_for=proxies, x_proto=0)  # type: ignore[method-assign] # Flask's own way
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
