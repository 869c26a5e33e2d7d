"""A mail server on loopback that keeps what it gets, and sends nothing."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.controller import Controller

from handoff_sandbox.free_port import free_port
from handoff_sandbox.server import HOST

KEPT = 50
LARGEST = 1024 * 1024
"""Limit in bytes of one e-mail."""


@dataclass(frozen=True)
class Letter:
    """One e-mail. `at` is in seconds since the epoch, in the sandbox's time."""

    id: int
    at: float
    to: str
    subject: str
    text: str


class Mailbox:
    """The newest e-mails to any address."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._letters: deque[Letter] = deque(maxlen=KEPT)
        self._guard = threading.Lock()
        self._count = 0
        self._controller = Controller(
            _Taker(self._take), hostname=HOST, port=free_port(), data_size_limit=LARGEST
        )

    @property
    def url(self) -> str:
        """The value of SMTP_URL."""
        return f"smtp+insecure://{HOST}:{self._controller.port}"

    def start(self) -> Mailbox:
        self._controller.start()
        return self

    def stop(self) -> None:
        self._controller.stop()

    def letters(self) -> list[Letter]:
        """Returns the e-mails, newest first."""
        with self._guard:
            return list(reversed(self._letters))

    def _take(self, to: str, content: bytes) -> None:
        message = message_from_bytes(content, policy=policy.default)
        body = message.get_body(("plain",))
        text = str(body.get_content()) if body else ""
        with self._guard:
            self._count += 1
            subject = str(message["Subject"] or "")
            self._letters.append(Letter(self._count, self._now(), to, subject, text.strip()))


class _Taker:
    def __init__(self, take: Callable[[str, bytes], None]) -> None:
        self._take = take

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self._take(", ".join(envelope.rcpt_tos), envelope.content)
        return "250 OK"
