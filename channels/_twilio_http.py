"""Speaks HTTP for the Twilio client: time-outs, a pool, one place to go, refusals with all they say."""

from __future__ import annotations

import json
import logging
from urllib.parse import urlsplit, urlunsplit

from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response

from handoff_bot.domain.errors import Malformed
from handoff_bot.domain.web_addresses import origin_of

_POOL = 32
"""Connections kept open; more workers than this at once open one for the occasion."""


_LONGEST_PAUSE = 3600.0
"""Seconds; whoever asks for more is asked again after this."""


class Refused(TwilioException):  # type: ignore[misc] # twilio ships no types
    """Twilio answered, and not with success. The text never holds what Twilio said: it quotes numbers.

    Attributes:
        status: the HTTP status.
        code: Twilio's own code as text, "" when there is none.
        retry_after: seconds it asked us to wait, None when it did not say.
    """

    def __init__(self, status: int, code: str, retry_after: float | None) -> None:
        super().__init__(f"HTTP {status}, code {code or 'none'}")
        self.status = status
        self.code = code
        self.retry_after = retry_after


class Garbled(TwilioException):  # type: ignore[misc] # twilio ships no types
    """Twilio answered with success, and with something that is no JSON object."""


class ApiHttp:
    """What `twilio.rest.Client` calls as its HTTP client.

    The SDK has no setting for its address, so it is changed here, where every request comes through,
    those to absolute paging addresses included. Refusals are raised here too, because the SDK's own
    exceptions know nothing of the headers and differ between its interfaces.

    Args:
        timeout: seconds, to connect and between two packets of an answer.
        api_url: stands for every Twilio host, "" for Twilio's own.
    """

    def __init__(self, timeout: float, api_url: str = "") -> None:
        # The SDK logs addresses with their query, and so customers' numbers: it gets a logger of its own
        # that nobody hears.
        self._inner = TwilioHttpClient(timeout=timeout, logger=logging.Logger("unheard", 100))
        for scheme in ("https://", "http://"):
            self._inner.session.mount(scheme, HTTPAdapter(pool_maxsize=_POOL))
        self._stand_in = urlsplit(api_url) if api_url else None
        if self._stand_in:
            self._inner.session.trust_env = False  # a proxy would be another host

    def request(self, method: str, url: str, **how: object) -> Response:
        """One request, never followed elsewhere.

        Raises:
            Refused: the answer is no success.
            Garbled: it cannot be read.
            requests.RequestException: there was no answer.
        """
        response = self._inner.request(method, self._address(url), **how)
        if response.status_code >= 300:
            raise Refused(response.status_code, _code(response), _retry_after(response))
        if _object(response) is None:
            raise Garbled
        return response

    def _address(self, url: str) -> str:
        if self._stand_in is None:
            if not _is_twilios(url):
                raise Garbled  # the next page of a list is where Twilio's answer says
            return url
        asked = urlsplit(url)
        path = self._stand_in.path.rstrip("/") + asked.path
        return urlunsplit((self._stand_in.scheme, self._stand_in.netloc, path, asked.query, ""))


def _is_twilios(url: str) -> bool:
    try:
        return origin_of(url).is_within("twilio.com")
    except Malformed:
        return False


def _object(response: Response) -> dict[str, object] | None:
    """The JSON object in it, an empty one when it holds nothing; None when there is something else."""
    try:
        said = json.loads(response.text or "{}")
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _code(response: Response) -> str:
    """Twilio's code; both its error formats, the old one and RFC 9457, call it `code`."""
    code = (_object(response) or {}).get("code")
    return str(code) if isinstance(code, int | str) else ""


def _retry_after(response: Response) -> float | None:
    """Seconds; the other form of the header, a date, is passed over."""
    seconds = (response.headers or {}).get("Retry-After", "")
    return min(float(seconds), _LONGEST_PAUSE) if seconds.isdecimal() else None
