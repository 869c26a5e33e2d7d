"""Webhooks of Twilio's stand-in to the bot: HTTP with Twilio's timeouts and retry rules."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from socket import SHUT_RDWR, socket
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, urlsplit

from handoff_sandbox.server import UNANSWERED, Entry, Journal, readable

FORM = "application/x-www-form-urlencoded"
TOKEN = "I-Twilio-Idempotency-Token"  # noqa: S105 - the name of a header
_LONGEST_ANSWER = 64 * 1024

Trouble = Literal["", "ct", "rt", "4xx", "5xx"]
"""The failures of Twilio's retry policies: no connection, no response, or an error."""


@dataclass(frozen=True)
class Reply:
    """The bot's response; status 0 for none."""

    status: int = UNANSWERED
    body: str = ""
    trouble: Trouble = ""


@dataclass(frozen=True)
class Overrides:
    """Connection overrides, as in the fragment of a webhook's address, e.g. "#rc=2&rp=5xx,ct".

    Attributes:
        connect, read, total: seconds; `total` is for all attempts together.
        retries: attempts after the first.
        policy: failures that are retried.
    """

    connect: float = 5.0
    read: float = 15.0
    total: float = 15.0
    retries: int = 1
    policy: frozenset[str] = frozenset({"ct"})

    @classmethod
    def of(cls, fragment: str) -> Overrides:
        """Parses a fragment; values outside of Twilio's range are ignored."""
        said = dict(parse_qsl(fragment))
        return cls(
            connect=_within(said.get("ct"), 100, 10_000, 5_000) / 1000,
            read=_within(said.get("rt"), 100, 15_000, 15_000) / 1000,
            total=_within(said.get("tt"), 100, 15_000, 15_000) / 1000,
            retries=_within(said.get("rc"), 0, 5, 1),
            policy=frozenset(said.get("rp", "ct").split(",")),
        )

    def retry(self, reply: Reply) -> bool:
        """Whether a failure is retried."""
        return bool(reply.trouble) and not self.policy.isdisjoint({reply.trouble, "all"})


def _within(given: str | None, low: int, high: int, default: int) -> int:
    return int(given) if given and given.isdecimal() and low <= int(given) <= high else default


class Courier:
    """Posts to the bot, and never to any other address.

    Args:
        public_base_url: the bot's public address.
        bot_url: its real address, "http://127.0.0.1:…"; may be set later, "" for none.
        journal: gets every attempt.
    """

    def __init__(self, public_base_url: str, bot_url: str, journal: Journal) -> None:
        self.bot_url = bot_url
        self._public = urlsplit(public_base_url)
        self._journal = journal
        self._guard = threading.Lock()
        self._open: set[socket] = set()
        self._is_closed = False

    def post(self, url: str, content: bytes, headers: Mapping[str, str], token: str = "") -> Reply:
        """Posts a form, with Twilio's timeouts and the retries of the address.

        Args:
            url: the public address.
            token: the same for all copies of one webhook, "" for a new one.
        """
        address = urlsplit(url)
        how = Overrides.of(address.fragment)
        given_up_at = time.monotonic() + how.total
        sent = {"Content-Type": FORM, TOKEN: token or str(uuid.uuid4()), **headers}
        for _ in range(how.retries + 1):
            left = max(given_up_at - time.monotonic(), 0.01)
            reply = self._try(address, content, sent, how, left)
            self._write_down(address.path, content, reply)
            if not how.retry(reply) or time.monotonic() >= given_up_at:
                break
        return reply

    def close(self) -> None:
        """Aborts running requests; later ones fail."""
        with self._guard:
            self._is_closed = True
            for connected in self._open:
                with suppress(OSError):
                    connected.shutdown(SHUT_RDWR)

    def _try(
        self,
        address: SplitResult,
        content: bytes,
        headers: Mapping[str, str],
        how: Overrides,
        left: float,
    ) -> Reply:
        bot = urlsplit(self.bot_url)
        if not self._is_ours(address) or not bot.port:
            return Reply(trouble="ct")
        connection = HTTPConnection(bot.hostname or "", bot.port, timeout=min(how.connect, left))
        try:
            connection.connect()
        except OSError:
            return Reply(trouble="ct")
        connected = connection.sock
        connected.settimeout(min(how.read, left))
        try:
            self._know(connected)
            connection.request("POST", self._target(address, bot), content, dict(headers))
            answer = connection.getresponse()
            said = answer.read(_LONGEST_ANSWER).decode(errors="replace")
            return Reply(answer.status, said, _trouble(answer.status))
        except (OSError, HTTPException):
            return Reply(trouble="rt")
        finally:
            with self._guard:
                self._open.discard(connected)
            connection.close()

    def _know(self, connected: socket) -> None:
        """Registers a connection for `close`; closes it at once after `close`."""
        with self._guard:
            self._open.add(connected)
            if self._is_closed:
                connected.close()

    def _is_ours(self, address: SplitResult) -> bool:
        return address[:2] == self._public[:2] and address.path.startswith(self._base)

    @property
    def _base(self) -> str:
        return self._public.path.rstrip("/")

    def _target(self, address: SplitResult, bot: SplitResult) -> str:
        path = bot.path.rstrip("/") + address.path.removeprefix(self._base)
        return f"{path}?{address.query}" if address.query else path

    def _write_down(self, path: str, content: bytes, reply: Reply) -> None:
        said = reply.body if reply.status else None
        self._journal.add(
            Entry(
                at=time.time(),
                who="twilio",
                direction="out",
                method="POST",
                path=path,
                request=readable(FORM, content),
                status=reply.status,
                response=said,
            )
        )


def _trouble(status: int) -> Trouble:
    if status >= 500:
        return "5xx"
    return "4xx" if status >= 400 else ""
