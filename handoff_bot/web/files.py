"""Stored files and agents' photos, for anyone with their token, from our own host."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from flask import Blueprint, Response, request
from limits import parse_many
from limits.strategies import FixedWindowRateLimiter

from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.files import File, StoredFile, is_picture
from handoff_bot.web.chat_limits import Limits, network_of

logger = logging.getLogger(__name__)

# -- stored files: GET /files/<token>/<name>, while the token is open
# Twilio downloads agents' files here (GET and HEAD, without credentials), and website visitors view
# them. A file is served with its verified type, and never as a page of this host.

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


# -- agents' photos: GET /chat/photos/<token>
# So the website's Content Security Policy stays as it is, and no visitor is shown to Slack's CDN.

KEPT_FOR = 3600.0
"""Seconds until a photo is looked up again."""
RETRY_AFTER = 300.0
"""Seconds until Slack is asked again when it did not answer."""
MOST = 500
AT_ONCE = 2
"""Lookups at a time: a slow Slack must not take the threads that answer webhooks."""
_HEADERS = {
    "Cache-Control": "private, max-age=300",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


@dataclass(frozen=True)
class _Kept:
    photo: File | None
    until: float


class AgentPhotos:
    """Photos by agent, kept in memory; safe for any number of threads.

    Args:
        secret: signs the addresses, so that only a visitor who talks to an agent sees the photo.
        look_up: returns an agent's photo, None without one; may raise DeskError.
    """

    def __init__(self, secret: str, look_up: Callable[[int], File | None]) -> None:
        self._key = hashlib.sha256(f"photo:{secret}".encode()).digest()
        self._look_up = look_up
        self._kept: dict[int, _Kept] = {}
        self._guard = threading.Lock()
        self._room = threading.BoundedSemaphore(AT_ONCE)

    def path(self, agent_id: int) -> str:
        """Returns the address below the bot's."""
        return f"chat/photos/{agent_id}.{self._signature(str(agent_id))}"

    def answer(self, token: str) -> Response:
        """Returns the photo; 204 without one, which a browser takes for no picture and no error."""
        number, _, signature = token.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(number).encode()):
            return Response("", 404)
        photo = self._photo(int(number))
        response = Response(photo.data if photo else b"", 200 if photo else 204)
        if photo:
            response.content_type = photo.content_type
        response.headers.update(_HEADERS)
        return response

    def forget(self) -> None:
        """Looks all photos up again."""
        with self._guard:
            self._kept.clear()

    def _signature(self, number: str) -> str:
        return hmac.new(self._key, number.encode(), hashlib.sha256).hexdigest()[:32]

    def _photo(self, agent_id: int) -> File | None:
        with self._guard:
            kept = self._kept.get(agent_id)
        if kept and kept.until > time.monotonic():
            return kept.photo
        if not self._room.acquire(blocking=False):
            return kept.photo if kept else None
        try:
            photo, lives = self._look_up(agent_id), KEPT_FOR
        except DeskError:
            photo, lives = kept.photo if kept else None, RETRY_AFTER
        finally:
            self._room.release()
        with self._guard:
            if len(self._kept) >= MOST and agent_id not in self._kept:
                del self._kept[next(iter(self._kept))]
            self._kept[agent_id] = _Kept(photo, time.monotonic() + lives)
        return photo
