"""HTTP client for the Twilio SDK: time limits, a pool, one allowed host, detailed errors."""

from __future__ import annotations

import json
import logging
from urllib.parse import urlsplit, urlunsplit

from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response

from handoff_bot import spans
from handoff_bot.domain.errors import Malformed
from handoff_bot.domain.web_requests import origin_of

_POOL = 32
"""Open connections; more concurrent workers open temporary ones."""


_LONGEST_PAUSE = 3600.0
"""Maximum Retry-After in seconds."""


class Refused(TwilioException):  # type: ignore[misc] # twilio ships no types
    """An error response of Twilio. Its text never includes Twilio's message, which quotes numbers.

    Attributes:
        status: the HTTP status.
        code: Twilio's own code as text, or "".
        retry_after: requested seconds to wait, None if not given.
    """

    def __init__(self, status: int, code: str, retry_after: float | None) -> None:
        super().__init__(f"HTTP {status}, code {code or 'none'}")
        self.status = status
        self.code = code
        self.retry_after = retry_after


class Garbled(TwilioException):  # type: ignore[misc] # twilio ships no types
    """A success response that is not a JSON object."""


class ApiHttp:
    """HTTP client called by `twilio.rest.Client`.

    The SDK has no setting for its host, so it is replaced here, where every request passes,
    including absolute paging URLs. Errors are raised here too, because the SDK's own exceptions do
    not include headers and differ between its interfaces.

    Args:
        timeout: seconds to connect, and between two packets of a response.
        api_url: overrides all Twilio hosts, "" for Twilio's own.
    """

    def __init__(self, timeout: float, api_url: str = "") -> None:
        # The SDK logs URLs with their query, which contain customers' numbers: it gets a silent
        # logger.
        self._inner = TwilioHttpClient(timeout=timeout, logger=logging.Logger("unheard", 100))
        for scheme in ("https://", "http://"):
            self._inner.session.mount(scheme, HTTPAdapter(pool_maxsize=_POOL))
        self._stand_in = urlsplit(api_url) if api_url else None
        if self._stand_in:
            self._inner.session.trust_env = False  # a proxy would be another host

    def request(self, method: str, url: str, **how: object) -> Response:
        """Sends one request without following redirects.

        Raises:
            Refused: an error response.
            Garbled: it cannot be read.
            requests.RequestException: no response.
        """
        if spans.recorder is None:
            return self._answered(method, url, how)
        name = resource_of(url)
        about = {"peer.service": "twilio", "http.request.method": method, "url.template": name}
        with spans.recorder.span(f"twilio {method} {name}", spans.Kind.CLIENT, about):
            return self._answered(method, url, how)

    def _answered(self, method: str, url: str, how: dict[str, object]) -> Response:
        response = self._inner.request(method, self._address(url), **how)
        if response.status_code >= 300:
            raise Refused(response.status_code, _code(response), _retry_after(response))
        if _object(response) is None:
            raise Garbled
        return response

    def _address(self, url: str) -> str:
        if self._stand_in is None:
            if not _is_twilios(url):
                raise Garbled  # the next page's URL comes from Twilio's response
            return url
        asked = urlsplit(url)
        path = self._stand_in.path.rstrip("/") + asked.path
        return urlunsplit((self._stand_in.scheme, self._stand_in.netloc, path, asked.query, ""))


_RESOURCES = frozenset(
    (
        *("Accounts", "Addresses", "ChannelSenders", "Configuration", "Content", "Conversations"),
        *("IncomingPhoneNumbers", "Media", "Messages", "Participants", "PhoneNumbers", "Receipts"),
        *("Recordings", "Senders", "Services", "Users", "Webhooks"),
    )
)


def resource_of(url: str) -> str:
    """Returns the path with only Twilio's own names, because ids may be addresses or names:

    "/Accounts/{id}/Messages" of "https://…/2010-04-01/Accounts/AC1/Messages.json?To=…".
    """
    parts = [part.removesuffix(".json") for part in urlsplit(url).path.split("/")[2:]]
    return "".join(f"/{part if part in _RESOURCES else '{id}'}" for part in parts)


def _is_twilios(url: str) -> bool:
    try:
        return origin_of(url).is_within("twilio.com")
    except Malformed:
        return False


def _object(response: Response) -> dict[str, object] | None:
    """Returns the JSON object, an empty one for no content; None for anything else."""
    try:
        said = json.loads(response.text or "{}")
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _code(response: Response) -> str:
    """Returns Twilio's code; both error formats, the old one and RFC 9457, call it `code`."""
    code = (_object(response) or {}).get("code")
    return str(code) if isinstance(code, int | str) else ""


def _retry_after(response: Response) -> float | None:
    """Returns seconds; the date form of the header is ignored."""
    seconds = (response.headers or {}).get("Retry-After", "")
    return min(float(seconds), _LONGEST_PAUSE) if seconds.isdecimal() else None
