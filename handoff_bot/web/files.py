"""GET /files/<token>/<name>: files in our keeping, for whoever knows their token, as long as it is open.

Twilio fetches what agents send from here (GET and HEAD, with no credentials); visitors of a website look at
it here. A file is served as what it was found to be, and never as a page of this address.
"""

from __future__ import annotations

import logging
from typing import Protocol
from urllib.parse import quote

from flask import Blueprint, Response

from handoff_bot.domain.files import StoredFile, is_picture

logger = logging.getLogger(__name__)

_LONGEST_TOKEN = 100
_HARMLESS = {
    "Cache-Control": "private, max-age=3600",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


class Finds(Protocol):
    """Where the files are."""

    def find(self, token: str) -> StoredFile | None:
        """The file, None when there is none, or no longer."""


def files(kept: Finds) -> Blueprint:
    """The route."""
    blueprint = Blueprint("files", __name__)

    @blueprint.get("/files/<token>/<name>")
    def serve(token: str, name: str) -> Response:  # noqa: ARG001 - the name is for people
        file = kept.find(token) if len(token) <= _LONGEST_TOKEN else None
        if file is None:
            logger.info("file asked for that is not open")
            return Response("This file is not here (any more).\n", 404, mimetype="text/plain")
        response = Response(file.pieces, content_type=file.content_type)
        response.content_length = file.size
        response.headers.update(_HARMLESS)
        response.headers["Content-Disposition"] = _disposition(file)
        return response

    return blueprint


def _disposition(file: StoredFile) -> str:
    """Pictures are shown, everything else is kept; the name in both spellings of RFC 6266."""
    how = "inline" if is_picture(file.content_type) else "attachment"
    plain = file.name.encode("ascii", "replace").decode().replace("?", "_")
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}"
