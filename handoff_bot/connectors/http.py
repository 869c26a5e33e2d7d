"""HTTP requests to other systems, with permanent and temporary errors distinguished."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from handoff_bot import spans
from handoff_bot.domain.errors import ConnectorError
from handoff_bot.ports import Clock

TIMEOUT = (5, 15)
"""Seconds to connect, and between two packets of a response."""

_LONGEST_PAUSE = 3600.0
"""Maximum Retry-After in seconds."""
_LONGEST_ANSWER = 1_000_000
_LONGEST_READ = 30.0
"""Seconds to read a body: a server that sends a byte now and then must not keep a thread."""


@dataclass(frozen=True)
class Answer:
    """A complete response, success or refusal."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Peer:
    """Another system.

    Attributes:
        name: its display name.
        fixable: statuses that an admin can fix: the job is retried until then.
    """

    name: str
    clock: Clock
    fixable: frozenset[int] = field(default_factory=frozenset)

    def ask(self, method: str, url: str, **how: Any) -> Answer:
        """Sends one request without following redirects; some refusals are returned as responses.

        Raises:
            ConnectorError: no response, or a temporary problem.
        """
        if spans.recorder is None:
            return self._answered(method, url, how)
        host = urlsplit(url).hostname or ""
        about = {"http.request.method": method, "server.address": host}
        with spans.recorder.span(f"connector {method}", spans.Kind.CLIENT, about) as span:
            answer = self._answered(method, url, how)
            span.note("http.response.status_code", answer.status)
            return answer

    def _answered(self, method: str, url: str, how: dict[str, Any]) -> Answer:
        try:
            with requests.Session() as session:
                session.auth = _no_credentials
                response = session.request(
                    method, url, timeout=TIMEOUT, allow_redirects=False, stream=True, **how
                )
                with response:
                    answer = Answer(response.status_code, response.headers, _body(response))
        except (requests.RequestException, HTTPError, ValueError, TimeoutError) as error:
            # ValueError: the client parses a redirect even if it does not follow it. Both messages
            # contain the URL, which may include a secret.
            raise ConnectorError(
                f"{self.name} cannot be reached ({type(error).__name__}).",
                permanent=False,
                code="unreachable",
            ) from error
        if _is_trouble(answer.status):
            raise self.refusal(answer)
        return answer

    def refusal(self, answer: Answer, why: str = "") -> ConnectorError:
        """Converts an error response; `why` is the system's own error name."""
        words = f"{self.name} answered {answer.status}{f' ({why})' if why else ''}."
        waits = _is_trouble(answer.status) or answer.status in self.fixable
        return ConnectorError(
            words,
            permanent=not waits,
            code=str(answer.status),
            retry_after=self._pause(answer.headers),
        )

    def _pause(self, headers: Mapping[str, str]) -> float | None:
        """Returns the Retry-After in seconds, given as a number or a date."""
        given = headers.get("Retry-After", "").strip()
        if re.fullmatch(r"[0-9]{1,9}", given):
            return min(float(given), _LONGEST_PAUSE)
        try:
            until = parsedate_to_datetime(given)
        except ValueError:
            return None
        if until.tzinfo is None:
            return None
        seconds = (until - self.clock.now()).total_seconds()
        return min(max(seconds, 0.0), _LONGEST_PAUSE)


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """By default, the client would send a password from this machine's .netrc."""
    return request


def _is_trouble(status: int) -> bool:
    """Returns whether a retry can help, for any system."""
    return status >= 500 or status in (408, 429)


def _body(response: requests.Response) -> bytes:
    """Reads at most the part of the body that is used; each read returns what has come so far.

    Raises:
        TimeoutError: it takes too long.
    """
    body, until = b"", monotonic() + _LONGEST_READ
    while len(body) <= _LONGEST_ANSWER:
        piece = response.raw.read1(65_536, decode_content=True)
        if not piece:
            break
        if monotonic() > until:
            raise TimeoutError
        body += piece
    return body
