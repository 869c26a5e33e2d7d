"""One HTTP exchange with another system, its failures told apart: for now, or for good."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from handoff_bot.domain.errors import SinkError
from handoff_bot.ports import Clock

TIMEOUT = (5, 15)
"""Seconds to connect, and between two packets of an answer."""

_LONGEST_PAUSE = 3600.0
"""Seconds; whoever asks for more is asked again after this."""
_LONGEST_ANSWER = 1_000_000


@dataclass(frozen=True)
class Answer:
    """What came back: a success or a refusal, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Was it done?"""
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Peer:
    """Another system.

    Attributes:
        name: what people call it.
        fixable: refusals that an admin can put right: the work waits until they have.
    """

    name: str
    clock: Clock
    fixable: frozenset[int] = field(default_factory=frozenset)

    def ask(self, method: str, url: str, **how: Any) -> Answer:
        """One exchange, never followed elsewhere; a refusal that may mean something is an answer too.

        Raises:
            SinkError: there was no answer, or it is in trouble.
        """
        try:
            with requests.Session() as session:
                response = session.request(
                    method, url, timeout=TIMEOUT, allow_redirects=False, stream=True, **how
                )
                with response:
                    answer = Answer(response.status_code, response.headers, _body(response))
        except (requests.RequestException, ValueError) as error:
            # ValueError: the client looks at a redirect even when it is not to follow it.
            # The text of either holds the address, and with it perhaps a secret.
            raise SinkError(
                f"{self.name} cannot be reached ({type(error).__name__}).",
                permanent=False,
                code="unreachable",
            ) from error
        if _is_trouble(answer.status):
            raise self.refusal(answer)
        return answer

    def refusal(self, answer: Answer, why: str = "") -> SinkError:
        """What an answer that is no success means; `why` is the system's own word for it."""
        words = f"{self.name} answered {answer.status}{f' ({why})' if why else ''}."
        waits = _is_trouble(answer.status) or answer.status in self.fixable
        return SinkError(
            words,
            permanent=not waits,
            code=str(answer.status),
            retry_after=self._pause(answer.headers),
        )

    def _pause(self, headers: Mapping[str, str]) -> float | None:
        """The seconds that it asks us to wait, which it may say as a number or as a date."""
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


def _is_trouble(status: int) -> bool:
    """Does trying again help, whoever answered so?"""
    return status >= 500 or status in (408, 429)


def _body(response: requests.Response) -> bytes:
    """As much as is looked at; whoever sends more has nothing to tell us."""
    body = b""
    for piece in response.iter_content(65_536):
        body += piece
        if len(body) > _LONGEST_ANSWER:
            break
    return body
