"""GET /files/<token>/<name>: stored files, for anyone with the token while it is open.

Twilio downloads agents' files here (GET and HEAD, without credentials), and website visitors view
them. A file is served with its verified type, and never as a page of this host.
"""

from __future__ import annotations

import logging
import re
from typing import Protocol
from urllib.parse import quote

from flask import Blueprint, Response, request
from limits import parse_many
from limits.strategies import FixedWindowRateLimiter

from handoff_bot.domain.files import StoredFile, is_picture
from handoff_bot.web.chat_limits import Limits
from handoff_bot.web.clients import network_of

logger = logging.getLogger(__name__)

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,100}")
_UNIT = 64 * 1024
"""Bytes per counted unit; a small file counts as one."""
_GB = 1_000_000_000 // _UNIT
REQUESTS = parse_many("1200 per minute")
"""Requests per network, including unknown files."""
OF_FILE = parse_many("120 per hour")
"""Downloads per file: providers fetch it a few times, browsers cache it for an hour."""
OF_NETWORK = parse_many(f"{2 * _GB} per hour")
"""Units per network; Twilio downloads everything from few networks."""
OF_ALL = parse_many(f"{50 * _GB} per hour")
"""Units of all networks together."""
_HARMLESS = {
    "Cache-Control": "private, max-age=3600",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


class Finds(Protocol):
    def find(self, token: str) -> StoredFile | None:
        """Returns the file, None if it is unknown or no longer open."""


def files(kept: Finds) -> Blueprint:
    downloads = Limits(FixedWindowRateLimiter)
    blueprint = Blueprint("files", __name__)

    @blueprint.get("/files/<token>/<name>")
    def serve(token: str, name: str) -> Response:  # noqa: ARG001 - the name is for people
        network = network_of(request.remote_addr)
        wait = downloads.seconds_to_wait(REQUESTS, "requests", network)
        file = kept.find(token) if not wait and _TOKEN.fullmatch(token) else None
        if file:
            wait = _wait_for(downloads, file, token, network)
        if wait:
            logger.warning("download over its limit")
            refused = Response("Too many downloads. Please wait.\n", 429, mimetype="text/plain")
            refused.headers["Retry-After"] = str(wait)
            return refused
        if file is None:
            logger.info("file asked for that is not open")
            return Response(
                "This file does not exist or is no longer available.\n", 404, mimetype="text/plain"
            )
        response = Response(file.pieces, content_type=file.content_type)
        response.content_length = file.size
        response.headers.update(_HARMLESS)
        response.headers["Content-Disposition"] = _disposition(file)
        return response

    return blueprint


def _wait_for(downloads: Limits, file: StoredFile, token: str, network: str) -> int:
    """Returns the seconds to wait before this download, 0 for none."""
    units = 1 + file.size // _UNIT
    return (
        downloads.seconds_to_wait(OF_FILE, "file", token)
        or downloads.seconds_to_wait(OF_NETWORK, "network", network, units)
        or downloads.seconds_to_wait(OF_ALL, "all", "", units)
    )


def _disposition(file: StoredFile) -> str:
    """Pictures are shown inline, other files are downloaded; the name in both forms of RFC 6266."""
    how = "inline" if is_picture(file.content_type) else "attachment"
    plain = file.name.encode("ascii", "replace").decode().replace("?", "_")
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}"
