"""GET /chat/photos/<token>: agents' photos for website visitors, from our own host.

So the website's Content Security Policy stays as it is, and no visitor is shown to Slack's CDN.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Response

from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.files import File

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
